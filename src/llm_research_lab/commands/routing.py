"""Routes are asked who would be told: one alert at an instant, or a table of tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llm_research_lab.alerting.notifying import (
    Configuration,
    Decision,
    Route,
    Silence,
    parse_matchers,
    receivers_at,
)
from llm_research_lab.documents.fields import Field, Place, read_fields
from llm_research_lab.documents.readers import list_of, mapping_of, plain, text
from llm_research_lab.documents.yaml import read_yaml
from llm_research_lab.oncall import Moment
from llm_research_lab.oncall.moments import moment
from llm_research_lab.storage.private import explained
from llm_research_lab.vocabulary import Finding, Instant, InvalidError
from llm_research_lab.vocabulary.labels import Labels, labels_of

ALWAYS = (0, 253_402_300_799_000)
"""From 1970 to the end of the year 9999."""

MOST = 10_000
_WORD = text(2000)


@dataclass(frozen=True, slots=True)
class Asked:
    """An alert at an instant, with others firing and silences standing."""

    labels: Labels
    at_ms: Instant
    firing: tuple[Labels, ...] = ()
    silences: tuple[Silence, ...] = ()


@dataclass(frozen=True, slots=True)
class RouteTest:
    """What is asked, and what is expected: who is told, and who would be but for a mute."""

    name: str
    asked: Asked
    receivers: tuple[str, ...]
    muted: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class RouteReport:
    """One test with what came of it; `failures` is empty when it holds."""

    test: RouteTest
    decisions: tuple[Decision, ...]
    failures: tuple[str, ...]


def ask(configuration: Configuration, asked: Asked) -> tuple[Decision, ...]:
    """Give each route that takes the alert, with who is told, or why not."""
    return receivers_at(configuration, asked.labels, asked.at_ms, asked.firing, asked.silences)


def silence_of(written: str) -> Silence:
    """Make a silence of matchers that stands always. Raises InvalidError."""
    return Silence(written, tuple(parse_matchers(written).matchers), *ALWAYS)


def run_table(configuration: Configuration, tests: Sequence[RouteTest]) -> list[RouteReport]:
    """Run each test."""
    return [_run(configuration, one) for one in tests]


def _run(configuration: Configuration, test: RouteTest) -> RouteReport:
    decisions = ask(configuration, test.asked)
    told = tuple(one.receiver.name for one in decisions if one.muted is None)
    muted = tuple(one.receiver.name for one in decisions if one.muted is not None)
    pairs = [("receivers", test.receivers, told)]
    if test.muted is not None:
        pairs.append(("muted", test.muted, muted))
    failures = tuple(
        f"{name}: expected {_list(wanted)}, got {_list(got)}"
        for name, wanted, got in pairs
        if wanted != got
    )
    return RouteReport(test, decisions, failures)


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) or "nobody"


def read_table(path: Path, now_ms: Instant) -> list[RouteTest]:
    """Read a table of tests. Raises InvalidError with all findings."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise explained(error, path) from error
    source, broken = read_yaml(content)
    findings: list[Finding] = list(broken)
    tests: list[RouteTest] = []
    if source is not None:
        found = read_fields(source.value, Place(source, findings), _TABLE)
        if not findings:
            tests = [_test(one, place, now_ms) for place, one in enumerate(found["tests"], 1)]
    if findings:
        kept = tuple(
            Finding(f"{path}:{one.where}", one.law, one.message, one.fix) for one in findings[:20]
        )
        first = kept[0]
        raise InvalidError(first.where, first.law, first.message, first.fix, kept, len(findings))
    return tests


def _test(one: dict[str, Any], place: int, now_ms: Instant) -> RouteTest:
    at: Moment | None = one.get("at")
    asked = Asked(
        one["labels"],
        now_ms if at is None else at.ms,
        tuple(one.get("firing", ())),
        tuple(one.get("silences", ())),
    )
    muted = one.get("muted")
    return RouteTest(
        one.get("name") or f"test {place}",
        asked,
        tuple(one["receivers"]),
        None if muted is None else tuple(muted),
    )


def _labels(value: Any, place: Place) -> Labels:
    found = plain(value, place)
    for name, one in found.items():
        if not isinstance(one, str):
            place.at(name).expect("type", "text", one)
    return labels_of({name: str(one) for name, one in found.items()})


def _silence(value: Any, place: Place) -> Silence | None:
    written = _WORD(value, place)
    if written is None:
        return None
    try:
        return silence_of(written)
    except InvalidError:
        place.expect("matchers", 'matchers such as {severity="P2"}', value)
        return None


_TEST = (
    Field("name", text(200)),
    Field("labels", _labels, required=True),
    Field("at", moment),
    Field("firing", list_of(_labels, 0, MOST)),
    Field("silences", list_of(_silence, 0, MOST)),
    Field("receivers", list_of(text(200), 0, MOST), required=True),
    Field("muted", list_of(text(200), 0, MOST)),
)
_TABLE = (Field("tests", list_of(mapping_of(_TEST), 1, MOST), required=True),)


def shown(route: Route, depth: int = 0) -> list[dict[str, Any]]:
    """Give the tree as rows, each route before its children."""
    row = {
        "depth": depth,
        "matchers": [
            f"{one.name}{one.op}{one.value!r}".replace("'", '"') for one in route.matchers
        ],
        "receiver": route.receiver,
        "continue": route.goes_on,
        "group_by": ["..."] if route.group_by is None else sorted(route.group_by),
        "group_wait_ms": route.group_wait_ms,
        "group_interval_ms": route.group_interval_ms,
        "repeat_interval_ms": route.repeat_interval_ms,
        "active_time_intervals": list(route.active_time_intervals),
        "mute_time_intervals": list(route.mute_time_intervals),
    }
    return [row, *(each for one in route.routes for each in shown(one, depth + 1))]
