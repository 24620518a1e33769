"""A writer that is killed: appends one scrape after another and prints each that is acknowledged."""

import sys
from pathlib import Path

import numpy as np

from llm_research_lab.storage.timeseries import Batch, FileSeries, Shape
from llm_research_lab.vocabulary.labels import labels_of
from llm_research_lab.vocabulary.matchers import Matcher

LABELS = tuple(
    labels_of({"__name__": "n", "job": "j", "instance": "i", "s": str(i)}) for i in range(5)
)
SHAPE = Shape(block_ms=100_000, late_ms=20_000, retention_ms=None)


def main(root: str, first: int, count: int) -> None:
    store = FileSeries.open(Path(root), SHAPE)
    for tick in range(first, first + count):
        times = np.full(5, tick * 10_000, dtype=np.int64)
        store.append(Batch(LABELS, times, np.arange(5.0) + tick))
        print(tick, flush=True)
        if tick % 5 == 0:
            store.maintain()
        if tick % 20 == 0:
            store.delete([Matcher("s", "=", "none")], 0, 1 << 50)
            store.snapshot(Path(f"{root}.snapshot.{tick}"))
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
