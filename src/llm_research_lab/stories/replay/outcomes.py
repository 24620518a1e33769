"""What became of each alert that fired: who was woken, who was told quietly, or why nobody was."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from llm_research_lab.alerting.notifying import NonEffect, Notification, Told, Withheld
from llm_research_lab.stories.replay.firing import Firing
from llm_research_lab.stories.replay.records import Again, Record, Unpaged, Woken
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels


@dataclass(frozen=True, slots=True)
class Heard:
    """Something of the alert: a receiver was told, or was not, and why."""

    at_ms: Instant
    receiver: str
    integration: str | None
    what: Notification | NonEffect


@dataclass(frozen=True, slots=True)
class Outcome:
    """One firing and what came of it; `woken` are the people, by name, the first first."""

    firing: Firing
    woken: tuple[Woken, ...]
    heard: tuple[Heard, ...]
    unpaged: tuple[Unpaged, ...] = ()
    joined: tuple[str, ...] = ()
    """Pages that were open already when a pager heard of it: nobody was told anew."""

    @property
    def told(self) -> tuple[Heard, ...]:
        """Where it was told."""
        return tuple(one for one in self.heard if isinstance(one.what, Notification))

    @property
    def withheld(self) -> tuple[Heard, ...]:
        """Where it was not told, and why."""
        return tuple(one for one in self.heard if not isinstance(one.what, Notification))

    @property
    def word(self) -> str:
        """woken, joined, told, or withheld: the most that came of it."""
        if self.woken:
            return "woken"
        return "joined" if self.joined else "told" if self.told else "withheld"


def outcomes(
    fired: Sequence[Firing], told: Iterable[Told], records: Iterable[Record]
) -> list[Outcome]:
    """Give the outcome of each firing, in their order."""
    heard, by_notification = _by_labels(told), _by_notification(records)
    return [_outcome(one, heard.get(one.labels, []), by_notification) for one in fired]


def _by_notification(records: Iterable[Record]) -> dict[int, list[Record]]:
    """Group what came of a notification under its identity: equal ones are not the same."""
    found: dict[int, list[Record]] = defaultdict(list)
    for one in records:
        if isinstance(one, Woken | Unpaged | Again):
            found[id(one.notification)].append(one)
    return found


def _by_labels(told: Iterable[Told]) -> dict[Labels, list[Heard]]:
    found: dict[Labels, list[Heard]] = defaultdict(list)
    for one in told:
        if isinstance(one, Withheld):
            heard = Heard(one.at_ms, one.receiver, one.integration, one.reason)
            for labels in one.alerts:
                found[labels].append(heard)
        else:
            heard = Heard(one.at_ms, one.receiver, one.integration, one)
            for alert in one.firing:
                found[alert.labels].append(heard)
    return found


def _outcome(firing: Firing, heard: list[Heard], records: dict[int, list[Record]]) -> Outcome:
    """Take what was heard from when it fired until it was over."""
    start = bisect_left(heard, firing.from_ms, key=lambda one: one.at_ms)
    mine = []
    for one in heard[start:]:
        if firing.to_ms is not None and one.at_ms > firing.to_ms:
            break
        mine.append(one)
    came = [each for one in mine for each in records.get(id(one.what), ())]
    return Outcome(
        firing,
        tuple(one for one in came if isinstance(one, Woken)),
        tuple(mine),
        tuple(one for one in came if isinstance(one, Unpaged)),
        tuple(dict.fromkeys(one.page for one in came if isinstance(one, Again))),
    )
