"""Measure, print the table, and write it to docs/reference/benchmarks.md.

The rows of the metrics engine stand on a page of their own, docs/reference/benchmarks-metrics.md,
which is written with all, and with ``--write`` whenever some of them are measured.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import metrics_page
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
    "replay",
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

What each row does is written at the head of its file in `bench/`. The metrics engine has
[a page of its own](benchmarks-metrics.md).
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(NAMES)}")
    parser.add_argument(
        "--write", action="store_true", help="write the metrics engine's page of what was measured"
    )
    given = parser.parse_args()
    chosen = given.names or list(NAMES)
    started = time.monotonic()
    found: dict[str, list[Row]] = {}
    for name in chosen:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        found[name] = importlib.import_module(f"bench.{name}").measure()
        for row in found[name]:
            print(
                f"  {row.what}: {row.got} (goal {row.goal}: {row.verdict}) {row.note}", flush=True
            )
        if metrics_page.is_ours(name):
            metrics_page.keep({name: found[name]})
    minutes = (time.monotonic() - started) / 60
    if chosen == list(NAMES):  # a page of some rows would hide the others
        _write(PAGE, _page(found, minutes))
    own = {name: rows for name, rows in found.items() if metrics_page.is_ours(name)}
    if own and (given.write or chosen == list(NAMES)):
        _write(metrics_page.PAGE, metrics_page.page(NAMES, metrics_page.keep(own)))
    return 0


def _page(found: Mapping[str, Sequence[Row]], minutes: float) -> str:
    others = [name for name in NAMES if not metrics_page.is_ours(name)]
    rows = [row for name in others for row in found[name]]
    names = ", ".join(f"`{name}`" for name in NAMES)
    return HEAD.format(names=names, machine=machine(), minutes=minutes, table=render(rows))


def _write(page: Path, text: str) -> None:
    page.write_text(text, encoding="utf-8")
    print(f"wrote {page}")


if __name__ == "__main__":
    sys.exit(main())
