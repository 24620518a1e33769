"""PromQL over days, by our engine in process and by Prometheus 2.42's query_range, side by side.

Both on the same samples, in the same run; answers are compared to 1e-9 with --compat 2. Warm:
asked once before, median of three. Prometheus is asked by HTTP on the loopback, in pieces of
10,800 points where it refuses more; ours in process, without JSON. Afresh: a new process opens the
store, reads and answers; beside Prometheus's warm time. Size by BENCH_METRICS_DAYS (1 to 90).
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import cast

from tests.servers.prometheus_server import Prometheus

from bench import metrics_sides as sides
from bench.metrics_data import Phases
from bench.table import Row, verdict
from llm_research_lab.commands.metrics.engine import Engine
from llm_research_lab.promql.values import Block, Grid, Limits, Options
from llm_research_lab.storage.timeseries.store import FileSeries, Shape

ROUNDS = 3
EQUAL = 1e-9
LONG_SECONDS = 20
"""What takes Prometheus longer is asked once."""
X, B, G = "lab_requests_total", "lab_request_duration_seconds_bucket", "lab_load_ratio"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and the factor wanted: warm, and in a fresh process where one is named."""

    what: str
    text: str
    warm: float
    fresh: float | None = None
    points: int | None = None


def _ratio(length: str) -> str:
    return f'sum(rate({X}{{status=~"5.."}}[{length}])) / sum(rate({X}[{length}]))'


def questions(count: int) -> list[Question]:
    """Name the rows of the table."""
    longest = min(count, 30)
    return [
        Question(
            "sum by (status) (rate(x[5m])), 144 series", f"sum by (status) (rate({X}[5m]))", 10, 5
        ),
        Question(
            "histogram_quantile(0.99, sum by (le) (rate(b[5m]))), 288 series",
            f"histogram_quantile(0.99, sum by (le) (rate({B}[5m])))",
            8,
            3,
        ),
        Question("error ratio over [1h]", _ratio("1h"), 25, 12),
        Question("error ratio over [6h]", _ratio("6h"), 90, 40),
        Question(
            f"error ratio over [{longest}d], 8,640 steps",
            _ratio(f"{longest}d"),
            1000,
            points=8640,
        ),
        Question("avg_over_time of 84 gauges [1h]", f"avg_over_time({G}[1h])", 5),
        Question("stddev_over_time of 84 gauges [1h]", f"stddev_over_time({G}[1h])", 5),
        Question("quantile_over_time of 84 gauges [1h]", f"quantile_over_time(0.9, {G}[1h])", 5),
        Question("deriv of 84 gauges [1h]", f"deriv({G}[1h])", 5),
    ]


def measure() -> list[Row]:
    rows: list[Row] = []
    with sides.place() as folder:
        kinds: tuple[Phases, ...] = ("aligned", "own")
        chosen = os.environ.get("BENCH_METRICS_PHASES")
        for phases in kinds:
            if chosen is None or phases in chosen:
                rows += _phase(folder, phases)
    return rows


def _phase(folder: Path, phases: Phases) -> list[Row]:
    count = sides.days()
    root = sides.our_store(folder, count, phases)
    store = FileSeries.open(root, Shape(cache_bytes=8 << 30), read_only=True)
    limits = Limits(samples=1 << 40, memory_bytes=8 << 30)
    engine = Engine(store, Options(compat=2, limits=limits))
    rows: list[Row] = []
    with sides.their_server(folder, count, phases) as server:
        both = Both(engine, server, root, count, phases)
        only = os.environ.get("BENCH_METRICS_ONLY", "")
        for question in questions(count):
            if only in question.what:
                found = _asked(question, both)
                for row in found:  # a long run tells as it goes
                    print(f"  … {row.what}: {row.got} {row.verdict} {row.note}", file=sys.stderr)
                rows += found
    store.close()
    return rows


def _grid(question: Question, count: int) -> Grid:
    grid = sides.whole(count, 60_000)
    if question.points is None:
        return grid
    step = max(15_000, count * sides.DAY_MS // question.points // 15_000 * 15_000)
    return sides.whole(count, step)


@dataclass(frozen=True, slots=True)
class Both:
    """Both sides, and what they hold."""

    engine: Engine
    server: Prometheus
    root: Path
    count: int
    phases: Phases


def _asked(question: Question, both: Both) -> list[Row]:
    engine, server, count = both.engine, both.server, both.count
    size, root = sides.said(count, both.phases), both.root
    asked = sides.Asked(question.text, _grid(question, count))
    used = time.process_time()
    block, ours = _warm(engine, asked)
    used = (time.process_time() - used) / (ROUNDS + 1)
    theirs, answer = sides.ask_them(server, asked)
    if theirs < LONG_SECONDS:
        theirs = median(sides.ask_them(server, asked)[0] for _ in range(ROUNDS))
    apart = sides.difference(block, answer)
    equal = f"equal to {apart:.0e}" if apart <= EQUAL else f"DIFFERENT by {apart:.0e}"
    factor, steps = theirs / ours, asked.grid.count
    rows = [
        Row(
            f"{question.what}, {steps:,} steps, warm ({size})",
            f"{question.warm:g} times Prometheus",
            f"{factor:.1f} times: {ours:.3f} s against {theirs:.2f} s",
            verdict(factor >= question.warm and apart <= EQUAL),
            f"{equal}; ours in process ({used:.3f} s of CPU), Prometheus by query_range",
        )
    ]
    if question.points is not None:
        many = sides.Asked(question.text, sides.whole(count, 60_000))
        _, longer = _warm(engine, many)
        told = f"{longer:.3f} s"
        rows.append(Row(f"the same, our {many.grid.count:,} steps", "", told, "said"))
    if question.fresh is not None:
        seconds, process = min(sides.afresh(root, asked) for _ in range(3))
        rows.append(
            Row(
                f"the same in a fresh process ({size})",
                f"{question.fresh:g} times Prometheus warm",
                f"{theirs / seconds:.1f} times: {seconds:.3f} s",
                verdict(theirs / seconds >= question.fresh),
                f"open, read, answer; best of three; with the interpreter {process:.2f} s",
            )
        )
    return rows


def _warm(engine: Engine, asked: sides.Asked) -> tuple[Block, float]:
    block = cast("Block", engine.ask(asked.text, asked.grid).answer.value)
    return block, warm_seconds(engine, asked)


def warm_seconds(engine: Engine, asked: sides.Asked) -> float:
    """Give the median of three, of an expression that was asked before."""
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        engine.ask(asked.text, asked.grid)
        taken.append(time.perf_counter() - began)
    return median(taken)
