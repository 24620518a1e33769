"""What is known of an experiment or a trace, from every place that knows it, in order of time.

Logs and traces are read from the data directory, so they can be read when nothing runs; audit
entries and exemplars are asked of the running lab.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import orjson

from llm_research_lab.telemetry.span_store import read_spans
from llm_research_lab.vocabulary import InvalidError, NotFoundError

if TYPE_CHECKING:
    from llm_research_lab.service.client import Client
    from llm_research_lab.storage import DataDirectory

ItemKind = Literal["log", "span", "exemplar", "audit"]

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"

# name{labels} value [time] # {labels} value [time]
_EXEMPLAR = re.compile(r"^(\S+?)(\{.*?\})? \S+(?: \S+)? # \{(.*)\} (\S+)(?: (\S+))?$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that happened: when, what knows it, and all that it says."""

    at_ns: int
    kind: ItemKind
    what: Mapping[str, Any] = field(hash=False)

    @property
    def at(self) -> str:
        """The time as RFC 3339, in microseconds."""
        moment = datetime.fromtimestamp(self.at_ns // 1000 / 1_000_000, UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def trace_of(directory: DataDirectory, wanted: str) -> list[dict[str, Any]]:
    """Give the spans of one trace: by its id or how that begins, a request's or an experiment's id.

    Raises NotFoundError, and InvalidError when several traces begin so.
    """
    ids = sorted({span["trace_id"] for span in _naming(directory.traces, wanted)})
    if not ids:
        raise NotFoundError(
            "trace",
            "a trace of the last hour that was kept",
            repr(wanted[:80]),
            "list what was kept: lab trace --slowest",
        )
    if len(ids) > 1:
        raise InvalidError("trace", "one trace", f"{len(ids)}: {', '.join(ids[:5])}", "say more")
    return read_spans(directory.traces, ids[0])


def _naming(folder: Path, wanted: str) -> Iterator[dict[str, Any]]:
    for span in read_spans(folder, wanted):
        named = span["attributes"]
        if wanted and (
            span["trace_id"].startswith(wanted)
            or wanted in (named.get("experiment_id"), named.get("lab.request_id"))
        ):
            yield span


def log_lines(folder: Path, wanted: Collection[str]) -> list[Item]:
    """Give the log lines that name any of the ids, of all processes, rotated files too."""
    ids = [one.encode() for one in wanted]
    found: list[Item] = []
    for path in folder.glob("*.log*"):
        with suppress(FileNotFoundError), path.open("rb") as file:  # rotated away meanwhile
            for line in file:
                if any(one in line for one in ids):
                    found += _item(line)
    return sorted(found, key=lambda item: item.at_ns)


def _item(line: bytes) -> Iterator[Item]:
    """Give a line as an item; what is no JSON with a time is another's, or torn."""
    with suppress(ValueError, KeyError, TypeError):
        said = orjson.loads(line)
        yield Item(_ns(said["timestamp"]), "log", said)


def story(
    directory: DataDirectory, experiment_id: str, client: Client | None
) -> tuple[list[Item], str | None]:
    """Give all that is known of the experiment, and its trace's id; without a client, less."""
    spans = list(_naming(directory.traces, experiment_id))
    trace_id = spans[0]["trace_id"] if spans else None
    if trace_id is not None:
        spans = read_spans(directory.traces, trace_id)
    found = [Item(int(span["start_ns"]), "span", span) for span in spans]
    found += log_lines(directory.logs, [experiment_id, *([trace_id] if trace_id else [])])
    if client is not None:
        found += _audited(client, experiment_id)
    if trace_id is not None:
        found += [one for one in exemplars(directory) if one.what.get("trace_id") == trace_id]
    return sorted(found, key=lambda item: item.at_ns), trace_id


def _audited(client: Client, experiment_id: str) -> Iterator[Item]:
    entries = client.items("/v1/audit", resource_type="experiment", resource_id=experiment_id)
    return (Item(_ns(entry["timestamp"]), "audit", entry) for entry in entries)


def exemplars(directory: DataDirectory) -> Iterator[Item]:
    """Give the exemplars that the running processes expose now."""
    import httpx

    for file in sorted((directory.root / "run").glob("*.json")):
        with suppress(OSError, ValueError, KeyError, TypeError, httpx.HTTPError):
            facts = orjson.loads(file.read_bytes())
            url, headers = facts["metrics_url"], {"Accept": OPEN_METRICS}
            text = httpx.get(url, headers=headers, timeout=5, trust_env=False).text
            yield from exemplars_in(text)


def exemplars_in(text: str) -> Iterator[Item]:
    """Read the exemplars of an OpenMetrics exposition; one without a time is at its beginning."""
    for line in text.splitlines():
        found = _EXEMPLAR.match(line)
        if found is not None:
            name, labels, own, value, at = found.groups()
            about = {"metric": name + (labels or ""), "value": float(value)}
            yield Item(
                int(float(at or 0) * 1e9), "exemplar", {**about, **dict(_LABEL.findall(own))}
            )


def _ns(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int(moment.timestamp() * 1_000_000) * 1000
