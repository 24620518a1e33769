"""An alert is inhibited while another fires that a rule makes its cause.

A rule's source and target must agree in the labels `equal`; what both lack agrees. An alert that a
rule accepts on both sides is inhibited only by sources that are no targets of the rule, so none
inhibits itself. All versions since 0.17 judge so; 0.27 to 0.31 remember but one source for the
same `equal` and can miss another.
Source: Alertmanager, inhibit/inhibit.go, Mutes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from llm_research_lab.alerting.notifying.configuration import InhibitRule
from llm_research_lab.alerting.notifying.matching import accepted
from llm_research_lab.alerting.notifying.reasons import InhibitedBy
from llm_research_lab.alerting.notifying.routing import MOST_REMEMBERED
from llm_research_lab.alerting.notifying.values import Alert, matters
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels

Bond = tuple[int, tuple[str, ...]]
"""A rule's index and the values of its `equal` labels: what source and target share."""

Side = tuple[int, tuple[str, ...], bool]
"""A rule's index, the values of its `equal` labels, and whether the other side matches too."""


@dataclass(slots=True, eq=False)
class Inhibitor:
    """The alerts that rules have as sources, found by what they must agree in."""

    rules: tuple[InhibitRule, ...]
    most: int = MOST_REMEMBERED
    _sources: dict[Bond, dict[Labels, Alert]] = field(default_factory=dict)
    _as_source: dict[Labels, tuple[Side, ...]] = field(default_factory=dict)
    _as_target: dict[Labels, tuple[Side, ...]] = field(default_factory=dict)

    def put(self, alert: Alert, now_ms: Instant) -> list[Bond]:
        """Take an alert in, resolved or not; the bonds in which it changes something."""
        changed = []
        for index, values, _ in self._sides(alert.labels, self._as_source, source=True):
            known = self._sources.setdefault((index, values), {})
            if matters(known.get(alert.labels), alert, now_ms):
                changed.append((index, values))
            known[alert.labels] = alert
        return changed

    def targets(self, labels: Labels) -> tuple[Bond, ...]:
        """The bonds that the labels are a target of."""
        sides = self._sides(labels, self._as_target, source=False)
        return tuple((index, values) for index, values, _ in sides)

    def inhibited(self, labels: Labels, now_ms: Instant) -> InhibitedBy | None:
        """The first rule that inhibits the labels, with all its sources that fire."""
        for index, values, both in self._sides(labels, self._as_target, source=False):
            firing = self._firing(index, values, now_ms, both=both)
            if firing:
                return InhibitedBy(index, tuple(sorted(one.labels for one in firing)))
        return None

    def change_after(self, labels: Labels, now_ms: Instant) -> Instant | None:
        """When the next source of the labels ends by itself; None where none fires."""
        sides = self._sides(labels, self._as_target, source=False)
        ends = (
            source.ends_ms
            for index, values, both in sides
            for source in self._firing(index, values, now_ms, both=both)
        )
        return min((end for end in ends if end is not None), default=None)

    def _firing(
        self, index: int, values: tuple[str, ...], now_ms: Instant, *, both: bool
    ) -> list[Alert]:
        known = self._sources.get((index, values))
        if not known:
            return []
        for labels in [labels for labels, alert in known.items() if alert.resolved(now_ms)]:
            del known[labels]
        if not both:
            return list(known.values())
        target = self.rules[index].target
        return [alert for alert in known.values() if not accepted(target, alert.labels)]

    def _sides(
        self, labels: Labels, known: dict[Labels, tuple[Side, ...]], *, source: bool
    ) -> tuple[Side, ...]:
        found = known.get(labels)
        if found is None:
            if len(known) == self.most:
                known.clear()
            found = known[labels] = tuple(self._worked_out(labels, source=source))
        return found

    def _worked_out(self, labels: Labels, *, source: bool) -> Iterable[Side]:
        values = dict(labels)
        for index, rule in enumerate(self.rules):
            mine, other = (rule.source, rule.target) if source else (rule.target, rule.source)
            if accepted(mine, labels):
                equal = tuple(values.get(name, "") for name in rule.equal)
                yield index, equal, accepted(other, labels)
