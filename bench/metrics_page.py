"""The page of the metrics engine: rows are kept from run to run, each with its own conditions.

With BENCH_METRICS_DIR set, rows are kept there beside the data, so that the benches may be run one
after the other and written together; a bench that is run anew takes the place of its old rows, one
of which BENCH_METRICS_ONLY or BENCH_METRICS_PHASES chose some, of these rows alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.table import Row, machine

PAGE = Path(__file__).parent.parent / "docs/reference/benchmarks-metrics.md"
PREFIX = "metrics_"
LIMITS: Mapping[str, str] = {
    "in a fresh process": "half a second to start Python with NumPy and Arrow, then numba's import"
    " and its compiled kernels, before a sample is read; reading and answering take the rest",
    "error ratio over `[1h]`, 43,200 steps, warm (30 d, 103.7 M samples, own phases)": "series that"
    " share no times are walked one by one, edges of windows included",
    "error ratio over `[6h]`, 43,200 steps, warm (30 d, 103.7 M samples, own phases)": "the same",
    "bytes a sample on disk, float gauges": "sums of full mantissas: their bytes split by place and"
    " compressed take 4.1 where differences of neighbours take 3.5",
    "the spec's rules and alerts": "memory: what the rules wrote is 0.7 GiB, 600,000 intervals of"
    " flapping states, and the cache of columns 0.5",
    "promtool's unit tests": "a second of imports, numba's among them; the file itself takes 0.2 s",
}
"""What limits a row that is missed, by a piece of its text (the longest that is in it)."""
CHOOSING = ("BENCH_METRICS_ONLY", "BENCH_METRICS_PHASES")
UNKNOWN = "not looked into"

HEAD = """# Benchmarks of the metrics engine

Written by `python -m bench --write`, both sides on the same samples, side by side, made at run
time: 600 series of a lab like ours in 52 targets, 15 s apart. "Own phases": each series has its own
instants, none shares its times with another. Every answer is compared with Prometheus's. A miss is
called a miss, with what limits it.

Machine: {machine}.
The load beside a row is that of the minute before it: what is measured makes one to two of it on
its own.

{table}

What each row does is written at the head of its file in `bench/`. Once more:
`BENCH_METRICS_DAYS=30 BENCH_METRICS_DIR=DIR python -m bench --write {names}`
on a machine that does nothing else; what is made for it (4 GB) is kept in DIR for the next run.
`python -m bench.metrics_build` makes it beforehand.
"""


def is_ours(name: str) -> bool:
    """Say whether the bench's rows stand on this page."""
    return name.startswith(PREFIX)


def keep(found: Mapping[str, Sequence[Row]]) -> dict[str, list[Row]]:
    """Add the rows of some benches to those that are kept; give all."""
    folder = os.environ.get("BENCH_METRICS_DIR")
    if not folder:
        return {name: list(rows) for name, rows in found.items()}
    path = Path(folder) / "rows.json"
    told = json.loads(path.read_text()) if path.exists() else {}
    for name, rows in found.items():
        now = {row.what: asdict(row) for row in rows}
        if any(os.environ.get(knob) for knob in CHOOSING):
            now = {row["what"]: row for row in told.get(name, ())} | now
        told[name] = list(now.values())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=1), encoding="utf-8")
    return {name: [Row(**row) for row in rows] for name, rows in told.items()}


def page(names: Sequence[str], kept: Mapping[str, Sequence[Row]]) -> str:
    """Write the page of the rows, in the benches' order."""
    ours = [name for name in names if is_ours(name)]
    rows = [row for name in ours for row in kept.get(name, ())]
    return HEAD.format(names=" ".join(ours), machine=machine(), table=_table(rows))


def _table(rows: Sequence[Row]) -> str:
    lines = ["| What | Goal | Got | | What limits it | How | Measured with |", "|---" * 7 + "|"]
    lines += [
        f"| {row.what} | {row.goal} | {row.got} | {row.verdict} | {_limit(row)} | {row.note}"
        f" | {row.conditions} |"
        for row in rows
    ]
    return "\n".join(lines)


def _limit(row: Row) -> str:
    if row.verdict != "missed":
        return ""
    found = [text for text in LIMITS if text in row.what]
    return LIMITS[max(found, key=len)] if found else UNKNOWN
