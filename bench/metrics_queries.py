"""PromQL over days, by our engine in process and by Prometheus 2.42's query_range, side by side.

Both on the same samples, in the same run; answers are compared to 1e-9 with --compat 2; how each is
asked, warm and afresh, stands in `metrics_asking`. Size by BENCH_METRICS_DAYS (1 to 90, 3 unless
said), BENCH_METRICS_PHASES ``aligned`` or ``own`` for one of both, BENCH_METRICS_ONLY for the
questions whose name has it in it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tests.servers.prometheus_server import Prometheus

from bench import metrics_sides as sides
from bench.metrics_asking import (
    EQUAL,
    OPTIONS,
    Asked,
    Ours,
    ask_them,
    ask_us,
    difference,
    equality,
    them_afresh,
    us_afresh,
    whole,
)
from bench.metrics_data import DAY_MS, STEP_MS, Phases
from bench.table import Row, verdict
from llm_research_lab.commands.metrics.engine import Engine
from llm_research_lab.promql.values import Grid
from llm_research_lab.storage.timeseries.store import FileSeries, Shape

MINUTE_MS = 60_000
LONG_STEPS = 8640
X, B, G = "lab_requests_total", "lab_request_duration_seconds_bucket", "lab_load_ratio"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and the factor wanted: warm, and in a fresh process where one is named."""

    what: str
    text: str
    warm: float
    fresh: float | None = None
    points: int | None = None


@dataclass(frozen=True, slots=True)
class Warm:
    """A question, and what it took on both sides that were warm."""

    question: Question
    asked: Asked
    ours: Ours
    theirs: float


def _ratio(length: str) -> str:
    return f'sum(rate({X}{{status=~"5.."}}[{length}])) / sum(rate({X}[{length}]))'


def questions(count: int) -> list[Question]:
    """Name the rows of the table."""
    longest = min(count, 30)
    return [
        Question(
            "`sum by (status) (rate(x[5m]))`, 144 series", f"sum by (status) (rate({X}[5m]))", 10, 5
        ),
        Question(
            "`histogram_quantile(0.99, sum by (le) (rate(b[5m])))`, 288 series",
            f"histogram_quantile(0.99, sum by (le) (rate({B}[5m])))",
            8,
            3,
        ),
        Question("error ratio over `[1h]`", _ratio("1h"), 25, 12),
        Question("error ratio over `[6h]`", _ratio("6h"), 90, 40),
        Question(
            f"error ratio over `[{longest}d]`", _ratio(f"{longest}d"), 1000, points=LONG_STEPS
        ),
        Question("`avg_over_time` of 84 gauges over `[1h]`", f"avg_over_time({G}[1h])", 5),
        Question("`stddev_over_time` of 84 gauges over `[1h]`", f"stddev_over_time({G}[1h])", 5),
        Question(
            "`quantile_over_time` of 84 gauges over `[1h]`", f"quantile_over_time(0.9, {G}[1h])", 5
        ),
        Question("`deriv` of 84 gauges over `[1h]`", f"deriv({G}[1h])", 5),
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
    """Ask everything warm, then, with the server ended, what is to be asked afresh."""
    count, only = sides.days(), os.environ.get("BENCH_METRICS_ONLY", "")
    root, size = sides.our_store(folder, count, phases), sides.said(count, phases)
    chosen = [one for one in questions(count) if only in one.what]
    found: dict[str, list[Row]] = {}
    store = FileSeries.open(root, Shape(cache_bytes=8 << 30), read_only=True)
    engine, asked = Engine(store, OPTIONS), list[Warm]()
    with sides.their_server(folder, count, phases) as server:
        for question in chosen:
            warm, found[question.what] = _warm(engine, server, question, size)
            asked.append(warm)
    store.close()
    del engine, store  # a fresh process finds the memory that it would find alone
    for warm in asked:
        if warm.question.fresh is not None:
            theirs = sides.their_root(folder, count, phases)
            found[warm.question.what].append(_afresh(root, theirs, warm, size))
    return [row for question in chosen for row in found[question.what]]


def _grid(question: Question, count: int) -> Grid:
    if question.points is None:
        return whole(count, MINUTE_MS)
    return whole(count, max(STEP_MS, count * DAY_MS // question.points // STEP_MS * STEP_MS))


def _warm(
    engine: Engine, server: Prometheus, question: Question, size: str
) -> tuple[Warm, list[Row]]:
    count = sides.days()
    asked = Asked(question.text, _grid(question, count))
    ours = ask_us(engine, asked)
    theirs, answer, how = ask_them(server, asked)
    apart = difference(ours.block, answer)
    factor = theirs / ours.seconds
    rows = [
        sides.row(
            f"{question.what}, {asked.grid.count:,} steps, warm ({size})",
            f"{question.warm:g} times Prometheus",
            f"{factor:.1f} times: {ours.seconds:.3f} s against {theirs:.2f} s",
            verdict(factor >= question.warm and apart <= EQUAL),
            f"{equality(apart)}; ours {ours.used:.3f} s of processor time; Prometheus {how}",
        )
    ]
    if question.points is not None:
        many = Asked(question.text, whole(count, MINUTE_MS))
        longer = ask_us(engine, many)
        what = f"{question.what}, our {many.grid.count:,} steps, warm ({size})"
        told = f"{longer.used:.3f} s of processor time"
        rows.append(sides.row(what, "", f"{longer.seconds:.3f} s", "said", told))
    return Warm(question, asked, ours, theirs), rows


def _afresh(root: Path, theirs: Path, warm: Warm, size: str) -> Row:
    fresh = us_afresh(root, warm.asked, warm.ours.block)
    other = them_afresh(theirs, warm.asked)
    factor, goal = other / fresh.seconds, warm.question.fresh or 0.0
    told = (
        f"{'the same answer' if fresh.same else 'ANOTHER ANSWER'}; ours from the interpreter's"
        f" start to its end ({fresh.inside:.2f} s of it open, read, answer; {fresh.peak_gib:.1f}"
        f" GiB), Prometheus from the server's start to the answer; beside Prometheus warm"
        f" {warm.theirs / fresh.seconds:.1f} times ({warm.theirs / fresh.inside:.1f} without"
        " interpreter and imports)"
    )
    return sides.row(
        f"{warm.question.what}, in a fresh process ({size})",
        f"{goal:g} times Prometheus started afresh",
        f"{factor:.1f} times: {fresh.seconds:.2f} s against {other:.2f} s",
        verdict(factor >= goal and fresh.same),
        told,
    )
