"""What a user waits for and what an idle lab weighs."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.labs import lab, memory_mb
from bench.table import Row, verdict

RUNS = 5


def measure() -> list[Row]:
    helps = [_timed([str(Path(sys.executable).parent / "lab"), "--help"]) for _ in range(RUNS + 1)]
    took = median(helps[1:])
    rows = [Row("`lab --help`", "0.4 s", f"{took:.2f} s", verdict(took <= 0.4))]
    with tempfile.TemporaryDirectory() as scratch:
        where = Path(scratch) / "data"
        with lab(where):
            pass
        ready = []
        for _ in range(3):
            with lab(where) as running:
                ready.append(running.ready_seconds)
        with lab(where) as running:
            time.sleep(5)
            weights = [memory_mb(pid) for pid in running.children()]
    up = median(ready)
    total = sum(weights)
    rows.append(Row("`lab up` to ready, warm", "4 s", f"{up:.1f} s", verdict(up <= 4)))
    each = " + ".join(f"{one:.0f}" for one in weights)
    rows.append(
        Row(
            "memory of api + runner + ops idle, without the model",
            "300 MB",
            f"{total:.0f} MB",
            verdict(total <= 300),
            f"PSS of each: {each} MB",
        )
    )
    return rows


def _timed(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started
