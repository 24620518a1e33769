"""A real Prometheus with a real Alertmanager, and our whole chain, on the same samples.

The same receivers are told of the same groups: members, states, starts and ends, order, and when.
Both tools' clocks are real, so an hour's timers are made seconds.
"""

from __future__ import annotations

import pytest
from tests.reference.chain_cases import generated
from tests.reference.chain_named import add_named
from tests.reference.chain_runs import chained
from tests.reference.chain_sides import ours, steady, theirs

SECONDS = 18
WORLDS = 40
WITHIN_MS = 600
"""A message may be so late: less than a tick of the rules."""
RUNS = 3
"""A busy machine is late, and then some group sees two things in another order: so a world differs
when it does so in each of three runs."""
MAINTENANCE_SECONDS = 90
"""Three times that of an Alertmanager: groups that have become empty are opened anew."""


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


def compared(folder, seed, seconds=SECONDS):
    """Run and compare, again while worlds differ; give the receivers' messages by world."""
    standing = None
    for number in range(RUNS):
        worlds = generated(seed, WORLDS)
        named = add_named(worlds)
        run = chained(folder / str(number), worlds, seed, seconds)
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
    raise AssertionError(f"{sorted(standing)} differ, {sorted(late)} were late\n" + shown(wrong, run.begin_ms))


@pytest.mark.timeout(300)
def test_the_same_notifications_as_prometheus_and_alertmanager(tmp_path):
    assert compared(tmp_path, 1) > 300


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(2, 8))
def test_the_same_notifications_for_other_seeds(tmp_path, seed):
    assert compared(tmp_path, seed) > 300


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(8, 10))
def test_the_same_notifications_when_groups_begin_anew(tmp_path, seed):
    assert compared(tmp_path, seed, MAINTENANCE_SECONDS) > 1_000
