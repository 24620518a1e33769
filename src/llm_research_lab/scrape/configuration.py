"""A standard prometheus.yml becomes a Configuration, or findings with the line and column of each.

A key that is not carried out leaves a finding: of law `ignored` where the rest still holds,
`refused` where it would not. Ours is a comment that Prometheus does not see: inside a job for that
job, before scrape_configs for all, ``# lab: align_scrapes: true``.

Source: Prometheus, "Configuration"; config/config.go.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import PurePath
from typing import Any

from llm_research_lab.documents.fields import Place, Source, read_fields
from llm_research_lab.documents.yaml import read_yaml
from llm_research_lab.scrape.jobs import (
    Bounds,
    Configuration,
    Credentials,
    Files,
    Group,
    Job,
    Names,
    Tls,
)
from llm_research_lab.scrape.keys import BOUNDS, TOP
from llm_research_lab.vocabulary import Finding

MOST_BYTES = 4 << 20
MOST_VALUES = 200_000
SCRAPE_INTERVAL_MS = 60_000
SCRAPE_TIMEOUT_MS = 10_000

_ALIGN = re.compile(
    r"^[ \t]*#[ \t]*lab:[ \t]*align_scrapes:[ \t]*(true|false)[ \t]*$", re.MULTILINE
)
_PATTERN = re.compile(r"[^*]*(?:\*[^/*]*)?\.(?:json|yml|yaml)", re.IGNORECASE)


def read_configuration(
    source: str | bytes, directory: str = "."
) -> tuple[Configuration | None, tuple[Finding, ...]]:
    """Read the file's text; paths in it are relative to the directory.

    None with any finding that is not of law `ignored`.
    """
    document, broken = read_yaml(source, most_bytes=MOST_BYTES, most_values=MOST_VALUES)
    if document is None:
        return None, broken
    findings: list[Finding] = []
    place = Place(document, findings)
    top = read_fields({} if document.value is None else document.value, place, TOP)
    stated = top.get("global") or {}
    jobs = [
        _job(one, stated, place.at("scrape_configs").at(index), directory)
        for index, one in enumerate(top.get("scrape_configs") or ())
    ]
    text = source if isinstance(source, str) else source.decode("utf-8-sig")
    if any(one.law != "ignored" for one in findings):
        return None, tuple(findings)
    return (
        Configuration(
            jobs=_aligned([job for job in jobs if job], text, document),
            rule_files=tuple(_joined(directory, path) for path in top.get("rule_files") or ()),
            scrape_interval_ms=stated.get("scrape_interval") or SCRAPE_INTERVAL_MS,
            evaluation_interval_ms=stated.get("evaluation_interval") or 60_000,
            query_offset_ms=stated.get("rule_query_offset") or 0,
            external_labels=stated.get("external_labels") or (),
        ),
        tuple(findings),
    )


def _job(given: dict[str, Any] | None, stated: Any, place: Place, directory: str) -> Job | None:
    """Make a job, what it leaves open being the file's, then Prometheus's."""
    if given is None:
        return None
    interval = given.get("scrape_interval") or stated.get("scrape_interval") or SCRAPE_INTERVAL_MS
    common = stated.get("scrape_timeout") or SCRAPE_TIMEOUT_MS
    timeout = given.get("scrape_timeout") or min(common, interval)
    _check(given, interval, timeout, place)
    join = partial(_joined, directory)
    tls = given.get("tls_config") or Tls()
    rates = {**stated, **given}
    return Job(
        name=given["job_name"],
        interval_ms=interval,
        timeout_ms=timeout,
        path=given.get("metrics_path") or "/metrics",
        scheme=given.get("scheme", "http"),
        params=given.get("params", ()),
        honor_labels=given.get("honor_labels", False),
        honor_timestamps=given.get("honor_timestamps", True),
        follow_redirects=given.get("follow_redirects", True),
        compression=given.get("enable_compression", True),
        bounds=Bounds(*(rates.get(field.name) or 0 for field in BOUNDS)),
        credentials=_credentials(given, place, join),
        tls=replace(
            tls,
            ca_file=join(tls.ca_file),
            cert_file=join(tls.cert_file),
            key_file=join(tls.key_file),
        ),
        headers=given.get("http_headers", ()),
        rules=given.get("relabel_configs", ()),
        metric_rules=given.get("metric_relabel_configs", ()),
        groups=_groups(given),
        files=_files(given, place, join),
        names=_names(given, place),
    )


def _check(given: dict[str, Any], interval: int, timeout: int, place: Place) -> None:
    """Say what Prometheus says of a job as a whole."""
    if not given["job_name"]:
        place.at("job_name").expect("job_name", "a name", "")
    if timeout > interval:
        place.at("scrape_timeout").find(
            "timeout", "scrape_timeout is longer than the interval", "shorten it"
        )
    jobs = place.source.value["scrape_configs"][: place.path[-1]]
    if any(job.get("job_name") == given["job_name"] for job in jobs if isinstance(job, dict)):
        place.at("job_name").find("job_name", "a job of that name stands above", "rename one")


def _credentials(
    given: dict[str, Any], place: Place, join: Callable[[str], str]
) -> Credentials | None:
    """Give the one way in which the job proves itself, if any."""
    found = [given[key] for key in ("basic_auth", "authorization") if given.get(key)]
    if given.get("bearer_token"):
        found.append(Credentials("Bearer", secret=given["bearer_token"]))
    if given.get("bearer_token_file"):
        found.append(Credentials("Bearer", secret_file=given["bearer_token_file"]))
    if len(found) > 1:
        place.find("credentials", "more than one of basic_auth, authorization, bearer", "keep one")
    if not found:
        return None
    first: Credentials = found[0]
    return replace(first, secret_file=join(first.secret_file))


def _groups(given: dict[str, Any]) -> tuple[Group, ...]:
    """Static groups, each with its number as the source."""
    return tuple(
        Group(one.get("targets", ()), one.get("labels", ()), str(index))
        for index, one in enumerate(given.get("static_configs", ()))
        if one is not None
    )


def _files(given: dict[str, Any], place: Place, join: Callable[[str], str]) -> tuple[Files, ...]:
    found = []
    for index, one in enumerate(given.get("file_sd_configs", ())):
        at = place.at("file_sd_configs").at(index).at("files")
        for number, pattern in enumerate(one["files"] if one else ()):
            if not _PATTERN.fullmatch(pattern):
                at.at(number).expect("files", "a path that ends in .json, .yml or .yaml", pattern)
        if one:
            patterns = tuple(join(pattern) for pattern in one["files"])
            found.append(Files(patterns, one.get("refresh_interval", 300_000)))
    return tuple(found)


def _names(given: dict[str, Any], place: Place) -> tuple[Names, ...]:
    found = []
    for index, one in enumerate(given.get("dns_sd_configs", ())):
        at = place.at("dns_sd_configs").at(index)
        kind = (one or {}).get("type", "SRV")
        if kind in {"MX", "NS"}:
            at.at("type").find("refused", f"{kind} records are not asked for", "use A, AAAA or SRV")
        elif one and kind != "SRV" and not one.get("port"):
            at.find("port", f"a port is required for {kind} records", "add port")
        elif one:
            refresh = one.get("refresh_interval", 30_000)
            found.append(Names(one["names"], kind, one.get("port", 0), refresh))
    return tuple(found)


def _joined(directory: str, path: str) -> str:
    """Give a path relative to the file's directory; "" stays."""
    return str(PurePath(directory, path)) if path else ""


def _aligned(jobs: Sequence[Job], text: str, source: Source) -> tuple[Job, ...]:
    """Carry out the comments: of the job in whose lines they stand, or of all."""
    starts = [
        int(source.where(("scrape_configs", index)).split(":")[0]) for index in range(len(jobs))
    ]
    common, own = False, {}
    for found in _ALIGN.finditer(text):
        index = bisect_right(starts, text.count("\n", 0, found.start()) + 1) - 1
        if index < 0:
            common = found[1] == "true"
        else:
            own[index] = found[1] == "true"
    return tuple(replace(job, align=own.get(index, common)) for index, job in enumerate(jobs))
