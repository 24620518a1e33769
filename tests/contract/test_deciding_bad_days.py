"""Starts, stops, slow rules, locked databases and wrong clocks: what is decided stays right."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from dataclasses import replace

import pytest
from tests.contract.commands.labs import NOW
from tests.contract.deciding_world import HOUR, MINUTE, SERIES, TICK, World

from llm_research_lab.commands.alerting.deciding import Deciding
from llm_research_lab.commands.metrics.ruling import load_rules
from llm_research_lab.commands.replay.inputs import read_configuration, read_people
from llm_research_lab.storage.relational import Database, decisions
from llm_research_lab.vocabulary import InvalidError, LabError
from llm_research_lab.vocabulary.labels import label


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path, "memory")
    yield made
    made.lab.database.close()


def values(*, site_down=False, slow=False, odd=False):
    """What is scraped: site a down, all of it slow, or one of its services down."""

    def value(labels):
        name, site, instance = (label(labels, one) for one in ("__name__", "site", "instance"))
        if name == "seconds":
            return 2.0 if slow and site == "a" else 0.0
        return 0.0 if site == "a" and (site_down or (odd and instance == "a0")) else 1.0

    return [value(labels) for labels in SERIES]


async def ticks(world, count, **what):
    for _ in range(count):
        await world.tick(values(**what))


def told(world, name, receiver=None):
    return [
        one
        for one in world.recorded("notified")
        if any(label(each.labels, "alertname") == name for each in one.alerts)
        and receiver in {None, one.receiver}
    ]


@pytest.mark.parametrize("down_ms", [20_000, 6 * MINUTE + 20_000])
async def test_no_inhibited_alert_slips_out_at_a_restart(world, down_ms):
    await world.begin()
    await ticks(world, 12, site_down=True, slow=True)
    assert told(world, "SiteDown")
    world.now += down_ms // TICK * TICK
    await world.begin()
    await ticks(world, 40, site_down=True, slow=True)
    assert not told(world, "Slow")
    assert [one.reason for one in told(world, "SiteDown")] == ["FirstTold"]


async def test_a_source_that_is_rarely_evaluated_still_inhibits_after_a_restart(world):
    path = world.folder / "rules.yml"
    path.write_text(path.read_text().replace("interval: 1m", "interval: 10m"))
    await world.begin()
    await ticks(world, 42, site_down=True)
    assert told(world, "SiteDown")
    await world.begin()
    await ticks(world, 30, site_down=True, slow=True)
    assert not told(world, "Slow")


async def test_what_receivers_know_to_fire_and_no_rule_knows_is_over(world):
    await world.begin()
    await ticks(world, 12, slow=True)
    assert [one.details["status"] for one in told(world, "Slow", "team")] == ["firing"] * 2
    path = world.folder / "rules.yml"
    path.write_text(path.read_text().replace("alert: Slow", "alert: Other"))
    await world.begin()
    await ticks(world, 12)
    first, _, last = told(world, "Slow", "team")
    assert (last.reason, last.integration) == ("AllResolved", first.integration)
    (fired,) = {one.to_ms for one in world.fired() if one.rule == "Slow"}
    assert fired == NOW + 12 * TICK


async def test_an_instant_is_decided_when_all_its_groups_were_evaluated(world):
    await world.begin()
    services, sites = world.ruling.running
    await ticks(world, 3, odd=True)
    assert (
        world.recorded("withheld")[-1].reason == "NoIntegration"
    )  # at 45 s, thirty after the first
    before = len(world.recorded())
    world.now = NOW + MINUTE
    await world.ruling.tick(services, world.now)  # the other group takes its time
    world.now += 9_000
    await world.deciding.advance()
    assert len(world.recorded()) == before
    await world.ruling.tick(sites, NOW + MINUTE)
    assert {one.at_ms for one in world.recorded()[before:]} == {NOW + MINUTE}


async def test_a_group_that_takes_too_long_is_not_waited_for(world):
    await world.begin()
    services, sites = world.ruling.running
    await ticks(world, 3, odd=True)
    await ticks_of(world, services, 4, odd=True)
    before = world.recorded("notified")
    assert not before
    await ticks_of(world, services, 7, odd=True)
    assert {one.at_ms for one in told(world, "Down", "pager")} == {NOW + 105_000}
    await world.ruling.tick(sites, NOW + MINUTE)  # it comes late, and counts from when it came
    (late,) = [
        one for one in world.recorded("withheld") if one.group_key.endswith('{alertname="Told"}')
    ]
    assert late.at_ms > NOW + 105_000


async def ticks_of(world, group, until, **what):
    """Evaluate one group alone, and let the hold pass."""
    while world.now < NOW + until * TICK:
        world.now += TICK
        await world.ruling.tick(group, world.now)
    world.now += 11_000
    await world.deciding.advance()
    world.now -= 11_000


async def test_a_failed_write_loses_nothing(tmp_path):
    world = World(tmp_path, "files")
    path = world.lab.directory.database
    world.lab.database.close()
    database = Database.open(path, rest_seconds=0.0, busy_seconds=0.05)
    world.lab = replace(world.lab, database=database)
    await world.begin()
    blocking = sqlite3.connect(path, isolation_level=None)
    heard = []

    async def keep(one):
        heard.append(one)

    deciding, world.deciding.heard = world.deciding.heard, keep
    await ticks(world, 4, odd=True)
    blocking.execute("BEGIN IMMEDIATE")
    for one in heard:
        await deciding(one)
    assert world.recorded() == []
    blocking.execute("ROLLBACK")
    blocking.close()
    await world.deciding.advance()
    assert {one.reason for one in world.recorded()} == {"Waiting", "NoIntegration"}
    assert world.fired() != []
    database.close()


async def test_a_clock_that_is_set_back_stops_nothing(world):
    await world.begin()
    await ticks(world, 12, slow=True)
    before = len(told(world, "Slow"))
    world.now -= HOUR
    for one in world.ruling.running:
        one.last_ms = None
    await ticks(world, 12, slow=True)
    await ticks(world, 24)
    assert [one.reason for one in told(world, "Slow")[before:]] == ["AllResolved"]


async def test_what_is_old_is_forgotten(world):
    await world.begin()
    await ticks(world, 12, slow=True)
    await ticks(world, 24)
    assert world.recorded()
    loaded = load_rules([world.folder / "rules.yml"])
    deciding = Deciding(
        world.lab,
        read_configuration(world.folder / "alertmanager.yml"),
        {(one.file, one.group.name): MINUTE for one in loaded},
        retention_ms=HOUR,
        sleep=Ending(3),
    )
    world.now += 121 * HOUR
    with suppress(asyncio.CancelledError):
        await deciding.run()
    kept = world.lab.database.read_now(decisions.entries)
    assert (world.recorded(), kept) == ([], {})
    assert {one.rule for one in world.fired()} == {"Told"}  # it fires still


class Ending:
    """A sleep that ends the work after so many times."""

    def __init__(self, times):
        self.times, self.slept = times, []

    async def __call__(self, seconds):
        self.slept.append(seconds)
        if len(self.slept) == self.times:
            raise asyncio.CancelledError


async def test_it_rests_until_what_is_due_and_no_longer_than_a_second(world):
    await world.begin()
    await ticks(world, 1, odd=True)
    world.deciding._sleep = sleep = Ending(1)  # the next flush is thirty seconds on
    with suppress(asyncio.CancelledError):
        await world.deciding.run()
    world.now += 29_400
    world.deciding._sleep = last = Ending(1)
    with suppress(asyncio.CancelledError):
        await world.deciding.run()
    assert (sleep.slept, last.slept) == ([1.0], [0.6])


async def test_a_page_goes_up_its_policy_and_goes_on_after_a_restart(world):
    await world.begin()
    await ticks(world, 10, odd=True)  # told at 105 s: Ann is woken
    pages = world.recorded("opened", "woken")
    assert [one.kind for one in pages] == ["opened", "woken"]
    assert pages[0].why == ("policy grave, for P1",)
    assert (pages[1].details["user"], pages[1].at_ms) == ("ann", NOW + 105_000)
    await world.begin()
    await ticks(world, 12, odd=True)  # three minutes on it is Ben
    assert [one.details["user"] for one in world.recorded("woken")] == ["ann", "ben"]
    assert world.recorded("woken")[1].at_ms == NOW + 285_000
    await world.begin()
    await ticks(world, 12, odd=True)
    (ended,) = world.recorded("ended")
    assert ended.why == ("nobody acknowledged in 1 loop",)
    await ticks(world, 24)
    (closed,) = world.recorded("closed")
    assert closed.page == pages[0].page == ended.page
    await ticks(world, 24, odd=True)
    assert len({one.page for one in world.recorded("opened")}) == 2


async def test_what_was_due_while_the_lab_was_down_comes_late(world):
    await world.begin()
    await ticks(world, 8, odd=True)
    world.now += 10 * MINUTE
    await world.begin()
    await ticks(world, 2, odd=True)
    second = world.recorded("woken")[1]
    assert (second.details["user"], second.at_ms) == ("ben", NOW + 8 * TICK + 10 * MINUTE)


async def test_a_severity_without_a_policy_pages_nobody(world):
    path = world.folder / "roster.yaml"
    path.write_text(path.read_text().replace("severity: P1", "severity: P2"))
    await world.begin()
    await ticks(world, 10, odd=True)
    (one,) = world.recorded("unpaged")
    assert one.why == ("the roster has no escalation policy for P1",)
    await ticks(world, 24)
    assert not world.recorded("closed", "opened")


async def test_a_page_whose_policy_is_gone_is_left_as_it_is(world):
    await world.begin()
    await ticks(world, 10, odd=True)
    path = world.folder / "roster.yaml"
    path.write_text(path.read_text().replace("severity: P1", "severity: P2"))
    await world.begin()
    await ticks(world, 20, odd=True)
    assert len(world.recorded("woken")) == 1


@pytest.mark.parametrize("body", [b"users: 1", b"\xff"])
def test_a_bad_roster_is_refused_with_its_findings(tmp_path, body):
    path = tmp_path / "roster.yaml"
    path.write_bytes(body)
    with pytest.raises(InvalidError, match="roster"):
        read_people(path)


def test_a_roster_that_is_not_there_says_so(tmp_path):
    with pytest.raises(LabError, match="roster"):
        read_people(tmp_path / "roster.yaml")
