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

from llm_research_lab.documents.fields import Field, Place, Source, read_fields
from llm_research_lab.documents.readers import flag, list_of, one_of, whole
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
from llm_research_lab.scrape.relabel import ACTIONS, Relabel
from llm_research_lab.scrape.scalars import (
    duration,
    ignored,
    label_name,
    labels,
    mapping_of_lists,
    optional,
    positive,
    refused,
    size,
    texts,
    words,
)
from llm_research_lab.vocabulary import Finding, InvalidError

MOST_BYTES = 4 << 20
MOST_VALUES = 200_000
MANY = 10_000
SCRAPE_INTERVAL_MS = 60_000
SCRAPE_TIMEOUT_MS = 10_000

_ALIGN = re.compile(
    r"^[ \t]*#[ \t]*lab:[ \t]*align_scrapes:[ \t]*(true|false)[ \t]*$", re.MULTILINE
)
_PATTERN = re.compile(r"[^*]*(?:\*[^/*]*)?\.(?:json|yml|yaml)", re.IGNORECASE)

_whole = whole(0, 2**62)
_ELSEWHERE = "targets that it would find are not scraped; static, file and DNS discovery are here"
_DISCOVERIES = (
    "azure",
    "consul",
    "digitalocean",
    "docker",
    "dockerswarm",
    "ec2",
    "eureka",
    "gce",
    "hetzner",
    "http",
    "ionos",
    "kubernetes",
    "kuma",
    "lightsail",
    "linode",
    "marathon",
    "nerve",
    "nomad",
    "openstack",
    "ovhcloud",
    "puppetdb",
    "scaleway",
    "serverset",
    "stackit",
    "triton",
    "uyuni",
    "vultr",
)


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
    top = read_fields({} if document.value is None else document.value, place, _TOP)
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


def _mapping(fields: Sequence[Field], make: Callable[..., Any] = dict) -> Callable[..., Any]:
    """A mapping with these fields, given to `make`; None where it left a finding that refuses."""

    def read(value: Any, place: Place) -> Any:
        before = len(place.findings)
        found = read_fields(value, place, fields)
        given = {name: inner for name, inner in found.items() if inner is not None}
        if any(one.law != "ignored" for one in place.findings[before:]):
            return None
        try:
            return make(**given)
        except InvalidError as error:
            message = f"{error.where}: expected {error.expected}, got {error.got}"
            place.find("form", message, error.fix)
            return None

    return read


def _several(fields: Sequence[Field], make: Callable[..., Any] = dict) -> Callable[..., Any]:
    """A list of such mappings."""
    return list_of(_mapping(fields, make), 0, MANY)


_RELABEL = (
    optional("source_labels", list_of(label_name, 0, MANY)),
    optional("separator", words),
    optional("regex", words),
    optional("modulus", _whole),
    optional("target_label", words),
    optional("replacement", words),
    optional("action", lambda value, place: one_of(*ACTIONS)(str(value).lower(), place)),
)

_relabels = _several(_RELABEL, Relabel)


def _basic(**given: Any) -> Credentials:
    if "password" in given and "password_file" in given:
        raise InvalidError("basic_auth", "one password", "password and password_file", "keep one")
    return Credentials(
        "Basic",
        given.get("username", ""),
        given.get("password", ""),
        given.get("password_file", ""),
    )


def _authorization(**given: Any) -> Credentials:
    kind = given.get("type", "Bearer").strip()
    if kind.lower() == "basic":
        raise InvalidError("authorization", "a type but Basic", kind, "use basic_auth")
    if "credentials" in given and "credentials_file" in given:
        raise InvalidError("authorization", "one secret", "credentials and its file", "keep one")
    return Credentials(kind, "", given.get("credentials", ""), given.get("credentials_file", ""))


_TLS = (
    optional("ca_file", words),
    optional("cert_file", words),
    optional("key_file", words),
    optional("server_name", words),
    optional("insecure_skip_verify", flag),
    refused("ca", "certificates are read from files: use ca_file"),
    refused("cert", "certificates are read from files: use cert_file"),
    refused("key", "keys are read from files: use key_file"),
    ignored("min_version", "TLS 1.2 is the least"),
    ignored("max_version", "the newest that both know is used"),
)

_CREDENTIALS = (
    optional(
        "basic_auth",
        _mapping(
            (
                optional("username", words),
                optional("password", words),
                optional("password_file", words),
                refused("username_file", "write the username"),
            ),
            _basic,
        ),
    ),
    optional(
        "authorization",
        _mapping(
            (
                optional("type", words),
                optional("credentials", words),
                optional("credentials_file", words),
            ),
            _authorization,
        ),
    ),
    optional("bearer_token", words),
    optional("bearer_token_file", words),
)

_BOUNDS = (
    optional("body_size_limit", size),
    optional("sample_limit", _whole),
    optional("label_limit", _whole),
    optional("label_name_length_limit", _whole),
    optional("label_value_length_limit", _whole),
    optional("target_limit", _whole),
)

_NATIVE = "native histograms are not stored"

_IGNORED = (
    ignored("scrape_protocols", "OpenMetrics 1.0 is asked for first, then text 0.0.4"),
    ignored("scrape_fallback_protocol", "what names no type is read as text 0.0.4"),
    ignored("fallback_scrape_protocol", "what names no type is read as text 0.0.4"),
    ignored("scrape_classic_histograms", _NATIVE),
    ignored("always_scrape_classic_histograms", _NATIVE),
    ignored("scrape_native_histograms", _NATIVE),
    ignored("convert_classic_histograms_to_nhcb", _NATIVE),
    ignored("native_histogram_bucket_limit", _NATIVE),
    ignored("native_histogram_min_bucket_factor", _NATIVE),
    ignored("keep_dropped_targets", "dropped targets are not kept"),
    ignored("metric_name_validation_scheme", "all UTF-8 names are taken"),
    ignored("metric_name_escaping_scheme", "names are taken as they come"),
    ignored("extra_scrape_metrics", "Prometheus's five are written"),
    ignored("scrape_failure_log_file", "the lab's own log tells of failures"),
)


def _headers(value: Any, place: Place) -> tuple[tuple[str, str], ...]:
    """Headers by name, their values in a list; those from files are refused."""
    read = _mapping((optional("values", texts), refused("files", "write values")), dict)
    if not isinstance(value, dict):
        place.expect("type", "a mapping of headers", value)
        return ()
    found = {name: read(inner, place.at(name)) or {} for name, inner in value.items()}
    return tuple((name, one) for name, inner in found.items() for one in inner.get("values", ()))


_JOB = (
    Field("job_name", words, required=True),
    optional("scrape_interval", positive),
    optional("scrape_timeout", positive),
    optional("metrics_path", words),
    optional("scheme", one_of("http", "https")),
    optional("params", mapping_of_lists),
    optional("honor_labels", flag),
    optional("honor_timestamps", flag),
    optional("follow_redirects", flag),
    optional("enable_compression", flag),
    optional("tls_config", _mapping(_TLS, Tls)),
    optional("relabel_configs", _relabels),
    optional("metric_relabel_configs", _relabels),
    optional(
        "static_configs",
        _several((optional("targets", texts), optional("labels", labels)), dict),
    ),
    optional(
        "file_sd_configs",
        _several((Field("files", texts, required=True), optional("refresh_interval", positive))),
    ),
    optional(
        "dns_sd_configs",
        _several(
            (
                Field("names", texts, required=True),
                optional("type", one_of("A", "AAAA", "SRV", "MX", "NS")),
                optional("port", whole(0, 65535)),
                optional("refresh_interval", positive),
            ),
        ),
    ),
    *_CREDENTIALS,
    *_BOUNDS,
    *_IGNORED,
    ignored("track_timestamps_staleness", "series with times of their own get no stale marker"),
    ignored("enable_http2", "HTTP/1.1 is spoken"),
    optional("http_headers", _headers),
    refused("oauth2", "no token would be fetched"),
    refused("sigv4", "requests are not signed"),
    refused("azuread", "no token would be fetched"),
    refused("google_iam", "no token would be fetched"),
    refused("proxy_url", "targets are reached directly"),
    refused("proxy_from_environment", "targets are reached directly"),
    refused("proxy_connect_header", "targets are reached directly"),
    refused("no_proxy", "targets are reached directly"),
    *(ignored(f"{name}_sd_configs", _ELSEWHERE) for name in _DISCOVERIES),
)

_GLOBAL = (
    optional("scrape_interval", positive),
    optional("scrape_timeout", positive),
    optional("evaluation_interval", positive),
    optional("rule_query_offset", duration),
    optional("external_labels", labels),
    *_BOUNDS,
    *_IGNORED,
    ignored("query_log_file", "the lab's own log tells of queries"),
    ignored("runtime", "it is Go's"),
)

_ALERTING = (
    ignored("alertmanagers", "the lab notifies by itself"),
    ignored("alert_relabel_configs", "the lab notifies by itself"),
)

_TOP = (
    optional("global", _mapping(_GLOBAL)),
    optional("scrape_configs", _several(_JOB)),
    optional("rule_files", texts),
    optional("alerting", _mapping(_ALERTING)),
    ignored("scrape_config_files", "write the jobs into scrape_configs"),
    ignored("remote_write", "samples stay here; others may read them by remote read"),
    ignored("remote_read", "only samples of this store are read"),
    ignored("storage", "the store has settings of its own"),
    ignored("tracing", "the lab's own tracing stands"),
    ignored("otlp", "OTLP is not received here"),
    ignored("runtime", "it is Go's"),
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
        bounds=Bounds(*(rates.get(field.name) or 0 for field in _BOUNDS)),
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
