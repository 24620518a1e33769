"""A silence mutes from its start to its end what all its matchers accept.

Source: Alertmanager, silence/silence.go, Mutes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from llm_research_lab.alerting.notifying.matching import accepted
from llm_research_lab.alerting.notifying.reasons import SilencedBy
from llm_research_lab.alerting.notifying.routing import MOST_REMEMBERED
from llm_research_lab.alerting.notifying.values import Silence
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels


@dataclass(slots=True, eq=False)
class Silences:
    """All silences, found by a label that they ask for; answers are remembered by label set."""

    most: int = MOST_REMEMBERED
    _asking: dict[tuple[str, str], list[Silence]] = field(default_factory=dict)
    _others: list[Silence] = field(default_factory=list)
    _known: dict[Labels, tuple[Silence, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, silences: Iterable[Silence]) -> Silences:
        """Index the silences."""
        found = cls()
        for silence in silences:
            exact = (one for one in silence.matchers if one.op == "=" and one.value)
            first = next(exact, None)
            if first is None:
                found._others.append(silence)
            else:
                found._asking.setdefault((first.name, first.value), []).append(silence)
        return found

    def silenced(self, labels: Labels, now_ms: Instant) -> SilencedBy | None:
        """The active silence that ends last, of those that accept the labels."""
        active = [one for one in self.accepting(labels) if one.active(now_ms)]
        if not active:
            return None
        last = max(active, key=lambda one: (one.ends_ms, one.id))
        return SilencedBy(last.id, last.ends_ms)

    def change_after(self, labels: Labels, now_ms: Instant) -> Instant | None:
        """When the next silence of the labels begins or has ended."""
        edges = (
            edge for one in self.accepting(labels) for edge in (one.starts_ms, one.ends_ms + 1)
        )
        return min((edge for edge in edges if edge > now_ms), default=None)

    def accepting(self, labels: Labels) -> tuple[Silence, ...]:
        """All silences that accept the labels, whenever they act."""
        found = self._known.get(labels)
        if found is None:
            asked = (one for pair in labels for one in self._asking.get(pair, ()))
            both = (*asked, *self._others)
            found = tuple(one for one in both if accepted(one.matchers, labels))
            if len(self._known) == self.most:
                self._known.clear()
            self._known[labels] = found
        return found
