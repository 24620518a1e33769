"""Rules: over the past beside promtool, live, and promtool's unit tests.

Ten: recording rules over all days at 60 s; ours evaluates and writes its samples as blocks of a
store; promtool's `tsdb create-blocks-from rules` asks a running Prometheus; the samples of both are
compared. The spec's: all its rules and alerts (`metrics_rules`), states too, as `lab rules eval`
evaluates them, in a process of its own, whose peak of memory counts; windows of 30 days are cut to
the days there are. Live: the same files by `Ruling`, its states in SQLite and its samples in a
store with all days in blocks and two hours in the head, for ten minutes' worth of ticks; processor
time of the ticks over these minutes (rules by the hour counted as often as an hour has minutes).
Unit tests: one file, `lab rules test` beside `promtool test rules`, whole processes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import cast

from tests.servers.prometheus_server import Prometheus, found

from bench import metrics_sides as sides
from bench.metrics_asking import EQUAL, OPTIONS, difference, equality, read_them, whole
from bench.metrics_data import START_MS
from bench.metrics_rules import TEN, UNIT_RULES, lab_rules, unit_tests
from bench.table import Row, verdict
from llm_research_lab.alerting.rules import Asked, evaluate_past, read_rules, run_unit_tests
from llm_research_lab.commands.metrics.engine import Engine
from llm_research_lab.commands.metrics.written import columns_of
from llm_research_lab.promql.values import Block, Grid
from llm_research_lab.storage.timeseries.store import FileSeries, Shape

STEPS, TEN_MS = 10_080, 60_000
GOAL_TEN, GOAL_SECONDS, GOAL_GIB, GOAL_CORE, GOAL_UNIT = 20, 30, 2, 0.05, 10
PARTS = ("ten", "spec", "live", "units")


def measure() -> list[Row]:
    """Measure all, or those of PARTS that BENCH_METRICS_ONLY names."""
    only = [one for one in PARTS if one in os.environ.get("BENCH_METRICS_ONLY", "")] or PARTS
    with sides.place() as folder, tempfile.TemporaryDirectory() as made:
        work, root = Path(made), sides.our_store(folder, sides.days(), "aligned")
        rows = [_ten(folder, work, root)] if "ten" in only else []
        rules = work / "spec.yml"
        rules.write_text(lab_rules(f"{min(sides.days(), 30)}d"))
        rows += [_spec(root, rules)] if "spec" in only else []
        rows += [_live(root, rules, work)] if "live" in only else []
        return [*rows, *([_units(work)] if "units" in only else [])]


# Ten rules, written back


def _ten(folder: Path, work: Path, root: Path) -> Row:
    (work / "ten.yml").write_text(TEN)
    grid = whole(sides.days(), TEN_MS)
    with sides.their_server(folder, sides.days(), "aligned") as server:
        theirs = _ten_theirs(server, work, grid)
    sides.progress(f"ten rules: promtool {theirs:.1f} s")
    grid = _ticks(work, grid)
    evaluated, written, samples = _ten_ours(root, work, grid)
    apart = _ten_apart(work, grid)
    factor = theirs / (evaluated + written)
    return sides.row(
        f"ten recording rules, written back ({sides.said(sides.days(), 'aligned')})",
        f"{GOAL_TEN} times promtool",
        f"{factor:.1f} times: {evaluated + written:.2f} s against {theirs:.1f} s",
        verdict(factor >= GOAL_TEN and apart <= EQUAL),
        (
            f"{equality(apart)}; evaluated in {evaluated:.2f} s, then {samples:,} samples written"
            f" in {written:.2f} s; on a store that is open, as promtool asks a server that runs"
        ),
    )


def _ten_ours(root: Path, work: Path, grid: Grid) -> tuple[float, float, int]:
    store = FileSeries.open(root, Shape(cache_bytes=8 << 30), read_only=True)
    file, findings = read_rules(TEN)
    if file is None:
        raise RuntimeError(findings)
    asked = Asked(
        file.groups,
        lambda need: store.select(need.matchers, need.from_ms, need.to_ms),
        OPTIONS,
        origin_ms=grid.start_ms,
    )
    evaluate_past(asked, grid.start_ms, grid.end_ms)  # kernels are compiled, columns known
    began = time.perf_counter()
    columns = columns_of(evaluate_past(asked, grid.start_ms, grid.end_ms))
    evaluated = time.perf_counter() - began
    into = FileSeries.open(work / "ten")
    into.add_history(columns)
    written = time.perf_counter() - began - evaluated
    into.close()
    store.close()
    return evaluated, written, sum(one.values.size for one in columns)


def _ten_theirs(server: Prometheus, work: Path, grid: Grid) -> float:
    began = time.perf_counter()
    command = [found("promtool"), "tsdb", "create-blocks-from", "rules", "-q"]
    ends = [f"--start={grid.start_ms // 1000}", f"--end={grid.end_ms // 1000}"]
    told = [f"--url={server.url}", f"--output-dir={work / 'theirs' / 'data'}", "ten.yml"]
    subprocess.run([*command, *ends, *told], check=True, capture_output=True, cwd=work)
    return time.perf_counter() - began


def _ticks(work: Path, grid: Grid) -> Grid:
    """Give the instants of promtool's evaluations: each group has its place in the interval."""
    with sides.started(work / "theirs") as server:
        at = {"query": "timestamp(t:p99)", "time": grid.end_ms / 1000}
        told = server.client.get(f"{server.url}/api/v1/query", params=at).json()
    last = round(float(told["data"]["result"][0]["value"][1]) * 1000)
    late = (last - grid.start_ms) % grid.step_ms
    return Grid(grid.start_ms + late, last, grid.step_ms)


def _ten_apart(work: Path, grid: Grid) -> float:
    """Compare what both have written, at every tick, by what both answer of it."""
    store = FileSeries.open(work / "ten", read_only=True)
    engine, text = Engine(store, OPTIONS), '{__name__=~"t:.*"}'
    block = cast("Block", engine.ask(text, grid).answer.value)
    store.close()
    with sides.started(work / "theirs") as server:
        return difference(block, read_them(server, text, grid))


# The spec's rules over the past


def _spec(root: Path, rules: Path) -> Row:
    count = sides.days()
    start, end = START_MS, whole(count, TEN_MS).end_ms - 1
    _past(root, rules, end - 3_600_000, end)  # compiled code is on the disk
    told = _past(root, rules, start, end)
    goal, seconds, peak = GOAL_SECONDS * min(1.0, count / 30), told["seconds"], told["peak_gib"]
    met = seconds <= goal and peak < GOAL_GIB and not told["failures"]
    return sides.row(
        f"the spec's rules and alerts at their intervals, states too, one on ALERTS "
        f"({sides.said(count, 'aligned')})",
        f"{GOAL_SECONDS} s, < {GOAL_GIB} GB for 30 days",
        f"{seconds:.1f} s, {peak:.1f} GiB",
        verdict(met),
        (
            f"{told['rules']} rules and alerts, in a new process: open, read, evaluate, states;"
            f" {told['used']:.1f} s of processor time; {told['intervals']:,} intervals of states,"
            f" {told['samples']:,} samples recorded, {told['failures']} failures"
        ),
    )


def _past(root: Path, rules: Path, start: int, end: int) -> dict[str, float]:
    arguments = [str(root), str(rules), str(start), str(end)]
    done = subprocess.run(
        [sys.executable, "-m", "bench.metrics_past", *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=sides.as_installed(),
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return cast("dict[str, float]", json.loads(done.stdout.splitlines()[-1]))


# Live


def _live(root: Path, rules: Path, work: Path) -> Row:
    arguments = [str(root), str(rules), str(work), str(sides.days())]
    done = subprocess.run(
        [sys.executable, "-m", "bench.metrics_ticks", *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=sides.as_installed(),
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    told = json.loads(done.stdout.splitlines()[-1])
    share = told["seconds_a_minute"] / 60
    return sides.row(
        f"live evaluation of the spec's rules, windows to {min(sides.days(), 30)} d included "
        f"({sides.said(sides.days(), 'aligned')})",
        f"< {GOAL_CORE:.0%} of a core",
        f"{share:.1%}: {told['seconds_a_minute']:.2f} s of processor time a minute",
        verdict(share < GOAL_CORE and not told["errors"]),
        (
            f"{told['ticks']} ticks of {told['groups']} groups in {told['minutes']} minutes of the"
            f" lab's time, stored and states saved; slowest group: {told['slowest']};"
            f" {told['errors']} errors; peak {told['peak_gib']:.1f} GiB"
        ),
    )


# Promtool's unit tests


def _units(work: Path) -> Row:
    tests, rules = unit_tests(STEPS), {"rules.yml": UNIT_RULES}
    (work / "rules.yml").write_text(UNIT_RULES)
    (work / "tests.yml").write_text(tests)
    lab = [sys.executable, "-m", "llm_research_lab"]
    theirs, passed = _ran([found("promtool"), "test", "rules", "tests.yml"], work)
    _ran([*lab, "rules", "test", "tests.yml"], work)  # compiled code is on the disk
    ours, also = _ran([*lab, "rules", "test", "tests.yml"], work)
    run_unit_tests(tests, rules)
    began = time.perf_counter()
    run_unit_tests(tests, rules)
    inside = time.perf_counter() - began
    same = passed == also
    return sides.row(
        f"promtool's unit tests, one file of {STEPS:,} steps",
        f"{GOAL_UNIT} times promtool",
        f"{theirs / ours:.1f} times: {ours:.2f} s against {theirs:.1f} s",
        verdict(same and theirs / ours >= GOAL_UNIT),
        (
            f"{'both say the same' if same else 'THEY DISAGREE'}; whole processes;"
            f" in a process that runs {inside:.2f} s"
        ),
    )


def _ran(command: list[str], work: Path) -> tuple[float, bool]:
    began = time.perf_counter()
    env = sides.as_installed()
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False, env=env)
    return time.perf_counter() - began, done.returncode == 0
