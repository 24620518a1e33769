"""Rules: over the past beside promtool, live on one core, and promtool's unit tests.

Ten recording rules over all days at 60 s: ours evaluates and writes its samples as blocks of a
store; promtool's `tsdb create-blocks-from rules` asks a running Prometheus. The lab's rules and
alerts, 38 of them at 30 s, states too, one on ALERTS; windows of 30 days are cut to the days there
are. Live: the same, tick by tick, at the end of the samples; CPU time over the ticks' interval.
"""

from __future__ import annotations

import resource
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.servers.prometheus_server import found

from bench import metrics_sides as sides
from bench.metrics_data import DAY_MS, START_MS
from bench.metrics_rules import TEN, UNIT_RULES, lab_rules, unit_tests
from bench.table import Row, verdict
from llm_research_lab.alerting.rules import Asked, Past, evaluate_past, read_rules, run_unit_tests
from llm_research_lab.commands.metrics.written import batch_of
from llm_research_lab.promql.values import Limits, Options
from llm_research_lab.storage.timeseries.store import FileSeries

STEPS, TICK_MS, TICKS = 10_080, 30_000, 20
GOAL_TEN, GOAL_SECONDS, GOAL_CORE, GOAL_UNIT = 20, 30, 0.05, 10


def measure() -> list[Row]:
    with sides.place() as folder, tempfile.TemporaryDirectory() as work:
        root = sides.our_store(folder, sides.days(), "aligned")
        store = FileSeries.open(root, read_only=True)
        rows = [_ten(folder, Path(work), store), *_lab(store), _units(Path(work))]
        store.close()
        return rows


def _asked(store: FileSeries, text: str) -> Asked:
    file, findings = read_rules(text)
    if file is None:
        raise RuntimeError(findings)
    limits = Limits(samples=1 << 40, memory_bytes=8 << 30)
    return Asked(
        file.groups,
        lambda need: store.select(need.matchers, need.from_ms, need.to_ms),
        Options(compat=2, limits=limits),
    )


def _ends() -> tuple[int, int]:
    return START_MS + 3_600_000, START_MS + sides.days() * DAY_MS - 60_000


def _ten(folder: Path, work: Path, store: FileSeries) -> Row:
    (work / "ten.yml").write_text(TEN)
    start, end = _ends()
    asked = _asked(store, TEN)
    evaluate_past(asked, start, start + 3_600_000)  # kernels are compiled, columns known
    began = time.perf_counter()
    batch = batch_of(evaluate_past(asked, start, end))
    evaluated = time.perf_counter() - began
    assert batch is not None
    into = FileSeries.open(work / "ten")
    into.add_history([batch])
    ours = time.perf_counter() - began
    into.close()
    with sides.their_server(folder, sides.days(), "aligned") as server:
        began = time.perf_counter()
        command = [found("promtool"), "tsdb", "create-blocks-from", "rules", "-q"]
        ends = [f"--start={start // 1000}", f"--end={end // 1000}", f"--url={server.url}"]
        told = [f"--output-dir={work / 'blocks'}", str(work / "ten.yml")]
        subprocess.run([*command, *ends, *told], check=True, capture_output=True)
        theirs = time.perf_counter() - began
    return Row(
        f"ten recording rules, written back ({sides.said(sides.days(), 'aligned')})",
        f"{GOAL_TEN} times promtool",
        f"{theirs / ours:.1f} times: {ours:.2f} s against {theirs:.1f} s",
        verdict(theirs / ours >= GOAL_TEN),
        f"evaluated in {evaluated:.2f} s, then {len(batch.values):,} samples written",
    )


def _lab(store: FileSeries) -> list[Row]:
    count = sides.days()
    asked = _asked(store, lab_rules(f"{min(count, 30)}d"))
    start, end = _ends()
    evaluate_past(asked, start, start + 3_600_000)  # kernels are compiled
    began, used = time.perf_counter(), time.process_time()
    past = evaluate_past(asked, start, end)
    seconds, used = time.perf_counter() - began, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    written = sum(one.count for one in past.written.series.values())
    goal = GOAL_SECONDS * min(1.0, count / 30)
    rows = [
        Row(
            f"the lab's rules and alerts at 30 s, states too ({sides.said(count, 'aligned')})",
            f"{GOAL_SECONDS} s, < 2 GB for 30 days",
            f"{seconds:.1f} s",
            verdict(seconds <= goal and peak < 2),
            (
                f"{used:.1f} s of CPU; {written:,} samples, {len(past.failures)} failures;"
                f" the bench's peak {peak:.1f} GiB"
            ),
        )
    ]
    return [*rows, _live(asked, end)]


def _live(asked: Asked, end: int) -> Row:
    last = end // TICK_MS * TICK_MS
    past, taken = Past(), []
    evaluate_past(asked, last - 40 * TICK_MS, last - TICKS * TICK_MS, past)
    for tick in range(last - (TICKS - 1) * TICK_MS, last + 1, TICK_MS):
        began = time.process_time()
        evaluate_past(asked, tick, tick, past)
        taken.append(time.process_time() - began)
    share = median(taken) * 1000 / TICK_MS
    return Row(
        "live evaluation of the lab's rules, long windows included",
        f"< {GOAL_CORE:.0%} of a core",
        f"{share:.1%}",
        verdict(share < GOAL_CORE),
        f"{median(taken) * 1000:.0f} ms of CPU a tick of 30 s; windows to {sides.days()} days",
    )


def _units(work: Path) -> Row:
    tests = unit_tests(STEPS)
    (work / "rules.yml").write_text(UNIT_RULES)
    (work / "tests.yml").write_text(tests)
    command = [found("promtool"), "test", "rules", "tests.yml"]
    began = time.perf_counter()
    told = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    theirs = time.perf_counter() - began
    run_unit_tests(unit_tests(60), {"rules.yml": UNIT_RULES})
    began = time.perf_counter()
    report = run_unit_tests(tests, {"rules.yml": UNIT_RULES})
    ours = time.perf_counter() - began
    same = (told.returncode == 0) == (not report.failures)
    return Row(
        f"promtool's unit tests, one file of {STEPS:,} steps",
        f"{GOAL_UNIT} times promtool",
        f"{theirs / ours:.1f} times: {ours:.2f} s against {theirs:.1f} s",
        verdict(same and theirs / ours >= GOAL_UNIT),
        "in process; both say the same" if same else "THEY DISAGREE",
    )
