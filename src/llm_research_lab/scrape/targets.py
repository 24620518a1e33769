"""A group's address becomes a target by its job's rules: what is asked, and which labels it gives.

Source: Prometheus, scrape/target.go and manager.go, PopulateLabels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import md5
from urllib.parse import urlencode

from llm_research_lab.scrape.jobs import Group, Job
from llm_research_lab.scrape.relabel import relabel
from llm_research_lab.vocabulary import InvalidError
from llm_research_lab.vocabulary.durations import format_duration, parse_duration
from llm_research_lab.vocabulary.labels import Labels, labels_of

_PARAM = "__param_"


@dataclass(frozen=True, slots=True)
class Target:
    """What one loop scrapes; two with equal fields are one target."""

    labels: Labels
    url: str
    interval_ms: int
    timeout_ms: int
    offset_ms: int
    """It is scraped when the clock's remainder by the interval is this."""


@dataclass(frozen=True, slots=True)
class Found:
    """The targets of a job, each with what discovery said of it; and what the rules dropped."""

    targets: dict[Target, Labels]
    dropped: tuple[Labels, ...] = ()
    refused: tuple[str, ...] = ()
    """Why an address is no target."""


def targets_of(job: Job, groups: Iterable[Group]) -> Found:
    """Make the targets of the groups; equal ones are one."""
    targets: dict[Target, Labels] = {}
    dropped: list[Labels] = []
    refused: list[str] = []
    for group in groups:
        for address in group.targets:
            discovered = _discovered(job, group, address)
            kept = relabel(discovered, job.rules)
            if kept is None:
                dropped.append(discovered)
                continue
            try:
                targets.setdefault(_target(job, dict(kept)), discovered)
            except InvalidError as error:
                refused.append(str(error))
    return Found(targets, tuple(dropped), tuple(refused))


def _discovered(job: Job, group: Group, address: str) -> Labels:
    """Give the labels that the rules see; those of the group stand over the job's."""
    return labels_of(
        {
            "job": job.name,
            "__scrape_interval__": format_duration(job.interval_ms),
            "__scrape_timeout__": format_duration(job.timeout_ms),
            "__metrics_path__": job.path,
            "__scheme__": job.scheme,
            **{_PARAM + name: values[0] for name, values in job.params if values},
            **dict(group.labels),
            "__address__": address,
        }
    )


def _target(job: Job, pairs: dict[str, str]) -> Target:
    """Make a target of the labels that the rules left. Raises InvalidError."""
    address = pairs.get("__address__", "")
    if not address or "/" in address:
        raise InvalidError("__address__", "a host and port", repr(address), "mend the target")
    scheme = pairs.get("__scheme__", "")
    if scheme not in {"http", "https"}:
        raise InvalidError("__scheme__", "http or https", repr(scheme), "mend the rules")
    interval, timeout = (
        parse_duration(pairs.get(f"__scrape_{name}__", "")) for name in ("interval", "timeout")
    )
    if not 0 < timeout <= interval:
        raise InvalidError(
            "__scrape_timeout__", "above 0, within the interval", f"{timeout} ms", "mend the rules"
        )
    pairs.setdefault("instance", address)
    labels = labels_of((name, value) for name, value in pairs.items() if name[:2] != "__")
    url = _url(job, pairs, scheme, address)
    offset = 0 if job.align else _spread(f"{labels}{url}", interval)
    return Target(labels, url, interval, timeout, offset)


def _url(job: Job, pairs: dict[str, str], scheme: str, address: str) -> str:
    """Write the address; a parameter's first value is the label's, the others are the job's."""
    params = {name: list(values) for name, values in job.params}
    for name, value in pairs.items():
        if name.startswith(_PARAM):
            params[name[len(_PARAM) :]] = [value, *params.get(name[len(_PARAM) :], [])[1:]]
    path = pairs.get("__metrics_path__", "")
    query = urlencode(sorted(params.items()), doseq=True)
    slash = "" if path.startswith("/") else "/"
    return f"{scheme}://{address}{slash}{path}" + (f"?{query}" if query else "")


def _spread(key: str, interval_ms: int) -> int:
    """Give the target's own phase: the same after every start."""
    digest = md5(key.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:8], "big") % interval_ms
