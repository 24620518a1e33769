"""A script is run on samples of its own, from instant 0; an ``eval`` passes, fails or is not ours.

An instant query is asked as a range over its neighbours as well, as Prometheus's own runner does.

Source: prometheus/prometheus, promql/promqltest (README.md; values agree to 1e-6).
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np

from llm_research_lab.promql.errors import ExpressionError
from llm_research_lab.promql.evaluate import evaluate
from llm_research_lab.promql.notation import (
    STALE,
    NativeHistogramError,
    Point,
    parse_points,
    parse_series_line,
)
from llm_research_lab.promql.parsing import parse
from llm_research_lab.promql.plan import needs
from llm_research_lab.promql.scripts.loading import Samples
from llm_research_lab.promql.scripts.reading import Clear, Eval, Expectation, Load, read_script
from llm_research_lab.promql.values import (
    Answer,
    Block,
    Columns,
    Grid,
    Need,
    Options,
    RangeValue,
    ScalarValue,
    StringValue,
)
from llm_research_lab.vocabulary import LabError
from llm_research_lab.vocabulary.labels import Labels
from llm_research_lab.vocabulary.matchers import compiled

EPSILON = 1e-6

OPTIONS = Options(experimental=True, delayed_names=True)
"""What Prometheus's own runner sets."""

NEIGHBOUR_MS = 60_000

MOVING = ("start()", "end()", "range()", "step()")
"""What would be another in a range."""

UNSUPPORTED = ("native histogram", "native-histogram")

Found = dict[Labels, dict[int, float]]
"""Values by series and instant."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What is wrong, and the line of the command that it is about."""

    line: int
    message: str


@dataclass(slots=True)
class Report:
    """How a script went."""

    passed: int = 0
    unsupported: int = 0
    failures: list[Failure] = field(default_factory=list)


class _UnsupportedError(Exception):
    """The command uses what this engine does not have."""


class _WrongError(Exception):
    """The answer is not the expected one."""


@dataclass(slots=True)
class _Asked:
    """The samples, and what was asked of them: series with native histograms, floats."""

    samples: Samples
    histograms: bool = False
    floats: bool = False

    def fetch(self, need: Need) -> list[Columns]:
        """Give the samples of a need."""
        found = self.samples.fetch(need)
        self.histograms |= self.samples.histograms(need)
        self.floats |= any(one.stale is None or not one.stale.all() for one in found)
        return found


def run_script(text: str, options: Options = OPTIONS) -> Report:
    """Run a script. Raises ExpressionError when it cannot be read."""
    report, samples = Report(), Samples()
    for command in read_script(text):
        match command:
            case Clear():
                samples = Samples()
            case Load():
                _load(samples, command, report)
            case _:
                _count(samples, command, options, report)
    return report


def _load(samples: Samples, command: Load, report: Report) -> None:
    try:
        samples.load(command)
    except LabError as error:
        report.failures.append(Failure(command.line, str(error)))


def _count(samples: Samples, command: Eval, options: Options, report: Report) -> None:
    asked = _Asked(samples)
    try:
        _check(asked, command, options)
    except _UnsupportedError:
        report.unsupported += 1
    except _WrongError as wrong:
        if asked.histograms:
            report.unsupported += 1
        else:
            report.failures.append(Failure(command.line, f"{command.text}: {wrong}"))
    else:
        if asked.histograms and not asked.floats:
            report.unsupported += 1
        else:
            report.passed += 1


def _check(samples: _Asked, command: Eval, options: Options) -> None:
    step = command.step_ms
    grid = Grid(command.start_ms, command.end_ms, step or 0)
    try:
        answer = _answer(samples, command.text, grid, options)
    except LabError as error:
        _failed(command, error)
        return
    if command.fails:
        raise _WrongError("expected an error, got an answer")
    for what, texts in (("warn", answer.warnings), ("info", answer.infos)):
        _noted(command, what, texts)
    _compare(command, answer, grid)
    if step is None and not command.ordered and isinstance(answer.value, Block | ScalarValue):
        _compare_neighbours(samples, command, options)


def _answer(samples: _Asked, text: str, grid: Grid, options: Options) -> Answer:
    options = replace(options, text=text)
    expr = parse(text, experimental=options.experimental)
    fetched = {need: samples.fetch(need) for need in needs(expr, grid, options)}
    return evaluate(expr, grid, fetched, options)


def _compare_neighbours(samples: _Asked, command: Eval, options: Options) -> None:
    """Ask again as a range, and compare at the instant alone; @ start() and end() would move."""
    if any(word in command.text.lower() for word in MOVING):
        return
    at = command.start_ms
    grid = Grid(at - NEIGHBOUR_MS, at + NEIGHBOUR_MS, NEIGHBOUR_MS)
    try:
        answer = _answer(samples, command.text, grid, options)
    except LabError as error:
        raise _WrongError(f"as a range: {error}") from error
    value = cast("Block | ScalarValue", answer.value)
    found = {
        labels: {at: values[at]} for labels, values in _found(value, grid).items() if at in values
    }
    _same(_expected(command), found, "as a range: ")


def _failed(command: Eval, error: LabError) -> None:
    told = f"{error} {error.got}"
    if any(word in str(error).lower() for word in UNSUPPORTED):
        raise _UnsupportedError
    if not command.fails:
        raise _WrongError(str(error))
    wanted = [one for one in command.expectations if one.what == "fail" and one.text is not None]
    for one in wanted:
        if not _says(one, told):
            raise _WrongError(f"expected the error {one.text!r}, got {told!r}")


def _noted(command: Eval, what: str, texts: tuple[str, ...]) -> None:
    """Compare warnings or infos with what is expected of them."""
    wanted = [one for one in command.expectations if one.what == what]
    if any(one.what == f"no_{what}" for one in command.expectations) and texts:
        raise _WrongError(f"expected no {what}, got {texts[0]!r}")
    if wanted and not texts:
        raise _WrongError(f"expected {what}, got none")
    for one in wanted:
        if one.text is not None and not any(_says(one, text) for text in texts):
            raise _WrongError(f"expected {what} {one.text!r}, got {texts}")
    if wanted and all(one.text is not None for one in wanted):
        for text in texts:
            if not any(_says(one, text) for one in wanted):
                raise _WrongError(f"unexpected {what} {text!r}")


def _says(one: Expectation, text: str) -> bool:
    """Whether the text is what was expected; where no text was, any is."""
    wanted = one.text or ""
    if one.regex:
        return compiled(f".*(?:{wanted}).*").match(text) is not None
    return wanted in text


def _compare(command: Eval, answer: Answer, grid: Grid) -> None:
    value = answer.value
    if command.string is not None or isinstance(value, StringValue):
        got = value.value if isinstance(value, StringValue) else None
        if got != command.string:
            raise _WrongError(f"expected the string {command.string!r}, got {got!r}")
        return
    wanted = _expected(command)
    _same(wanted, _found(value, grid), "")
    if command.ordered and isinstance(value, Block) and list(wanted) != list(value.labels):
        raise _WrongError(f"expected the order {list(wanted)}, got {list(value.labels)}")


def _expected(command: Eval) -> Found:
    """Read the expected series: by instant."""
    start, _, step = command.vector or (command.start_ms, command.end_ms, command.step_ms or 0)
    found: Found = {}
    for line, text in command.series:
        labels, points = _line(line, text)
        if labels in found:
            raise _WrongError(f"line {line}: {labels} is expected twice")
        found[labels] = {
            start + place * step: math.nan if point == STALE else point
            for place, point in enumerate(points)
            if point is not None
        }
    return {labels: values for labels, values in found.items() if values}


def _line(line: int, text: str) -> tuple[Labels, tuple[Point, ...]]:
    """Read an expected line; a number alone is a scalar's."""
    try:
        if len(text.split()) == 1 and text[0] in "+-.0123456789NnIi":
            with suppress(ExpressionError):
                return (), parse_points(text)
        read = parse_series_line(text)
    except NativeHistogramError:
        raise _UnsupportedError from None
    except ExpressionError as error:
        raise _WrongError(f"line {line}: {error}") from error
    return read.labels, read.points


def _found(value: Block | ScalarValue | RangeValue, grid: Grid) -> Found:
    times = grid.times.tolist()
    match value:
        case ScalarValue():
            return {(): dict(zip(times, value.values.tolist(), strict=True))}
        case RangeValue():
            return {
                one.labels: dict(zip(one.times.tolist(), one.values.tolist(), strict=True))
                for one in value.series
            }
        case _:
            return {
                labels: {times[i]: float(row[i]) for i in np.flatnonzero(there)}
                for labels, row, there in zip(
                    value.labels, value.values, value.present, strict=True
                )
            }


def _same(wanted: Found, found: Found, how: str) -> None:
    for labels in wanted.keys() - found.keys():
        raise _WrongError(f"{how}expected {dict(labels)}, which is missing")
    for labels, values in found.items():
        if labels not in wanted:
            raise _WrongError(f"{how}unexpected {dict(labels)} {values}")
        expected = wanted[labels]
        for time in sorted(expected.keys() | values.keys()):
            a, b = expected.get(time), values.get(time)
            if a is None or b is None or not almost(a, b):
                raise _WrongError(f"{how}{dict(labels)} at {time} ms: expected {a}, got {b}")


def almost(one: float, other: float) -> bool:
    """Whether two values agree to `EPSILON`, relative to their sum; NaN agrees with NaN."""
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    if one == other:
        return True
    if math.isinf(one) or math.isinf(other):
        return False
    total = abs(one) + abs(other)
    smallest = float(np.finfo(np.float64).tiny)
    if one == 0 or other == 0 or total < smallest:
        return abs(one - other) < EPSILON * smallest
    return abs(one - other) / total < EPSILON
