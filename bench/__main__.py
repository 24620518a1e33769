"""Measure, print the table, and write it to docs/reference/benchmarks.md."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path

from bench.table import Row, machine, render

NAMES = (
    "startup",
    "api_latency",
    "telemetry",
    "million",
    "runner",
    "throughput",
    "model",
    "signals",
    "logging",
    "metrics_queries",
    "metrics_store",
    "metrics_live",
    "metrics_growth",
)
PAGE = Path(__file__).parent.parent / "docs/reference/benchmarks.md"
HEAD = """# Benchmarks

Written by `make bench` (or `python -m bench NAME…` for some of: {names}), everything side by side
in one run. A miss is called a miss, with what limits it. Numbers of a shared machine wander by a
fifth from run to run.

Machine: {machine}. Took {minutes:.0f} minutes.

{table}

What each row does is written at the head of its file in `bench/`.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(NAMES)}")
    chosen = parser.parse_args().names or list(NAMES)
    rows: list[Row] = []
    started = time.monotonic()
    for name in chosen:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        found = importlib.import_module(f"bench.{name}").measure()
        for row in found:
            print(
                f"  {row.what}: {row.got} (goal {row.goal}: {row.verdict}) {row.note}", flush=True
            )
        rows += found
    minutes = (time.monotonic() - started) / 60
    if chosen == list(NAMES):  # a page of some rows would hide the others
        names = ", ".join(f"`{name}`" for name in NAMES)
        text = HEAD.format(names=names, machine=machine(), minutes=minutes, table=render(rows))
        PAGE.write_text(text, encoding="utf-8")
        print(f"wrote {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
