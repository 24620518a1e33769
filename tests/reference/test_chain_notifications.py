"""A real Prometheus with a real Alertmanager, and our whole chain, on the same samples.

The same receivers are told of the same groups: members, states, starts and ends, order, and when.
Both tools' clocks are real, so an hour's timers are made seconds.
"""

from __future__ import annotations

from functools import partial

import pytest
from tests.reference.chain_cases import LAYERS, Worlds, generated
from tests.reference.chain_named import add_named, add_opened_anew
from tests.reference.chain_runs import chained
from tests.reference.chain_sides import ours, steady, theirs

SECONDS = 18
WORLDS = 40
WITHIN_MS = 600
"""A message may be so late: less than a tick of the rules."""
RUNS = 3
"""A busy machine is late, and then some group sees two things in another order: so a world differs
when it does so in each of three runs."""
ANEW_SECONDS = 50
"""Groups that are empty are no more after thirty seconds of an Alertmanager."""
DAY_SECONDS = 120
"""No longer: each flush of an Alertmanager is a millisecond later in its second than the last."""
ONCE_MS = 3_600_000
"""In a day nothing is sent again: groups that are opened by that are flushed when rules are
evaluated, and then chance decides what comes first."""


def differences(real, mine):
    """Where the two differ, by receiver and group."""
    found = {}
    for key in real.keys() | mine.keys():
        one, other = real.get(key, []), mine.get(key, [])
        same = [told for told, _ in one] == [told for told, _ in other]
        pairs = zip(one, other, strict=True) if same else ()
        if not same or any(abs(a - b) > WITHIN_MS for (_, a), (_, b) in pairs):
            found[key] = one, other
    return found


def world_of(key):
    """The world in whose subtree a receiver stands."""
    return key[0].strip("/").partition("-")[0]


def shown(wrong, begin_ms):
    """Say what differs, in milliseconds from the beginning."""
    lines = []
    for key, sides in sorted(wrong.items()):
        lines.append(str(key))
        for side, messages in zip(("real", "ours"), sides, strict=True):
            for (status, _, alerts), at_ms in messages:
                told = [
                    (dict(labels), state, start - begin_ms, end and end - begin_ms)
                    for labels, state, start, end in alerts
                ]
                lines.append(f"  {side} {at_ms - begin_ms} {status} {told}")
    return "\n".join(lines)


def compared(folder, make, seed, seconds=SECONDS, **more):
    """Run and compare, again while worlds differ; gives how many messages were told.

    `make` gives worlds, and the names of those of which something must be told.
    """
    standing = None
    for number in range(RUNS):
        worlds, named = make()
        run = chained(folder / str(number), worlds, seed, seconds, **more)
        sound = steady(run)
        late = {one.rules[0]["labels"]["case"] for one in run.chains if one.number not in sound}
        real = theirs(run)
        wrong = differences(real, ours(run, sound))
        wrong = {key: both for key, both in wrong.items() if world_of(key) not in late}
        found = {world_of(key) for key in wrong} | late
        standing = found if standing is None else standing & found
        if not standing:
            assert set(named) <= {world_of(key) for key in real}
            return sum(map(len, real.values()))
    said = f"{sorted(standing)} differ, of them late: {sorted(standing & late)}"
    raise AssertionError(f"{said}\n{shown(wrong, run.begin_ms)}")


def by_chance_and_named(seed):
    """Generated worlds, and the named ones."""
    worlds = generated(seed, WORLDS)
    return worlds, add_named(worlds)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 8))]
)
def test_an_hour_gives_the_same_notifications(tmp_path, seed):
    assert compared(tmp_path, partial(by_chance_and_named, seed), seed) > 300


def opened_anew():
    """Worlds whose groups are opened by what has long resolved."""
    worlds = Worlds()
    return worlds, add_opened_anew(worlds)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_groups_that_are_opened_anew_give_the_same_notifications(tmp_path):
    assert compared(tmp_path, opened_anew, 1, ANEW_SECONDS) == 27


def by_chance(seed):
    """Generated worlds; rules are evaluated at one phase, that timers may drift."""
    return generated(seed, WORLDS, LAYERS[:1]), ()


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_day_gives_the_same_notifications(tmp_path):
    make = partial(by_chance, 8)
    assert compared(tmp_path, make, 8, DAY_SECONDS, resend_ms=ONCE_MS) > 1_000
