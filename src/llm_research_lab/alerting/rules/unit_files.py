"""A unit-test file is read as promtool reads it; what it would refuse is a finding at its place.

Source: Prometheus, docs/configuration/unit_testing_rules.md; cmd/promtool/unittest.go.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from llm_research_lab.alerting.rules.read import (
    MOST_ITEMS,
    duration,
    read_text,
    scalar_text,
)
from llm_research_lab.documents.fields import Field, Place, read_fields
from llm_research_lab.documents.readers import flag, list_of
from llm_research_lab.vocabulary import Finding, Instant
from llm_research_lab.vocabulary.labels import Labels

DEFAULT_INTERVAL_MS = 60_000

_SPECIAL = {".nan": math.nan, ".inf": math.inf, "+.inf": math.inf, "-.inf": -math.inf}
"""YAML's words for what JSON has no number for."""


@dataclass(frozen=True, slots=True)
class InputSeries:
    """A series in test notation: `series` its name and labels, `values` its points."""

    series: str
    values: str


@dataclass(frozen=True, slots=True)
class ExpectedAlert:
    """An alert that must fire; both pairs sorted by name."""

    labels: Labels
    annotations: Labels


@dataclass(frozen=True, slots=True)
class AlertCase:
    """Which alerts of a name must fire at an instant."""

    eval_ms: int
    alertname: str
    expected: tuple[ExpectedAlert, ...]


@dataclass(frozen=True, slots=True)
class ExpectedSample:
    """A sample of an answer, its labels as text."""

    labels: str
    value: float
    histogram: str = ""


@dataclass(frozen=True, slots=True)
class ExpressionCase:
    """What an expression must answer at an instant."""

    eval_ms: int
    expr: str
    expected: tuple[ExpectedSample, ...]


@dataclass(frozen=True, slots=True)
class UnitTest:
    """One test: series, and what must come of them. `interval_ms` None: not given."""

    name: str
    interval_ms: int | None
    series: tuple[InputSeries, ...]
    alerts: tuple[AlertCase, ...]
    expressions: tuple[ExpressionCase, ...]
    external_labels: Labels
    external_url: str
    start_ms: Instant

    @property
    def last_ms(self) -> int:
        """The last instant that is asked about, from the start."""
        times = [case.eval_ms for case in self.alerts] + [case.eval_ms for case in self.expressions]
        return max(times, default=0)


@dataclass(frozen=True, slots=True)
class UnitFile:
    """A file of tests; `rule_files` are patterns of Go's filepath.Glob."""

    rule_files: tuple[str, ...]
    interval_ms: int
    group_order: tuple[str, ...]
    tests: tuple[UnitTest, ...]
    fuzzy: bool


def read_unit_tests(content: str | bytes) -> tuple[UnitFile | None, tuple[Finding, ...]]:
    """Read a file; None with the findings when it has any."""
    source, broken = read_text(content)
    if source is None:
        return None, broken
    findings: list[Finding] = []
    fields = [
        Field("rule_files", _many(scalar_text), nullable=True),
        Field("evaluation_interval", duration, nullable=True),
        Field("group_eval_order", _many(scalar_text), nullable=True),
        Field("tests", _many(_test), nullable=True),
        Field("fuzzy_compare", flag, nullable=True),
    ]
    place = Place(source, findings)
    found = read_fields({} if source.value is None else source.value, place, fields)
    order = found.get("group_eval_order") or ()
    for index, name in enumerate(order):
        if name in order[:index]:
            message = f"group name repeated in evaluation order: {name}"
            place.at("group_eval_order").at(index).find("duplicate-group", message, "leave it out")
    file = UnitFile(
        found.get("rule_files") or (),
        found.get("evaluation_interval") or DEFAULT_INTERVAL_MS,
        order,
        found.get("tests") or (),
        bool(found.get("fuzzy_compare")),
    )
    return (None if findings else file), tuple(findings)


def matching(pattern: str, names: Sequence[str]) -> list[str]:
    """Give the names that a pattern of Go's filepath.Glob stands for, sorted."""
    parts = pattern.replace("[^", "[!").removeprefix("./").split("/")
    found = [name for name in names if _matches(parts, name.removeprefix("./").split("/"))]
    return sorted(found)


def _matches(pattern: Sequence[str], name: Sequence[str]) -> bool:
    same = len(pattern) == len(name)
    return same and all(fnmatchcase(one, other) for one, other in zip(name, pattern, strict=True))


def _many(read: Any) -> Any:
    return list_of(read, 0, MOST_ITEMS)


def _test(value: Any, place: Place) -> UnitTest:
    fields = [
        Field("interval", duration, nullable=True),
        Field("input_series", _many(_series), nullable=True),
        Field("alert_rule_test", _many(_alert_case), nullable=True),
        Field("promql_expr_test", _many(_expression_case), nullable=True),
        Field("external_labels", _pairs, nullable=True),
        Field("external_url", scalar_text, nullable=True),
        Field("name", scalar_text, nullable=True),
        Field("start_timestamp", _instant, nullable=True),
    ]
    found = read_fields(value, place, fields)
    return UnitTest(
        found.get("name") or "",
        found.get("interval"),
        found.get("input_series") or (),
        found.get("alert_rule_test") or (),
        found.get("promql_expr_test") or (),
        found.get("external_labels") or (),
        found.get("external_url") or "",
        found.get("start_timestamp") or 0,
    )


def _series(value: Any, place: Place) -> InputSeries:
    fields = [Field(name, scalar_text, nullable=True) for name in ("series", "values")]
    found = read_fields(value, place, fields)
    return InputSeries(found.get("series") or "", found.get("values") or "")


def _alert_case(value: Any, place: Place) -> AlertCase:
    fields = [
        Field("eval_time", duration, nullable=True),
        Field("alertname", scalar_text, nullable=True),
        Field("exp_alerts", _many(_expected_alert), nullable=True),
    ]
    found = read_fields(value, place, fields)
    expected = found.get("exp_alerts") or ()
    return AlertCase(found.get("eval_time") or 0, found.get("alertname") or "", expected)


def _expected_alert(value: Any, place: Place) -> ExpectedAlert:
    fields = [Field(name, _pairs, nullable=True) for name in ("exp_labels", "exp_annotations")]
    found = read_fields({} if value is None else value, place, fields)
    return ExpectedAlert(found.get("exp_labels") or (), found.get("exp_annotations") or ())


def _expression_case(value: Any, place: Place) -> ExpressionCase:
    fields = [
        Field("expr", scalar_text, nullable=True),
        Field("eval_time", duration, nullable=True),
        Field("exp_samples", _many(_expected_sample), nullable=True),
    ]
    found = read_fields(value, place, fields)
    expected = found.get("exp_samples") or ()
    return ExpressionCase(found.get("eval_time") or 0, found.get("expr") or "", expected)


def _expected_sample(value: Any, place: Place) -> ExpectedSample:
    fields = [
        Field("labels", scalar_text, nullable=True),
        Field("value", _number, nullable=True),
        Field("histogram", scalar_text, nullable=True),
    ]
    found = read_fields({} if value is None else value, place, fields)
    return ExpectedSample(
        found.get("labels") or "", found.get("value") or 0.0, found.get("histogram") or ""
    )


def _pairs(value: Any, place: Place) -> Labels:
    if not isinstance(value, Mapping):
        place.expect("type", "a mapping", value)
        return ()
    return tuple(sorted((name, scalar_text(one, place.at(name))) for name, one in value.items()))


def _number(value: Any, place: Place) -> float:
    if isinstance(value, str) and value.lower() in _SPECIAL:
        return _SPECIAL[value.lower()]
    if isinstance(value, bool) or not isinstance(value, int | float):
        place.expect("type", "a number, .nan, .inf or -.inf", value)
        return 0.0
    return float(value)


def _instant(value: Any, place: Place) -> Instant:
    """Read seconds since 1970, or a time of RFC 3339."""
    text = scalar_text(value, place)
    try:
        return round(float(text) * 1000)
    except (ValueError, OverflowError):
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        place.expect("time", "seconds since 1970, or a time such as 2026-01-31T10:00:00Z", value)
        return 0
    return round(moment.timestamp() * 1000)
