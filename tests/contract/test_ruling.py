"""Rules, live: each tick is stored, states outlive the process, failures are told and hide nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest
from tests.contract.commands.labs import NOW, new_lab

from llm_research_lab.commands.metrics.replaying import evaluate_files
from llm_research_lab.commands.metrics.ruling import Ruling, load_rules
from llm_research_lab.commands.metrics.testing import run_file
from llm_research_lab.promql import Options
from llm_research_lab.storage.timeseries import Batch, MemorySeries
from llm_research_lab.vocabulary import InvalidError, UnavailableError
from llm_research_lab.vocabulary.labels import labels_of
from llm_research_lab.vocabulary.matchers import Matcher

MINUTE = 60_000
UP = labels_of({"__name__": "up", "job": "api"})
RULES = """
groups:
  - name: one
    interval: 1m
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
      - alert: Down
        expr: job:up:sum == 0
        for: 20m
        labels: {severity: critical}
        annotations: {summary: 'gone {{ $labels.job }} {{ $value }}'}
"""


@pytest.fixture(params=["memory", "files"])
def lab(request, tmp_path):
    made = new_lab(tmp_path / "lab", request.param)
    yield made
    made.database.close()


@pytest.fixture
def rules(tmp_path):
    path = tmp_path / "rules.yml"
    path.write_text(RULES)
    return path


def up(store, at, value):
    store.append(Batch((UP,), np.array([at]), np.array([float(value)])))


def ruling(lab, store, path):
    return Ruling(lab, store, load_rules([path]), Options(), default_interval_ms=MINUTE)


def samples(store, name, **labels):
    matchers = [Matcher("__name__", "=", name), *(Matcher(k, "=", v) for k, v in labels.items())]
    return [
        (int(time), float(value))
        for one in store.select(matchers, 0, 1 << 62)
        for row in range(len(one.labels))
        for time, value, stale in zip(
            one.times,
            one.values[row],
            np.zeros(len(one.times)) if one.stale is None else one.stale[row],
            strict=True,
        )
        if not stale
    ]


async def ticks(live, store, first, count, value=0):
    one = live.running[0]
    for tick in range(first, first + count):
        up(store, NOW + tick * MINUTE, value)
        await live.tick(one, NOW + tick * MINUTE)


async def test_a_rule_reads_what_the_rule_before_it_wrote_at_the_same_tick(lab, rules):
    store = MemorySeries()
    live = ruling(lab, store, rules)
    await ticks(live, store, 0, 2)
    assert samples(store, "job:up:sum") == [(NOW, 0.0), (NOW + MINUTE, 0.0)]
    assert samples(store, "ALERTS", alertstate="pending")[0] == (NOW, 1.0)


class Counting(MemorySeries):
    """Counts what is stored at once."""

    def __init__(self):
        super().__init__()
        self.sizes = []

    def append(self, batch):
        self.sizes.append(len(batch.labels))
        return super().append(batch)


async def test_a_group_is_stored_at_once_and_its_rules_read_stored_and_new_samples_as_one(
    lab, tmp_path
):
    path = tmp_path / "chain.yml"
    path.write_text(
        "groups: [{name: one, rules: [{record: n, expr: up}, {record: n, expr: up, labels: {k: v}},"
        " {record: m, expr: 'sum without (k) (sum_over_time(n[5m]))'}, {alert: A, expr: m > 3}]}]"
    )
    store = Counting()
    live = ruling(lab, store, path)
    await ticks(live, store, 0, 3, value=1)
    assert samples(store, "m") == [(NOW + tick * MINUTE, 2.0 * (tick + 1)) for tick in range(3)]
    assert samples(store, "ALERTS") == [(NOW + MINUTE, 1.0), (NOW + 2 * MINUTE, 1.0)]
    assert store.sizes == [1, 3, 1, 5, 1, 5]


async def test_an_alert_fires_after_its_time_and_ends_with_a_marker(lab, rules):
    store = MemorySeries()
    live = ruling(lab, store, rules)
    await ticks(live, store, 0, 22)
    fired = samples(store, "ALERTS", alertstate="firing")
    assert fired[0][0] == NOW + 20 * MINUTE
    (alert,) = live.groups()[0]["rules"][1]["alerts"]
    assert alert["state"] == "firing"
    assert alert["annotations"] == {"summary": "gone api 0"}
    assert alert["value"] == "0e+00"
    assert alert["labels"] == {"alertname": "Down", "job": "api", "severity": "critical"}
    await ticks(live, store, 22, 1, value=1)
    assert live.groups()[0]["rules"][1]["alerts"] == []
    assert live.groups()[0]["rules"][1]["state"] == "inactive"
    assert len(samples(store, "ALERTS", alertstate="firing")) == len(fired)


async def test_a_pending_alert_goes_on_waiting_in_the_next_process(lab, rules):
    store = MemorySeries()
    first = ruling(lab, store, rules)
    await ticks(first, store, 0, 15)
    second = ruling(replace(lab, now=lambda: NOW + 15 * MINUTE), store, rules)
    await second.restore(NOW + 14 * MINUTE)
    await ticks(second, store, 15, 5)
    assert samples(store, "ALERTS", alertstate="firing") == []
    await ticks(second, store, 20, 20)
    assert samples(store, "ALERTS", alertstate="firing") != []


async def test_a_firing_alert_fires_on_in_the_next_process(lab, rules):
    store = MemorySeries()
    first = ruling(lab, store, rules)
    await ticks(first, store, 0, 22)
    second = ruling(replace(lab, now=lambda: NOW + 22 * MINUTE), store, rules)
    await second.restore(NOW + 21 * MINUTE)
    await ticks(second, store, 22, 1)
    assert samples(store, "ALERTS", alertstate="firing")[-1][0] == NOW + 22 * MINUTE


async def test_states_of_rules_that_are_gone_are_forgotten(lab, rules, tmp_path):
    store = MemorySeries()
    await ticks(ruling(lab, store, rules), store, 0, 2)
    other = tmp_path / "other.yml"
    other.write_text(RULES.replace("alert: Down", "alert: Other"))
    await ruling(lab, store, other).restore(NOW)
    back = ruling(lab, store, rules)
    await back.restore(NOW)
    assert back.running[0].pasts[1].alerts[0, 0] == {}


async def test_a_rule_that_fails_is_told_and_the_others_go_on(lab, tmp_path):
    path = tmp_path / "rules.yml"
    path.write_text(
        "groups: [{name: g, rules: ["
        "{record: bad, expr: 'up * on () up'}, {record: good, expr: 'vector(7)'}]}]"
    )
    store = MemorySeries()
    store.append(Batch((labels_of({"__name__": "up", "job": "b"}),), np.array([NOW]), np.ones(1)))
    live = ruling(lab, store, path)
    await ticks(live, store, 0, 1)
    bad, good = live.groups()[0]["rules"]
    assert bad["health"] == "err"
    assert "many-to-many" in bad["lastError"]
    assert good["health"] == "ok"
    assert samples(store, "good") == [(NOW, 7.0)]


TWICE = """
groups:
  - name: one
    rules:
      - {record: n, expr: up}
      - {record: n, expr: up + 1}
      - {record: n, expr: up + 0}
      - {alert: A, expr: up * on () up, labels: {x: bad}}
      - alert: A
        expr: up == 0
        keep_firing_for: 2m
        labels: {at: '{{ $externalLabels.region }}'}
        annotations: {all: '{{ query "sum(up)" | first | value }} {{ $externalURL }}'}
"""


@pytest.fixture
def twice(lab, tmp_path):
    path = tmp_path / "twice.yml"
    path.write_text(TWICE)
    store = MemorySeries()
    store.append(Batch((labels_of({"__name__": "up", "job": "b"}),), np.array([NOW]), np.ones(1)))
    return store, Ruling(
        lab,
        store,
        load_rules([path]),
        Options(),
        default_interval_ms=MINUTE,
        external_labels={"region": "eu"},
        external_url="http://lab.example",
    )


async def test_of_rules_that_write_one_series_the_first_stands_and_the_other_is_told(twice):
    store, live = twice
    await ticks(live, store, 0, 1)
    assert samples(store, "n", job="api") == [(NOW, 0.0)]
    errors = [rule.get("lastError") for rule in live.groups()[0]["rules"]]
    assert errors[:3] == [None, "duplicate sample for timestamp", None]
    assert "many-to-many" in errors[3]
    assert errors[4] is None


async def test_an_alert_that_is_kept_firing_keeps_its_annotations(twice):
    store, live = twice
    await ticks(live, store, 0, 1)
    await ticks(live, store, 1, 1, value=5)
    (alert,) = live.groups()[0]["rules"][4]["alerts"]
    assert alert["labels"] == {"alertname": "A", "at": "eu", "job": "api"}
    assert alert["annotations"] == {"all": "1 http://lab.example"}
    assert alert["state"] == "firing"


async def test_annotations_do_not_see_what_their_rule_writes_at_the_same_tick(lab, tmp_path):
    path = tmp_path / "own.yml"
    query = "{{ range query `count_over_time(ALERTS[1h])` }}{{ .Value }}{{ end }}"
    path.write_text(
        f"groups: [{{name: g, rules: [{{alert: A, expr: up, annotations: {{own: '{query}'}}}}]}}]"
    )
    store = MemorySeries()
    live = ruling(lab, store, path)
    for tick, told in enumerate(("", "1", "2")):
        await ticks(live, store, tick, 1)
        (alert,) = live.groups()[0]["rules"][0]["alerts"]
        assert alert["annotations"] == {"own": told}


async def test_a_tick_may_come_at_any_instant(lab, rules):
    store = MemorySeries()
    live = ruling(lab, store, rules)
    up(store, NOW + 1234, 1)
    await live.tick(live.running[0], NOW + 1234)
    assert samples(store, "job:up:sum") == [(NOW + 1234, 1.0)]


class Refusing(MemorySeries):
    """A store on a full disk, or one with a bug."""

    full = True

    def __init__(self, error):
        super().__init__()
        self.error = error

    def append(self, batch):
        if self.full:
            raise self.error
        return super().append(batch)


@pytest.mark.parametrize(
    "error", [UnavailableError("disk", "room", "none", "free some"), RuntimeError("a bug")]
)
async def test_what_the_store_refuses_is_told_and_the_next_tick_goes_on(lab, rules, error):
    store = Refusing(error)
    store.full = False
    up(store, NOW, 0)
    store.full = True
    live = ruling(lab, store, rules)
    await live.tick(live.running[0], NOW)
    assert str(error) in live.running[0].errors[1]
    store.full = False
    await live.tick(live.running[0], NOW + MINUTE)
    assert live.running[0].errors == {}
    assert samples(store, "job:up:sum") == [(NOW + MINUTE, 0.0)]


async def test_groups_run_on_their_interval_and_missed_ticks_are_counted(lab, rules):
    """The clock jumps three intervals in the middle of the second evaluation."""
    clock = [NOW]
    woken = asyncio.Event()

    async def sleep(seconds):
        clock[0] += round(seconds * 1000)
        if live.running[0].last_ms == NOW + MINUTE:
            clock[0] += 3 * MINUTE
        if live.running[0].missed:
            woken.set()
            await asyncio.Event().wait()
        await asyncio.sleep(0)

    store = MemorySeries()
    live = Ruling(
        replace(lab, now=lambda: clock[0]),
        store,
        load_rules([rules]),
        Options(),
        default_interval_ms=MINUTE,
        sleep=sleep,
    )
    task = asyncio.create_task(live.run())
    await asyncio.wait_for(woken.wait(), 30)
    task.cancel()
    assert live.running[0].missed == 2
    assert live.running[0].last_ms == NOW + 2 * MINUTE


async def test_a_clock_that_is_set_back_does_not_stop_the_rules(lab, rules):
    clock = [NOW]
    slept = []
    woken = asyncio.Event()

    async def sleep(seconds):
        slept.append(seconds)
        clock[0] += round(seconds * 1000)
        if len(slept) == 2:
            clock[0] -= 3_600_000
        if len(slept) == 4:
            woken.set()
            await asyncio.Event().wait()

    live = Ruling(
        replace(lab, now=lambda: clock[0]),
        MemorySeries(),
        load_rules([rules]),
        Options(),
        default_interval_ms=MINUTE,
        sleep=sleep,
    )
    task = asyncio.create_task(live.run())
    await asyncio.wait_for(woken.wait(), 30)
    task.cancel()
    assert max(slept) <= MINUTE / 1000


def test_every_finding_of_every_file_is_told(tmp_path):
    one, two = tmp_path / "one.yml", tmp_path / "two.yml"
    one.write_text("groups: [{name: g, rules: [{record: a, expr: 'sum('}]}]")
    two.write_text("groups: [{name: g, rules: [{alert: A, expr: up, fur: 5m}]}]")
    with pytest.raises(InvalidError) as caught:
        load_rules([one, two])
    told = " ".join(one.where for one in caught.value.findings)
    assert str(one) in told
    assert str(two) in told
    with pytest.raises(InvalidError):
        load_rules([tmp_path])


def test_over_the_past_the_same_file_gives_intervals_and_counts(rules):
    store = MemorySeries()
    for tick in range(40):
        up(store, NOW + tick * MINUTE, 0 if tick >= 5 else 1)
    found = evaluate_files(store, [rules], NOW, NOW + 39 * MINUTE, MINUTE)
    assert [(one.state, (one.from_ms - NOW) // MINUTE) for one in found.intervals] == [
        ("pending", 5),
        ("firing", 25),
    ]
    assert found.records == {"job:up:sum": 40}
    told = found.told()
    assert told["intervals"][1]["lasts"] is True
    assert told["intervals"][0]["alert"] == "Down"


def test_over_the_past_what_the_rules_recorded_live_is_not_read_beside_what_they_write(rules):
    """The store says 0 where the rule, as it now is, says 1: it fired then, and would not now."""
    store = MemorySeries()
    recorded = labels_of({"__name__": "job:up:sum", "job": "api"})
    for tick in range(40):
        up(store, NOW + tick * MINUTE, 1)
        store.append(Batch((recorded,), np.array([NOW + tick * MINUTE]), np.zeros(1)))
    found = evaluate_files(store, [rules], NOW + 10 * MINUTE, NOW + 39 * MINUTE, MINUTE)
    assert found.intervals == ()
    assert found.records == {"job:up:sum": 30}


UNIT = """
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series: [{series: 'up{job="api"}', values: '0x30'}]
    alert_rule_test:
      - eval_time: 25m
        alertname: Down
        exp_alerts:
          - {exp_labels: {job: api, severity: critical}, exp_annotations: {summary: 'SUMMARY'}}
"""


@pytest.mark.parametrize(("summary", "passes"), [("gone api 0", True), ("there", False)])
def test_a_file_of_unit_tests_finds_its_rules_beside_it(rules, summary, passes):
    path = rules.parent / "tests.yml"
    path.write_text(UNIT.replace("SUMMARY", summary))
    assert (run_file(path, 3).failures == ()) is passes


def test_a_file_of_unit_tests_that_is_missing_is_told(tmp_path):
    with pytest.raises(InvalidError):
        run_file(tmp_path, 3)
