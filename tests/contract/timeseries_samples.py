"""Samples for the tests of the store, and its whole answer."""

import numpy as np
from tests.contract.timeseries_writer import LABELS

from llm_research_lab.storage.timeseries import Batch
from llm_research_lab.vocabulary.labels import labels_of

EVER = (-(1 << 60), 1 << 60)


def named(name, **labels):
    return labels_of({"__name__": name, **labels})


def batch(*samples):
    """Samples as (labels, time, value); None is a stale marker."""
    labels, times, values = zip(*samples, strict=True)
    stale = np.array([value is None for value in values])
    numbers = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return Batch(labels, np.array(times, dtype=np.int64), numbers, stale if stale.any() else None)


def scrape(tick, *, step=10_000):
    return Batch(LABELS, np.full(5, tick * step, dtype=np.int64), np.arange(5.0) + tick)


def told(store, *matchers, span=EVER):
    """All samples of the answer by series, having checked its laws."""
    found = {}
    for columns in store.select(matchers, *span):
        assert columns.values.shape == (len(columns.labels), len(columns.times))
        assert all(row.flags.c_contiguous for row in columns.values)
        assert (np.diff(columns.times) > 0).all()
        for row, labels in enumerate(columns.labels):
            assert labels not in found
            marked = (
                np.zeros(len(columns.times), bool) if columns.stale is None else columns.stale[row]
            )
            found[labels] = [
                (t, None if m else v)
                for t, v, m in zip(
                    columns.times.tolist(), columns.values[row].tolist(), marked, strict=True
                )
            ]
    return found
