"""Rules are evaluated live, at the end of a store's samples, in this new process; prints JSON.

The store is a copy by links; two hours more are in its head, taken from its first hours and made to
go on where it ends. The clock is the samples'. Each group is asked at each of its ticks once before
it counts.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
from tests.contract.commands.labs import new_lab

from bench.metrics_data import DAY_MS, START_MS, STEP_MS, Part, parts, series, targets
from bench.metrics_rules import EVALUATION_MS
from bench.table import peak_gib
from llm_research_lab.commands.metrics.ruling import Ruling, Running, load_rules
from llm_research_lab.promql.values import Options
from llm_research_lab.storage.timeseries.port import Batch
from llm_research_lab.storage.timeseries.store import FileSeries
from llm_research_lab.vocabulary.labels import label

HEAD_STEPS, TICKED_MINUTES, HOUR_MS = 480, 10, 3_600_000
WARM_MS = 120_000


def main() -> None:
    root, rules, work, count = sys.argv[1:]
    place = Path(work) / "live"
    shutil.copytree(root, place, copy_function=os.link, ignore=shutil.ignore_patterns("lock"))
    end = START_MS + int(count) * DAY_MS
    store = FileSeries.open(place, clock=lambda: end + HEAD_STEPS * STEP_MS)
    more = _append(store, end, HEAD_STEPS - (TICKED_MINUTES * 60_000 + WARM_MS) // STEP_MS)
    told = asyncio.run(_ticked(store, Path(rules), Path(work) / "lab", more))
    store.close()
    print(json.dumps(told))


class _More:
    """Scrapes that are still to come, in order."""

    def __init__(self, store: FileSeries, part: Part) -> None:
        self._store, self._part, self.done = store, part, 0
        names = series()
        self._groups = [(rows, tuple(names[row] for row in rows)) for rows in targets(names)]

    def append(self, steps: int) -> int:
        """Append so many scrapes of all targets; give the time of the last."""
        low, high = self.done, self.done + steps
        for rows, labels in self._groups:
            times = np.tile(self._part.times[low:high], len(rows))
            named = tuple(one for one in labels for _ in range(steps))
            self._store.append(Batch(named, times, self._part.values[rows, low:high].ravel()))
        self.done = high
        return int(self._part.times[high - 1])


def _append(store: FileSeries, end: int, steps: int) -> _More:
    """Go on where the samples end."""
    first, names = next(parts(1)), series()
    last = np.zeros(len(names))
    places = {one: row for row, one in enumerate(names)}
    for columns in store.select((), end - STEP_MS, end):
        for labels, values in zip(columns.labels, columns.values, strict=True):
            last[places[labels]] = values[-1]
    grown = np.diff(first.values[:, : HEAD_STEPS + 1], axis=1)
    values = last[:, None] + np.cumsum(grown, axis=1)
    gauges = [row for row, one in enumerate(names) if label(one, "__name__").endswith("ratio")]
    values[gauges] = first.values[gauges, :HEAD_STEPS]
    times = end + np.arange(HEAD_STEPS, dtype=np.int64) * STEP_MS
    more = _More(store, Part(times, values))
    more.append(steps)
    return more


async def _ticked(store: FileSeries, rules: Path, lab: Path, more: _More) -> dict[str, object]:
    """Tick, scrape by scrape, at the instants that are due."""
    clock = [0]
    made = replace(new_lab(lab, "files"), now=lambda: clock[0])
    options = Options(default_step_ms=EVALUATION_MS)
    ruling = Ruling(made, store, load_rules([rules]), options, default_interval_ms=EVALUATION_MS)
    await ruling.restore(0)
    used: dict[str, float] = defaultdict(float)
    ticks, errors, warm = 0, 0, WARM_MS // STEP_MS
    for turn in range(warm + TICKED_MINUTES * 60_000 // STEP_MS):
        clock[0] = at = more.append(1)
        for one in ruling.running:
            if not _due(one, turn, at):
                continue
            began = time.process_time()
            await ruling.tick(one, at)
            if turn >= warm:
                used[one.loaded.group.name] += _share(one, time.process_time() - began)
                ticks += 1
                errors += len(one.errors)
    made.database.close()
    slowest = max(used, key=used.__getitem__)
    return {
        "seconds_a_minute": sum(used.values()) / TICKED_MINUTES,
        "ticks": ticks,
        "groups": len(ruling.running),
        "minutes": TICKED_MINUTES,
        "slowest": f"{slowest} {used[slowest] / TICKED_MINUTES:.2f} s a minute",
        "errors": errors,
        "peak_gib": peak_gib(),
    }


def _due(one: Running, turn: int, at: int) -> bool:
    """Groups by the hour tick once before it counts, and once when it does."""
    if one.interval_ms >= HOUR_MS:
        return turn in {0, WARM_MS // STEP_MS}
    return at % one.interval_ms == 0


def _share(one: Running, seconds: float) -> float:
    """Give what counts: a group by the hour ticks once here, and rarely in ten minutes."""
    if one.interval_ms >= HOUR_MS:
        return seconds * TICKED_MINUTES * 60_000 / one.interval_ms
    return seconds


if __name__ == "__main__":
    main()
