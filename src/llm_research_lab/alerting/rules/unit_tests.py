"""Unit tests of rules, in promtool's format: series go in, alerts and answers are compared.

Every group is evaluated at every tick of the file's interval, one group after the other, whatever
its own interval is; nothing sees samples of later ticks. Source: cmd/promtool/unittest.go.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from llm_research_lab.alerting.rules.labelling import Expand, Templates, as_written
from llm_research_lab.alerting.rules.past import evaluate_past
from llm_research_lab.alerting.rules.read import Group, read_rules
from llm_research_lab.alerting.rules.running import Asked, Past, answer
from llm_research_lab.alerting.rules.seeing import seen_by
from llm_research_lab.alerting.rules.spans import RulePlace
from llm_research_lab.alerting.rules.unit_files import (
    AlertCase,
    ExpressionCase,
    UnitFile,
    UnitTest,
    matching,
    read_unit_tests,
)
from llm_research_lab.alerting.rules.unit_reports import (
    Alert,
    Report,
    Sample,
    TestReport,
    wrong_alerts,
    wrong_expression,
    wrong_rule,
    wrong_samples,
)
from llm_research_lab.alerting.rules.written import Written
from llm_research_lab.promql import ExpressionError, Flags, Floats, Options, Times, parse
from llm_research_lab.promql.escapes import quote
from llm_research_lab.promql.notation import (
    STALE,
    NativeHistogramError,
    Point,
    parse_series,
    parse_series_line,
)
from llm_research_lab.vocabulary import Instant, LabError
from llm_research_lab.vocabulary.durations import format_duration
from llm_research_lab.vocabulary.labels import Labels

_DEFAULTS = Options()


def run_unit_tests(
    text: str | bytes,
    files: Mapping[str, str | bytes],
    options: Options = _DEFAULTS,
    expand: Expand | None = None,
) -> Report:
    """Run all tests of a file. `files`: the rule files by their path, seen from the file."""
    file, findings = read_unit_tests(text)
    if file is None:
        return Report(findings=findings)
    groups, failures, warnings = _groups(file, files, options)
    tests = tuple(
        TestReport(
            number,
            test.name,
            _Test(file, test, groups, options, expand or as_written).run(failures),
        )
        for number, test in enumerate(file.tests)
    )
    return Report(tests, (), warnings)


def _groups(
    file: UnitFile, files: Mapping[str, str | bytes], options: Options
) -> tuple[tuple[Group, ...], tuple[str, ...], tuple[str, ...]]:
    """Read the groups in their order, what is wrong with them, and patterns without a file."""
    groups: list[Group] = []
    failures: list[str] = []
    warnings: list[str] = []
    for pattern in file.rule_files:
        names = matching(pattern, list(files))
        if not names:
            warnings.append(f"no file match pattern {pattern}")
        for name in dict.fromkeys(names):
            read, findings = read_rules(files[name], experimental=options.experimental)
            failures += [f"{name}: {one.where}: {one.message}" for one in findings]
            groups += () if read is None else read.groups
    order = {name: number for number, name in enumerate(file.group_order)}
    groups.sort(key=lambda group: order.get(group.name, 0))
    always = tuple(replace(group, interval_ms=None) for group in groups)
    return always, tuple(failures), tuple(warnings)


@dataclass(frozen=True, slots=True, eq=False)
class _Input:
    """One input series, its samples as columns."""

    labels: Labels
    times: Times
    values: Floats
    stale: Flags


@dataclass(slots=True)
class _Test:
    """One test, being run."""

    file: UnitFile
    test: UnitTest
    groups: tuple[Group, ...]
    options: Options
    expand: Expand
    failures: list[str] = field(default_factory=list)
    inputs: list[_Input] = field(default_factory=list)

    def run(self, refused: tuple[str, ...]) -> tuple[str, ...]:
        """Say what fails. `refused`: what is wrong with the rule files."""
        broken = self._load() or refused or self._nameless()
        if broken:
            return broken
        past, given = Past(), Written()
        _feed(given, self.inputs)
        if not self._alerts(past, given, []):
            # A rule wrote what is given as well: once more, with both in one store.
            past, given, self.failures = Past(), Written(), []
            self._alerts(past, given, self.inputs)
        return tuple(self.failures)

    def _load(self) -> tuple[str, ...]:
        step = self.test.interval_ms
        if step is None:
            # 2.42 takes an interval that is not given for nothing.
            step = 0 if self.options.compat == 2 else self.file.interval_ms  # noqa: PLR2004
        found: dict[Labels, _Input] = {}
        shared: dict[bytes, Times] = {}
        for one in self.test.series:
            try:
                line = parse_series_line(f"{one.series} {one.values}")
            except NativeHistogramError as error:
                return (f"native histograms are not supported: {error.got}",)
            except ExpressionError as error:
                return (f"{error.where}: parse error: {error.got}",)
            found[line.labels] = _input(line.labels, line.points, self.test.start_ms, step, shared)
        self.inputs = [one for one in found.values() if len(one.times)]
        return ()

    def _nameless(self) -> tuple[str, ...]:
        where = f" (in TestGroup {self.test.name})" if self.test.name else ""
        for case in self.test.alerts:
            if not case.alertname:
                at = f"at eval_time {format_duration(case.eval_ms)}{where}"
                why = "an item under alert_rule_test misses required attribute alertname"
                return (f"{why} {at}",)
        return ()

    def _asked(self, given: Written) -> Asked:
        return Asked(
            self.groups,
            given.select,
            replace(self.options, default_step_ms=self.file.interval_ms),
            default_interval_ms=self.file.interval_ms,
            templates=Templates(
                self.expand, dict(self.test.external_labels), self.test.external_url
            ),
            origin_ms=self.test.start_ms,
            in_order=True,
        )

    def _alerts(self, past: Past, given: Written, feed: Sequence[_Input]) -> bool:
        """Evaluate, compare alerts, then answers; False: a rule wrote a series that is given.

        `feed` is written tick by tick to where the rules write to.
        """
        asked, step, start = self._asked(given), self.file.interval_ms, self.test.start_ms
        end = start + self.test.last_ms // step * step
        by_tick: dict[Instant, list[AlertCase]] = {}
        for case in sorted(self.test.alerts, key=lambda case: case.eval_ms):
            by_tick.setdefault(start + case.eval_ms // step * step, []).append(case)
        stops = range(start, end + step, step) if feed else sorted({*by_tick, end})
        at = start
        for stop in stops:
            _feed(past.written, [_between(one, at if at > start else None, stop) for one in feed])
            evaluate_past(asked, at, stop, past)
            if not feed and past.written.series.keys() & given.series.keys():
                return False
            if past.failures:
                self._rules_failed(past)
                return True
            for case in by_tick.get(stop, ()):
                self._check_alerts(asked, past, case)
            at = stop + 1
        for question in self.test.expressions:
            self._check_expression(asked, past, question, end)
        return True

    def _rules_failed(self, past: Past) -> None:
        first = past.failures[0].at_ms
        self.failures += [
            wrong_rule(one.rule, one.at_ms, one.why) for one in past.failures if one.at_ms == first
        ]

    def _check_alerts(self, asked: Asked, past: Past, case: AlertCase) -> None:
        wanted: list[Alert] = []
        for one in case.expected:
            labels = {**dict(one.labels), "alertname": case.alertname}
            wanted.append((tuple(sorted(labels.items())), one.annotations))
        given = frozenset(one.labels for one in self.inputs)
        got = _firing(asked, past, case.alertname, given)
        if sorted(wanted) != got:
            time = format_duration(case.eval_ms)
            self.failures.append(
                wrong_alerts(self.test.name, case.alertname, time, sorted(wanted), got)
            )

    def _check_expression(
        self, asked: Asked, past: Past, case: ExpressionCase, end_ms: Instant
    ) -> None:
        time = format_duration(case.eval_ms)
        try:
            got = _got(asked, past, case.expr, self.test.start_ms + case.eval_ms, end_ms)
            wanted = _wanted(case)
        except _UnansweredError as error:
            self.failures.append(wrong_expression(case.expr, time, str(error)))
            return
        if not _equal(wanted, got, fuzzy=self.file.fuzzy):
            self.failures.append(wrong_samples(case.expr, time, wanted, got))


def _input(
    labels: Labels,
    points: Sequence[Point],
    start_ms: Instant,
    step_ms: int,
    shared: dict[bytes, Times],
) -> _Input:
    """Place points on their instants; of several at one instant the first stays."""
    there = [number for number, point in enumerate(points) if point is not None]
    if step_ms == 0:
        there = there[:1]
    kept = [points[number] for number in there]
    times = start_ms + np.array(there, np.int64) * step_ms
    times = shared.setdefault(times.tobytes(), times)
    stale = np.array([point == STALE for point in kept], np.bool_)
    values = [math.nan if point == STALE else point for point in kept]
    return _Input(labels, times, np.array(values, np.float64), stale)


def _between(one: _Input, from_ms: Instant | None, to_ms: Instant) -> _Input:
    low = 0 if from_ms is None else int(one.times.searchsorted(from_ms))
    high = int(one.times.searchsorted(to_ms, "right"))
    return _Input(one.labels, one.times[low:high], one.values[low:high], one.stale[low:high])


def _feed(written: Written, inputs: Sequence[_Input]) -> None:
    for one in inputs:
        if len(one.times):
            stale = one.stale if one.stale.any() else None
            written.extend(one.labels, one.times, one.values, stale)


def _firing(asked: Asked, past: Past, alertname: str, given: frozenset[Labels]) -> list[Alert]:
    """Give the firing alerts of a name, with what their annotations expand to."""
    return sorted(
        (labels, _annotations(asked, past, (number, index), labels, given))
        for number, group in enumerate(asked.groups)
        for index, rule in enumerate(group.rules)
        if rule.kind == "alert" and rule.name == alertname
        for labels, alert in past.alerts.get((number, index), {}).items()
        if alert.state == "firing"
    )


def _annotations(
    asked: Asked, past: Past, place: RulePlace, alert: Labels, given: frozenset[Labels]
) -> Labels:
    rule, told = asked.groups[place[0]].rules[place[1]], past.told[place][alert]
    query, labels = seen_by(asked, past, place, told.at_ms, given), dict(told.labels)
    return tuple(
        (
            name,
            asked.templates.expanded(
                text, labels, told.value, query, now_ms=told.at_ms, name=rule.name
            ),
        )
        for name, text in rule.annotations
    )


class _UnansweredError(Exception):
    """An expression has no answer, or what it should answer cannot be read."""


def _got(asked: Asked, past: Past, text: str, at_ms: Instant, until_ms: Instant) -> list[Sample]:
    try:
        parse(text, experimental=asked.options.experimental)
    except ExpressionError as error:
        raise _UnansweredError(f"{error.where}: parse error: {error.got}") from error
    try:
        samples = answer(asked, past, at_ms, until_ms)(text)
    except LabError as error:
        raise _UnansweredError(error.got) from error
    return sorted(
        ((tuple(sorted(labels.items())), value) for labels, value in samples), key=_labels
    )


def _wanted(case: ExpressionCase) -> list[Sample]:
    found: list[Sample] = []
    for one in case.expected:
        if one.histogram:
            raise _UnansweredError("native histograms are not supported")
        try:
            labels = parse_series(one.labels) if one.labels.strip() else ()
        except ExpressionError as error:
            why = f"{error.where}: parse error: {error.got}"
            raise _UnansweredError(f"labels {quote(one.labels)}: {why}") from error
        found.append((labels, one.value))
    return sorted(found, key=_labels)


def _labels(sample: Sample) -> Labels:
    return sample[0]


def _equal(wanted: Sequence[Sample], got: Sequence[Sample], *, fuzzy: bool) -> bool:
    """Compare; NaN equals nothing. `fuzzy`: the next float is equal too."""
    if [labels for labels, _ in wanted] != [labels for labels, _ in got]:
        return False
    return all(
        one == other
        or (fuzzy and other in {math.nextafter(one, -math.inf), math.nextafter(one, math.inf)})
        for (_, one), (_, other) in zip(wanted, got, strict=True)
    )
