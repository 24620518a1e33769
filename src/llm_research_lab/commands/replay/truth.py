"""What really happened, held beside who was woken: what was missed, and who was woken for nothing.

Only a made-up history knows its truth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llm_research_lab.commands.replay.demo import Episode
from llm_research_lab.commands.replay.telling import names
from llm_research_lab.stories.replay import Record, Woken
from llm_research_lab.vocabulary import Instant, rfc3339

AFTER_MS = 60 * 60_000
"""A page so long after an episode's end is still of it: windows of an hour look back."""


def truth(
    episodes: Sequence[Episode],
    span: tuple[Instant, Instant],
    sides: Mapping[str, Sequence[Record]],
) -> dict[str, Any]:
    """Give each episode of the span with whom each side woke for it, and what was for nothing."""
    there = [one for one in episodes if _within(one, span)]
    woken = {
        side: [one for one in records if isinstance(one, Woken)] for side, records in sides.items()
    }
    return {
        "episodes": [
            {
                "name": one.name,
                "told": one.told,
                "from": rfc3339(one.spans[0][0]),
                "to": rfc3339(one.spans[-1][1]),
                "wanted": one.wanted,
                **{side: _woken(one, found) for side, found in woken.items()},
            }
            for one in there
        ],
        "for_nothing": {
            side: sum(not _wanted(there, one) for one in found) for side, found in woken.items()
        },
        "missed": {
            side: [one.name for one in there if one.wanted and not _woken(one, found)["times"]]
            for side, found in woken.items()
        },
    }


def _within(one: Episode, span: tuple[Instant, Instant]) -> bool:
    return one.spans[0][0] >= span[0] and one.spans[-1][1] <= span[1]


def _of(one: Episode, woken: Woken) -> bool:
    return any(start <= woken.at_ms <= end + AFTER_MS for start, end in one.spans)


def _wanted(episodes: Sequence[Episode], woken: Woken) -> bool:
    """Whether it was during an episode for which somebody should be woken, and by its alert."""
    return any(one.wanted and _of(one, woken) and _speaks(one, woken) for one in episodes)


def _speaks(one: Episode, woken: Woken) -> bool:
    return bool(one.alerts.intersection(names(woken.notification)))


def _woken(one: Episode, woken: Sequence[Woken]) -> dict[str, Any]:
    found = [each for each in woken if _of(one, each) and _speaks(one, each)]
    first = found[0] if found else None
    return {
        "times": len(found),
        "first": None if first is None else first.name,
        "after_seconds": None if first is None else (first.at_ms - one.spans[0][0]) / 1000,
        "alerts": sorted({name for each in found for name in names(each.notification)}),
    }
