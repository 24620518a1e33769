"""Open a store, read and answer one expression in this new process; print the seconds."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from llm_research_lab.commands.metrics.engine import Engine
from llm_research_lab.promql.values import Grid, Limits, Options
from llm_research_lab.storage.timeseries.store import FileSeries, Shape

if __name__ == "__main__":
    root, text, *numbers = sys.argv[1:]
    began = time.perf_counter()
    store = FileSeries.open(Path(root), Shape(cache_bytes=8 << 30), read_only=True)
    options = Options(compat=2, limits=Limits(samples=1 << 40, memory_bytes=8 << 30))
    Engine(store, options).ask(text, Grid(*map(int, numbers)))
    print(time.perf_counter() - began)
