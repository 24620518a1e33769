"""Cost grows in line with samples: three queries over 1, 7, 30 and 90 days, as a picture.

As many of the days as BENCH_METRICS_DAYS allows (and it, where it is none of them); warm, 60 s
steps, over the first days of one store. Both axes are logarithmic: a line that rises like the grey
one grows with the samples.
"""

from __future__ import annotations

import math
from pathlib import Path

from bench import metrics_sides as sides
from bench.metrics_data import DAY_MS, START_MS
from bench.metrics_queries import questions, warm_seconds
from bench.table import Row, verdict
from llm_research_lab.commands.metrics.engine import Engine
from llm_research_lab.promql.values import Grid, Limits, Options
from llm_research_lab.storage.timeseries.store import FileSeries, Shape

PAGE = Path(__file__).parent.parent / "docs/reference/metrics-growth.svg"
DAYS = (1, 7, 30, 90)
STEEPEST = 1.15
"""The exponent of days that still counts as in line."""
COLOURS = ("#1b6ca8", "#c0392b", "#2e8b57")
WIDE, HIGH, LEFT, BOTTOM = 640, 360, 70, 50

Curve = list[tuple[int, float]]


def measure() -> list[Row]:
    chosen = sorted({day for day in DAYS if day <= sides.days()} | {sides.days()})
    with sides.place() as folder:
        root = sides.our_store(folder, sides.days(), "aligned")
        store = FileSeries.open(root, Shape(cache_bytes=8 << 30), read_only=True)
        limits = Limits(samples=1 << 40, memory_bytes=8 << 30)
        engine = Engine(store, Options(limits=limits))
        curves = {
            question.what: [(day, _seconds(engine, question.text, day)) for day in chosen]
            for question in questions(sides.days())[:3]
        }
        store.close()
    PAGE.write_text(picture(curves), encoding="utf-8")
    return [_row(what, curve) for what, curve in curves.items()]


def _seconds(engine: Engine, text: str, day: int) -> float:
    grid = Grid(START_MS + 3_600_000, START_MS + day * DAY_MS - 60_000, 60_000)
    engine.ask(text, grid)
    return warm_seconds(engine, sides.Asked(text, grid))


def _row(what: str, curve: Curve) -> Row:
    told = ", ".join(f"{day} d {seconds:.3f} s" for day, seconds in curve)
    (first, fast), (last, slow) = curve[0], curve[-1]
    if first == last:
        return Row(f"growth: {what}", "in line with samples", told, "said", "one size alone")
    power = math.log(slow / fast) / math.log(last / first)
    note = f"samples to the power {power:.2f}; docs/reference/metrics-growth.svg"
    return Row(f"growth: {what}", "in line with samples", told, verdict(power <= STEEPEST), note)


def picture(curves: dict[str, Curve]) -> str:
    """Draw the curves."""
    points = [point for curve in curves.values() for point in curve]
    low = 10 ** math.floor(math.log10(min(seconds for _, seconds in points)))
    high = 10 ** math.ceil(math.log10(max(seconds for _, seconds in points)))

    def at(day: float, seconds: float) -> str:
        right = LEFT + (WIDE - LEFT - 30) * math.log(day) / math.log(DAYS[-1])
        up = math.log(seconds / low) / math.log(high / low)
        return f"{right:.1f},{HIGH - BOTTOM - (HIGH - BOTTOM - 70) * up:.1f}"

    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" '
            'font-family="sans-serif" font-size="12">'
        ),
        f'<rect width="{WIDE}" height="{HIGH}" fill="white"/>',
    ]
    for day in DAYS:
        x, _ = at(day, low).split(",")
        parts.append(f'<line x1="{x}" y1="70" x2="{x}" y2="{HIGH - BOTTOM}" stroke="#ddd"/>')
        parts.append(f'<text x="{x}" y="{HIGH - 30}" text-anchor="middle">{day} d</text>')
    for power in range(round(math.log10(low)), round(math.log10(high)) + 1):
        _, y = at(1, 10.0**power).split(",")
        parts.append(f'<line x1="{LEFT}" y1="{y}" x2="{WIDE - 30}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y}" text-anchor="end">{10.0**power:g} s</text>')
    last = min(float(DAYS[-1]), high / low)
    grey = f"{at(1, low)} {at(last, low * last)}"
    parts.append(f'<polyline points="{grey}" stroke="#999" stroke-dasharray="4" fill="none"/>')
    for number, (what, curve) in enumerate(curves.items()):
        line, colour = " ".join(at(*point) for point in curve), COLOURS[number % len(COLOURS)]
        parts.append(f'<polyline points="{line}" stroke="{colour}" fill="none" stroke-width="2"/>')
        for point in curve:
            x, y = at(*point).split(",")
            parts.append(f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>')
        text = what.replace("&", "&amp;").replace("<", "&lt;")
        parts.append(f'<text x="{LEFT}" y="{18 + 16 * number}" fill="{colour}">{text}</text>')
    return "\n".join([*parts, "</svg>", ""])
