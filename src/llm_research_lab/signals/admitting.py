"""A metric's label values are admitted, replaced by the word for the rest, or refused: never new.

So a stranger's values cannot make series, whatever they are.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from llm_research_lab.signals.declaration import Metric, Process, ValueSet

Values = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Admitted:
    """The values under which the metric is kept. `counted` is what of them counts to the bound,
    None when it was there before or no set of the metric has a bound."""  # noqa: D205, D209

    values: Values
    counted: Values | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The metric must not be emitted with these values."""

    why: str

    def __str__(self) -> str:
        """Say it to a person."""
        return self.why


def admit(
    metric: Metric, process: Process, values: Values, seen: AbstractSet[Values]
) -> Admitted | Refused:
    """Decide on one combination of values; `seen` are the `counted` of those admitted before.

    Bounded labels are bounded together, by the largest of their bounds: the hundredth model's
    versions are all let in or all called ``other``, and two bounds of a hundred are not ten
    thousand.
    """
    if len(values) != len(metric.labels):
        names = ", ".join(metric.labels) or "no labels"
        return Refused(f"expected values of {names}, got {len(values)}")
    closed: list[str] = []
    for value, allowed in zip(values, metric.labels.values(), strict=True):
        known = _closed(allowed, process, value)
        if known is None:
            return Refused(f"{allowed.name} has no value {str(value)[:60]!r}")
        closed.append(known)
    return _bounded(metric, tuple(closed), seen)


def _closed(allowed: ValueSet, process: Process, value: str) -> str | None:
    """The value, or the word for the rest, of a set that is not bounded; None refuses."""
    if allowed.bound is not None:
        return value
    if value in allowed.start(process):
        return value
    return allowed.otherwise


def _bounded(metric: Metric, values: Values, seen: AbstractSet[Values]) -> Admitted:
    """Let a new combination of bounded values in while there is room; then it is the rest."""
    pairs = list(zip(values, metric.labels.values(), strict=True))
    mine = tuple(value for value, allowed in pairs if allowed.bound is not None)
    if mine in seen or all(_free(value, allowed) for value, allowed in pairs):
        return Admitted(values)
    most = max(allowed.bound or 0 for _, allowed in pairs)
    if len(seen) < most:
        return Admitted(values, mine)
    rest = tuple(
        value if _free(value, allowed) else str(allowed.otherwise) for value, allowed in pairs
    )
    return Admitted(rest)


def _free(value: str, allowed: ValueSet) -> bool:
    """Whether the value counts to no bound."""
    return allowed.bound is None or value in allowed.initial or value == allowed.otherwise
