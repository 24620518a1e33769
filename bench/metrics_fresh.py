"""Open a store, read and answer one expression in this new process.

Prints the seconds of that, the peak of its memory in GiB, and a digest of the answer.
"""

from __future__ import annotations

import hashlib
import sys
import time
from pathlib import Path
from typing import cast

import numpy as np

from bench.table import peak_gib
from llm_research_lab.commands.metrics.engine import Engine
from llm_research_lab.promql.values import Block, Grid, Limits, Options
from llm_research_lab.storage.timeseries.store import FileSeries, Shape


def digest(block: Block) -> str:
    """Give a digest of an answer: labels, presence, values to the last bit."""
    order = sorted(range(len(block.labels)), key=block.labels.__getitem__)
    told = hashlib.blake2b(repr([block.labels[row] for row in order]).encode(), digest_size=16)
    told.update(np.packbits(block.present[order]).tobytes())
    told.update(np.where(block.present, block.values, 0.0)[order].tobytes())
    return told.hexdigest()


def main() -> None:
    root, text, *numbers = sys.argv[1:]
    began = time.perf_counter()
    store = FileSeries.open(Path(root), Shape(cache_bytes=8 << 30), read_only=True)
    options = Options(compat=2, limits=Limits(samples=1 << 40, memory_bytes=8 << 30))
    value = Engine(store, options).ask(text, Grid(*map(int, numbers))).answer.value
    seconds = time.perf_counter() - began
    print(seconds, peak_gib(), digest(cast("Block", value)))


if __name__ == "__main__":
    main()
