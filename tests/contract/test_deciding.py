"""Who is told, live: the same as in a replay of the hour; after a crash, nothing twice, none lost."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contract.deciding_world import HOUR, MINUTE, TICK, World

from llm_research_lab.alerting.notifying import Fired, sendings
from llm_research_lab.alerting.rules.state import Timing, step
from llm_research_lab.commands.alerting.evaluated import Evaluated, Standing
from llm_research_lab.commands.alerting.recording import decision
from llm_research_lab.commands.alerting.sending import Sender
from llm_research_lab.stories.replay import Opened


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path, "memory")
    yield made
    made.lab.database.close()


def plain(one):
    """What must be the same live and in the replay."""
    members = sorted((about.labels, about.ends_ms is None) for about in one.alerts)
    what = (one.kind, one.receiver, one.integration, one.route, one.group_key, one.reason)
    return (one.at_ms, *map(str, what), one.why, tuple(members))


def counted(found):
    """Leave out `TooSoon`: it says that nothing changed, and a replay passes over such flushes."""
    return sorted(plain(one) for one in found if one.reason != "TooSoon")


@pytest.mark.parametrize(("kind", "tick"), [("memory", TICK), ("files", MINUTE)])
async def test_the_recorded_hour_replayed_gives_the_same_decisions(tmp_path, kind, tick):
    world = World(tmp_path, kind, tick=tick)
    await world.begin()
    for _ in range(HOUR // tick):
        await world.tick()
    past, live = world.replayed(), world.recorded("notified", "withheld")
    assert counted(live) == counted(decision(one) for one in past.told)
    reasons = {one.reason for one in live}
    assert reasons >= {"FirstTold", "NewFiring", "AllResolved", "Repeated", "Waiting"}
    assert reasons >= {"InhibitedBy", "TooSoon", "NoIntegration", "ResolvedNotSent"}
    assert sorted((one.labels, one.from_ms, one.to_ms) for one in world.fired()) == sorted(
        (one.labels, one.from_ms, one.to_ms) for one in past.fired
    )
    opened = [one for one in past.records if isinstance(one, Opened)]
    assert [(one.at_ms, one.severity) for one in opened] == [
        (one.at_ms, one.details["severity"]) for one in world.recorded("opened")
    ]
    world.lab.database.close()


def key(one):
    return one.receiver, one.integration, one.group_key


async def test_after_kills_nothing_is_told_twice_and_nothing_is_lost(world):
    await world.begin()
    for number in range(HOUR // TICK):
        if number % 29 == 28:
            world.deciding = (
                Deaf()
            )  # killed after the states were saved, before anything is decided
            await world.tick()
            world.now += TICK
            await world.begin()
        await world.tick()
    await world.begin()
    await world.quiet(25 * MINUTE // TICK)

    known, heard = {}, defaultdict(list)
    for one in world.recorded("notified"):
        firing = {(each.labels, each.starts_ms) for each in one.alerts if each.ends_ms is None}
        over = {(each.labels, each.ends_ms) for each in one.alerts if each.ends_ms is not None}
        assert one.reason == "Repeated" or known.get(key(one)) != (firing, over)
        assert (one.reason == "FirstTold") == (key(one) not in known)
        known[key(one)] = firing, over
        heard[key(one)].append((one.at_ms, {labels for labels, _ in firing}))
    still = {name for name, (firing, _) in known.items() if firing}
    assert {integration for _, integration, group in still if "Told" not in group} == {"webhook[1]"}

    late = 4 * MINUTE  # group_wait, group_interval, and what a start holds back
    checked, fired = 0, world.fired()
    for one in map(decision, world.replayed().told):
        for about in one.alerts if one.kind == "notified" else ():
            mine = [each for each in fired if each.labels == about.labels]
            firing = [each for each in mine if each.from_ms <= one.at_ms][-1]
            if about.ends_ms is None and (firing.to_ms or world.now) - one.at_ms > late:
                checked += 1
                knows = [names for at, names in heard[key(one)] if at <= one.at_ms + late]
                assert about.labels in knows[-1]
    assert checked > 20


class Deaf:
    """A process that was killed: nobody takes anything in."""

    async def heard(self, _evaluated):
        pass

    async def advance(self):
        pass


LABELS = (("alertname", "A"),)


@given(
    st.lists(st.booleans(), max_size=200),
    st.sampled_from([(15, 0, 0), (60, 0, 0), (120, 30, 0), (15, 60, 90)]),
)
def test_an_alert_is_sent_when_and_as_prometheus_sends_it(present, timing):
    interval, hold, keep = (seconds * 1000 for seconds in timing)
    alert, sender, states = None, Sender(), []
    for tick, here in enumerate(present):
        alert = step(alert, Timing(hold, keep), tick * interval, present=here)
        states.append((tick * interval, alert))

    sent = []
    for at, one in states:
        standing = () if one is None else (Standing("A", LABELS, one),)
        found = sender.send(Evaluated("f", "g", interval, at, standing))
        sent += [(at, each) for each in found]

    wanted = []
    begun = sorted({one.fired_at_ms for _, one in states if one and one.fired_at_ms is not None})
    for since in begun:
        mine = [(at, one) for at, one in states if one is not None and one.fired_at_ms == since]
        over = next((one.resolved_at_ms for _, one in mine if one.resolved_at_ms is not None), None)
        fired = Fired(LABELS, since, over)
        wanted += sendings(fired, [at for at, _ in mine], interval)
    assert sent == wanted


def test_annotations_of_what_resolved_are_those_that_it_fired_with():
    firing = step(None, Timing(), 0, present=True)
    over = step(firing, Timing(), MINUTE, present=False)
    sender = Sender()
    told = Standing("A", LABELS, firing, {"summary": "gone", "empty": ""})
    (first,) = sender.send(Evaluated("f", "g", MINUTE, 0, (told,)))
    (second,) = sender.send(Evaluated("f", "g", MINUTE, MINUTE, (Standing("A", LABELS, over),)))
    assert first.annotations == second.annotations == (("summary", "gone"),)
