"""Cost grows in line with samples: three queries over 1, 7, 30 and 90 days, as a picture.

As many of the days as BENCH_METRICS_GROWTH allows (90 where BENCH_METRICS_DAYS is 30 or more, else
those), over the first days of one store; warm, 60 s steps, the least of five. Both axes are
logarithmic: a line that rises like the grey one grows with the samples.
"""

from __future__ import annotations

import itertools
import math
import os
from pathlib import Path

from bench import metrics_sides as sides
from bench.metrics_asking import OPTIONS, Asked, taken_by, whole
from bench.metrics_picture import Curve, picture
from bench.metrics_queries import MINUTE_MS, questions
from bench.table import Row, verdict
from llm_research_lab.commands.metrics.engine import Engine
from llm_research_lab.storage.timeseries.store import FileSeries, Shape

PAGE = Path(__file__).parent.parent / "docs/reference/metrics-growth.svg"
DAYS = (1, 7, 30, 90)
LEAST_OF = 5
STEEPEST = 1.15
"""The exponent of days that still counts as in line."""


def longest() -> int:
    """Give the most days of the curve."""
    usual = DAYS[-1] if sides.days() >= DAYS[-2] else sides.days()
    return max(1, min(DAYS[-1], int(os.environ.get("BENCH_METRICS_GROWTH", usual))))


def measure() -> list[Row]:
    last = longest()
    chosen = sorted({day for day in DAYS if day <= last} | {last})
    with sides.place() as folder:
        root = sides.our_store(folder, last, "aligned")
        store = FileSeries.open(root, Shape(cache_bytes=8 << 30), read_only=True)
        engine = Engine(store, OPTIONS)
        curves = {
            question.what: [(day, _seconds(engine, question.text, day)) for day in chosen]
            for question in questions(last)[:3]
        }
        store.close()
    if last == DAYS[-1]:  # a shorter curve would hide the long one
        PAGE.write_text(picture(curves, DAYS), encoding="utf-8")
    return [_row(what, curve) for what, curve in curves.items()]


def _seconds(engine: Engine, text: str, day: int) -> float:
    asked = Asked(text, whole(day, MINUTE_MS))
    engine.ask(asked.text, asked.grid)
    least = min(taken_by(engine, asked, LEAST_OF))
    sides.progress(f"growth: {day} d {least:.3f} s: {text}")
    return least


def _row(what: str, curve: Curve) -> Row:
    told = ", ".join(f"{day} d {seconds:.3f} s" for day, seconds in curve)
    (first, fast), (last, slow) = curve[0], curve[-1]
    if first == last:
        return sides.row(f"growth: {what}", "in line with samples", told, "said", "one size alone")
    power = math.log(slow / fast) / math.log(last / first)
    steps = [
        f"{math.log(b[1] / a[1]) / math.log(b[0] / a[0]):.2f}" for a, b in itertools.pairwise(curve)
    ]
    note = (
        f"samples to the power {power:.2f} (from point to point {', '.join(steps)});"
        f" the least of {LEAST_OF}; [the curve]({PAGE.name})"
    )
    return sides.row(
        f"growth: {what}", "in line with samples", told, verdict(power <= STEEPEST), note
    )
