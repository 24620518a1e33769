"""The targets of the lab, one after the other: API, runners, database, models, nodes, security."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from llm_research_lab.commands.replay.demo.series import Target, counted, summed
from llm_research_lab.commands.replay.demo.world import DAY_MS, START_MS, STEP_MS, World
from llm_research_lab.promql.values import Columns, Flags, Floats

API_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
EXPERIMENT_BUCKETS = (1, 5, 10, 30, 60, 300, 600, 1800, 3600)
QUERY_BUCKETS = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5)
INFERENCE_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30)
"""Source: the specification's 5.1.1, and design.md for the edges beyond."""

REQUESTS = 900.0
"""Requests a minute over all instances when everybody is busy."""

ROUTES = (("GET", "/api/v1/experiments", 0.7), ("POST", "/api/v1/experiments", 0.3))
MODELS = (
    ("smollm2-135m", "bundled", 0.5, 0.15, 0.0),
    ("claude-haiku", "anthropic", 0.3, 0.9, 0.0011),
    ("gpt-mini", "openai", 0.2, 0.7, 0.0009),
)
"""Name, provider, share of the calls, median seconds, dollars a call."""

DAWN = 5
BATCHING = 2
"""So many nodes compute all night."""

FILLING = 3
"""The node whose disk fills."""

PEOPLE = ("ada", "emmy", "grace", "katherine", "lise", "rosalind")


APIS, RUNNERS, NODES = 4, 2, 8
TARGETS = APIS + RUNNERS + NODES + 2
"""How many `life` gives: those, the database, and the keeper of backups."""


def life(world: World) -> Iterator[list[Columns]]:
    """Give each target's columns in turn: one target is in memory at a time."""
    for nth in range(APIS):
        yield _api(world, nth).columns(world.times)
    for nth in range(RUNNERS):
        yield _runner(world, nth).columns(world.times)
    yield _database(world).columns(world.times)
    for nth in range(NODES):
        yield _node(world, nth).columns(world.times)
    yield _keeper(world).columns(world.times)


def _nothing(world: World) -> Flags:
    return np.zeros(len(world.times), np.bool_)


def _api(world: World, nth: int) -> Target:
    name = f"api-{nth}"
    restarts = world.deployed(nth) | (world.during("outage") & ~np.roll(world.during("outage"), -1))
    target = Target("llm-research-lab-api", name, world.during("outage"), world.during("gap"))
    chance, rate = world.chance(name), REQUESTS / 4 * world.busy
    failing = 0.0002 + 0.0025 * world.during("slow burn") + 0.02 * world.after(restarts, 3)
    median = 0.012 + 0.009 * world.busy + 0.02 * world.after(restarts, 2)
    stuffing = 45.0 * world.during("stuffing")
    for method, path, share in ROUTES:
        mine = rate * share
        for status, part in (("200", 0.97 - failing), ("404", 0.025), ("500", failing)):
            series = counted(chance, mine * part, restarts)
            target.add("api_request_total", series, method=method, path=path, status=status)
        refused = counted(chance, mine * 0.003 + stuffing * share / 4, restarts)
        target.add("api_request_total", refused, method=method, path=path, status="401")
        target.histogram(
            "api_request_duration_seconds",
            API_BUCKETS,
            chance=chance,
            rate=mine,
            median=median,
            restarts=restarts,
            labels={"method": method, "path": path},
        )
    for user in ("unknown", *PEOPLE[:2]):
        tried = 0.004 * world.busy + (stuffing / 4 if user == "unknown" else 0)
        series = counted(chance, tried, restarts)
        target.add("authentication_failures_total", series, user=user)
    for user in PEOPLE:
        mine = 4.0 * world.busy
        if user == "rosalind":
            mine = mine + 24.0 * world.during("exfiltration")
        target.add("dataset_access_total", counted(chance, mine, restarts), user=user)
        rights = 0.002 * world.busy
        if user == "lise":
            rights = rights + 0.4 * world.during("escalation of rights")
        denied = counted(chance, rights, restarts)
        target.add("rbac_authorization_failures_total", denied, user=user)
    target.add("dataset_access_denied_total", counted(chance, 0.02 * world.busy, restarts))
    target.add("audit_log_entries_total", counted(chance, 9.0 * world.busy, restarts))
    return target


def _runner(world: World, nth: int) -> Target:
    name, down = f"runner-{nth}", world.during("runner outage")
    restarts = world.deployed(4 + nth) | (down & ~np.roll(down, -1))
    target = Target("experiment-runner", name, down, world.during("gap"))
    chance, working = world.chance(name), world.busy * ~world.during("quiet")
    for status, part in (("success", 0.985), ("failure", 0.015)):
        series = counted(chance, 1.5 * working * part, restarts)
        target.add("experiment_total", series, status=status)
    median = 40.0 + 60.0 * world.busy
    target.histogram(
        "experiment_duration_seconds",
        EXPERIMENT_BUCKETS,
        chance=chance,
        rate=1.5 * working,
        median=median,
        restarts=restarts,
        spread=0.35,
        labels={},
    )
    target.add("experiment_active_count", np.round(6.0 * working))
    target.add("experiment_queue_depth", _queue(world) * 0.5)
    for model, provider, share, seconds, dollars in MODELS:
        rate, labels = working * 40.0 * share, {"model": model, "provider": provider}
        _calls(world, target, chance, rate, restarts, **labels, seconds=seconds)
        spent = rate * dollars * 6.0
        spent_sum = summed(spent, restarts)
        target.add("model_inference_cost_usd_sum", spent_sum, model_name=model, provider=provider)
        count = counted(chance, rate, restarts)
        target.add("model_inference_cost_usd_count", count, model_name=model, provider=provider)
    return target


def _calls(
    world: World,
    target: Target,
    chance: np.random.Generator,
    rate: Floats,
    restarts: Flags,
    *,
    model: str,
    provider: str,
    seconds: float,
) -> None:
    """Add what is told of calls of one model."""
    bad = world.during("provider") & (provider == "anthropic")
    median = seconds * np.where(bad, 8.0, 1.0) * (1.0 + 0.2 * world.busy)
    labels = {"model_name": model, "provider": provider}
    target.histogram(
        "model_inference_duration_seconds",
        INFERENCE_BUCKETS,
        chance=chance,
        rate=rate,
        median=median,
        restarts=restarts,
        labels=labels,
    )
    failing = np.where(bad, 0.085, 0.002)
    errors = counted(chance, rate * failing, restarts)
    target.add("model_inference_errors_total", errors, **labels, error_type="upstream")
    for kind, tokens in (("prompt", 240.0), ("completion", 60.0)):
        series = summed(np.round(rate) * tokens, restarts)
        target.add("model_inference_tokens_sum", series, **labels, token_type=kind)


def _queue(world: World) -> Floats:
    """Give how many experiments wait: few, and more and more while no runner runs."""
    down = world.during("runner outage")
    waiting = np.where(down, np.cumsum(down) * 1.4, 0.0)
    after = np.maximum(280.0 - np.cumsum(np.roll(down, 1) | (np.cumsum(down) > 0)) * 2.0, 0.0)
    draining = np.where(~down & (np.cumsum(down) > 0), np.maximum(after, 0.0), 0.0)
    return np.asarray(np.round(3.0 * world.busy + waiting + draining))


def _database(world: World) -> Target:
    target = Target("postgres", "db-0", _nothing(world), world.during("gap"))
    chance, never = world.chance("db-0"), _nothing(world)
    kinds = (("select", 6.0, 0.0012), ("insert", 2.0, 0.002), ("update", 1.0, 0.0025))
    for kind, times, seconds in kinds:
        median = seconds * (1.0 + 0.8 * world.busy)
        rate = REQUESTS / 10 * times * world.busy + 5.0
        target.histogram(
            "db_query_duration_seconds",
            QUERY_BUCKETS,
            chance=chance,
            rate=rate,
            median=median,
            restarts=never,
            labels={"query_type": kind},
        )
    used = np.round(4.0 + 38.0 * world.busy + chance.normal(0.0, 1.5, len(world.times)))
    target.add("db_connection_pool_size", np.full(len(world.times), 60.0))
    target.add("db_connection_pool_idle", 60.0 - np.clip(used, 0.0, 60.0))
    wave = 30.0 + 12.0 * np.sin(np.arange(len(world.times)) * (2 * np.pi / 14.0))
    lag = np.where(world.during("flapping"), wave, 0.4 + 0.8 * world.busy)
    target.add("pg_replication_lag_seconds", lag)
    return target


def _node(world: World, nth: int) -> Target:
    name = f"node-{nth}"
    target = Target("node", name, _nothing(world), world.during("gap"))
    chance, never = world.chance(name), _nothing(world)
    size = len(world.times)
    at_night = (world.hours % 24 < DAWN) & (world.hours % 24 >= 1) & (nth < BATCHING)
    load = np.clip(0.12 + 0.45 * world.busy + 0.75 * at_night, 0.0, 0.985)
    for cpu in range(4):
        idle = np.clip(1.0 - load + chance.normal(0.0, 0.01, size), 0.005, 1.0) * 60.0
        series = summed(idle, never)
        target.add("node_cpu_seconds_total", series, cpu=str(cpu), mode="idle")
        series = summed(60.0 - idle, never)
        target.add("node_cpu_seconds_total", series, cpu=str(cpu), mode="user")
    total = 32.0 * 2**30
    free = 0.55 - 0.25 * world.busy + chance.normal(0.0, 0.01, size)
    target.add("node_memory_MemTotal_bytes", np.full(size, total))
    target.add("node_memory_MemAvailable_bytes", np.round(np.clip(free, 0.02, 1.0) * total))
    disk = 0.62 - 0.02 * np.sin(world.hours / 24.0 / 7.0)
    if nth == FILLING:
        filling = world.during("disk")
        disk = np.where(filling, np.maximum(0.62 - np.cumsum(filling) * 5.2e-5, 0.05), disk)
    labels = {"device": "/dev/vda1", "mountpoint": "/", "fstype": "ext4"}
    target.add("node_filesystem_size_bytes", np.full(size, 200.0 * 2**30), **labels)
    target.add("node_filesystem_avail_bytes", np.round(disk * 200.0 * 2**30), **labels)
    busy_disk = summed(60.0 * np.clip(0.05 + 0.3 * world.busy, 0.0, 1.0), never)
    target.add("node_disk_io_time_seconds_total", busy_disk, device="vda")
    return target


def _keeper(world: World) -> Target:
    """Give what backs up: nightly at two, from the third night of the lab's life."""
    target = Target("llm-research-lab-ops", "ops-0", _nothing(world), world.during("gap"))
    nightly = ((world.times - START_MS) % DAY_MS == 2 * 3_600_000) & ~world.during("no backup")
    done = np.maximum.accumulate(np.where(nightly, world.times / 1000.0 + 900.0, 0.0))
    target.begins = int(np.argmax(done > 0)) + 2 * DAY_MS // STEP_MS
    target.add("backup_last_success_timestamp", done)
    volume = {"persistentvolume": "pv-data-0", "encrypted": "true"}
    target.add("kube_persistentvolume_info", np.ones(len(done)), **volume)
    return target
