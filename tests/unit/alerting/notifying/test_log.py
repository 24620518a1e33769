"""Whether a receiver is told: Alertmanager's law of the notification log."""

import pytest

from llm_research_lab.alerting.notifying.log import Entry, needs_update
from llm_research_lab.alerting.notifying.reasons import (
    AllResolved,
    FirstTold,
    NeverTold,
    NewFiring,
    NewResolved,
    Repeated,
    TooSoon,
)

A, B = (("a", "1"),), (("b", "1"),)


def entry(firing=(), resolved=(), at=0):
    return Entry(at, frozenset(firing), frozenset(resolved))


@pytest.mark.parametrize(
    ("before", "firing", "resolved", "now", "sends", "why"),
    [
        (None, [A], [], 0, True, FirstTold()),
        (None, [A], [B], 0, True, FirstTold()),
        (None, [], [A], 0, True, NeverTold()),
        (entry([A]), [A], [], 100, True, TooSoon(100)),
        (entry([A]), [A], [], 101, True, Repeated(0, 100)),
        (entry([A]), [A, B], [], 1, True, NewFiring((B,))),
        (entry([], [A]), [A, B], [], 1, True, NewFiring((A, B))),
        (entry([A, B]), [A], [], 1, True, TooSoon(100)),
        (entry([A, B]), [A], [B], 1, True, NewResolved((B,))),
        (entry([A, B]), [A], [B], 1, False, TooSoon(100)),
        (entry([A, B]), [A], [B], 101, False, Repeated(0, 100)),
        (entry([A], [B]), [A], [B], 1, True, TooSoon(100)),
        (entry([A]), [], [A], 1, True, AllResolved()),
        (entry([A]), [], [A], 1, False, AllResolved()),
        (entry([], [A]), [], [A], 101, True, NeverTold()),
        (entry([], [A]), [], [B], 101, True, NeverTold()),
    ],
)
def test_a_receiver_is_told_of_what_is_new(before, firing, resolved, now, sends, why):  # noqa: PLR0917
    found = needs_update(
        before,
        frozenset(firing),
        frozenset(resolved),
        now,
        repeat_interval_ms=100,
        send_resolved=sends,
    )
    assert found == why


def test_an_entry_is_forgotten_after_the_retention():
    assert entry(at=5).known(104, 100)
    assert not entry(at=5).known(105, 100)
    assert entry(at=0).known(120 * 3_600_000 - 1)
    assert not entry(at=0).known(120 * 3_600_000)
