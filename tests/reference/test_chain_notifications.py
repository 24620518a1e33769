"""A real Prometheus with a real Alertmanager, and our whole chain, on the same samples.

The same receivers are told of the same groups: members, states, starts and ends, order, and when.
"""

from __future__ import annotations

import pytest
from tests.reference.chain_cases import generated
from tests.reference.chain_runs import chained
from tests.reference.chain_sides import ours, steady, theirs

WITHIN_MS = 600
"""A message may be so late: less than a tick of the rules."""
RUNS = 3
"""A busy machine is late, and then some group sees two things in another order: so a world differs
when it does so in each of three runs."""


def differences(real, mine):
    """Where the two differ, by receiver and group."""
    found = {}
    for key in real.keys() | mine.keys():
        one, other = real.get(key, []), mine.get(key, [])
        same = [told for told, _ in one] == [told for told, _ in other]
        if not same or any(
            abs(a - b) > WITHIN_MS for (_, a), (_, b) in zip(one, other, strict=True)
        ):
            found[key] = one, other
    return found


def world_of(key):
    """The world in whose subtree a receiver stands."""
    return key[0].strip("/").partition("-")[0]


def shown(wrong, begin_ms):
    """Say what differs."""
    lines = []
    for key, both in sorted(wrong.items()):
        lines.append(f"{key}")
        for side, messages in zip(("real", "ours"), both, strict=True):
            lines += [
                f"  {side} {at - begin_ms} {told[0]} "
                + str([(dict(a[0]), a[1], a[2] - begin_ms, a[3] and a[3] - begin_ms) for a in told[2]])
                for told, at in messages
            ]
    return "\n".join(lines)


def compared(folder, worlds, seed, seconds):
    """Run and compare, again while worlds differ; gives how many messages were told."""
    standing = None
    for number in range(RUNS):
        run = chained(folder / str(number), worlds, seed, seconds)
        sound = steady(run)
        left_out = {one.rules[0]["labels"]["case"] for one in run.chains if one.number not in sound}
        real, mine = theirs(run), ours(run, sound)
        wrong = {
            key: both
            for key, both in differences(real, mine).items()
            if world_of(key) not in left_out
        }
        found = {world_of(key) for key in wrong} | left_out
        standing = found if standing is None else standing & found
        if not standing:
            return sum(map(len, real.values()))
    assert not standing, f"{len(standing)} worlds differ, e.g.\n{shown(wrong, run.begin_ms)}"


@pytest.mark.timeout(300)
def test_the_same_notifications_as_prometheus_and_alertmanager(tmp_path):
    assert compared(tmp_path, generated(1, 40), 1, 18) > 100
