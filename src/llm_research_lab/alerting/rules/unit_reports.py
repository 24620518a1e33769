"""How a file of unit tests went, printed as promtool prints it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from llm_research_lab.promql.escapes import quote
from llm_research_lab.promql.printing import print_labels
from llm_research_lab.vocabulary import Finding
from llm_research_lab.vocabulary.labels import Labels

Alert = tuple[Labels, Labels]
"""Labels and annotations."""

Sample = tuple[Labels, float]

INDENT = " " * 12


@dataclass(frozen=True, slots=True)
class TestReport:
    """One test: what failed, each as promtool says it; nothing: it passed."""

    number: int
    name: str
    failures: tuple[str, ...]

    __test__ = False


@dataclass(frozen=True, slots=True)
class Report:
    """One file; `findings` keep its tests from being run at all."""

    tests: tuple[TestReport, ...] = ()
    findings: tuple[Finding, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def failures(self) -> tuple[str, ...]:
        """All that is wrong, in the file's order."""
        found = tuple(f"{one.where}: {one.message}" for one in self.findings)
        return found + tuple(text for test in self.tests for text in test.failures)

    def printed(self, name: str) -> str:
        """Print what promtool prints for a file of this name."""
        lines = [f"Unit Testing:  {name}", *(f"  WARNING: {text}" for text in self.warnings)]
        failures = self.failures
        if not failures:
            return "\n".join([*lines, "  SUCCESS", "", ""])
        lines.append("  FAILED:")
        for text in failures:
            lines += [text, ""]
        return "\n".join([*lines, "", ""])


def wrong_alerts(
    name: str, alertname: str, time: str, wanted: Sequence[Alert], got: Sequence[Alert]
) -> str:
    """Say that other alerts fire than should."""
    head = f"    name: {name},\n" if name else ""
    pair = f"exp:{_alerts(wanted)}, \n        got:{_alerts(got)}"
    return f"{head}    alertname: {alertname}, time: {time}, \n        {pair}"


def wrong_samples(expr: str, time: str, wanted: Sequence[Sample], got: Sequence[Sample]) -> str:
    """Say that an expression answers something else than it should."""
    pair = f"exp: {_samples(wanted)}\n        got: {_samples(got)}"
    return f"    expr: {quote(expr)}, time: {time},\n        {pair}"


def wrong_expression(expr: str, time: str, why: str) -> str:
    """Say that an expression has no answer, or its test cannot be read."""
    return f"    expr: {quote(expr)}, time: {time}, err: {why}"


def wrong_rule(rule: str, time_ms: int, why: str) -> str:
    """Say that a rule failed."""
    return f"    rule: {rule}, time: {go_duration(time_ms)}, err: {why}"


def go_duration(duration_ms: int) -> str:
    """Write milliseconds as Go's time.Duration prints itself: ``1h0m0s``, ``1.5s``, ``5ms``."""
    seconds, milliseconds = divmod(abs(duration_ms), 1000)
    if seconds == 0:
        return f"{duration_ms}ms" if milliseconds else "0s"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{milliseconds:03d}".rstrip("0") if milliseconds else ""
    head = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{'-' if duration_ms < 0 else ''}{head}{seconds}{fraction}s"


def exponent(value: float) -> str:
    """Write a float as Go's FormatFloat(value, 'E', -1) does: ``1.5E+03``."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    digits = repr(value).partition("e")[0].replace(".", "").lstrip("-").strip("0")
    return f"{value:.{max(len(digits) - 1, 0)}E}"


def _samples(samples: Sequence[Sample]) -> str:
    texts = [f"{print_labels(labels)} {exponent(value)}" for labels, value in samples]
    return ", ".join(texts) or "nil"


def _alerts(alerts: Sequence[Alert]) -> str:
    if not alerts:
        return "[]"
    texts = [
        f"{INDENT}{number}:\n"
        f"{INDENT}  Labels:{print_labels(labels)}\n"
        f"{INDENT}  Annotations:{print_labels(annotations)}"
        for number, (labels, annotations) in enumerate(alerts)
    ]
    return "[\n" + ",\n".join(texts) + f"\n{INDENT}]"
