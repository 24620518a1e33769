"""Two replays of one history: pages that are gone, new, earlier, later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llm_research_lab.stories.replay.records import Record, Woken
from llm_research_lab.stories.replay.responding import is_night, night_of
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import label

NEAR_MS = 60 * 60_000
"""Two pages of one alert to one person that are no further apart are the same page."""

Who = tuple[str, str]
"""A person, and the alerts' names."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A page on one side, or on both at other times."""

    kind: str
    """gone, new, earlier or later."""
    page: Woken
    """The page as it is now, or as it was where it is gone."""
    before: Woken | None
    after: Woken | None

    @property
    def at_ms(self) -> Instant:
        """When it is, or was."""
        return self.page.at_ms


@dataclass(frozen=True, slots=True)
class Comparison:
    """All differences in the order of time, and how many pages are the same."""

    differences: tuple[Difference, ...]
    same: int
    nights_saved: int
    """Nights of people that are whole after and were not before, less those the other way round."""

    def count(self, kind: str, *, night: bool = False) -> int:
        """Count differences of a kind; `night` counts those alone that were at night."""
        found = [one for one in self.differences if one.kind == kind]
        return sum(_dark(one.page) for one in found) if night else len(found)


def compare(before: Sequence[Record], after: Sequence[Record]) -> Comparison:
    """Match the pages of two replays, each with the nearest of its person and alerts."""
    old, new = _by_who(before), _by_who(after)
    differences: list[Difference] = []
    same = 0
    for who in sorted({*old, *new}):
        pairs, gone, added = _matched(old.get(who, []), new.get(who, []))
        differences += [Difference("gone", one, one, None) for one in gone]
        differences += [Difference("new", one, None, one) for one in added]
        for one, other in pairs:
            if one.at_ms == other.at_ms:
                same += 1
            else:
                kind = "earlier" if other.at_ms < one.at_ms else "later"
                differences.append(Difference(kind, other, one, other))
    differences.sort(key=lambda one: (one.at_ms, one.kind))
    saved = len(nights(before)) - len(nights(after))
    return Comparison(tuple(differences), same, saved)


def nights(records: Sequence[Record]) -> set[tuple[str, int]]:
    """Give the broken nights: a person, and the number of the night."""
    return {
        (one.user, night_of(one.at_ms, one.time_zone))
        for one in records
        if isinstance(one, Woken) and _dark(one)
    }


def _dark(one: Woken) -> bool:
    return is_night(one.at_ms, one.time_zone)


def _by_who(records: Sequence[Record]) -> dict[Who, list[Woken]]:
    found: dict[Who, list[Woken]] = {}
    for one in records:
        if isinstance(one, Woken):
            names = {label(alert.labels, "alertname") for alert in one.notification.firing}
            found.setdefault((one.user, ", ".join(sorted(names))), []).append(one)
    return found


def _matched(
    old: list[Woken], new: list[Woken]
) -> tuple[list[tuple[Woken, Woken]], list[Woken], list[Woken]]:
    """Walk both in the order of time; what is near goes together."""
    pairs: list[tuple[Woken, Woken]] = []
    gone: list[Woken] = []
    added: list[Woken] = []
    left, right = 0, 0
    while left < len(old) and right < len(new):
        apart = new[right].at_ms - old[left].at_ms
        if abs(apart) <= NEAR_MS:
            pairs.append((old[left], new[right]))
            left, right = left + 1, right + 1
        elif apart > 0:
            gone.append(old[left])
            left += 1
        else:
            added.append(new[right])
            right += 1
    return pairs, gone + old[left:], added + new[right:]
