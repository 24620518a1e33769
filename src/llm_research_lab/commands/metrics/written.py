"""What rules wrote becomes a batch for the store."""

from __future__ import annotations

import numpy as np

from llm_research_lab.alerting.rules.past import Past
from llm_research_lab.alerting.rules.written import Written
from llm_research_lab.storage.timeseries import Batch


def batch_of(past: Past) -> Batch | None:
    """Take the samples out of what was written; None when there are none."""
    labels, times, values, stale = [], [], [], []
    for series, one in past.written.series.items():
        labels += [series] * len(one.times)
        times += list(one.times)
        values += list(one.values)
        stale += list(one.stale)
    past.written = Written()
    if not labels:
        return None
    return Batch(
        tuple(labels),
        np.array(times, dtype=np.int64),
        np.array(values, dtype=np.float64),
        np.array(stale, dtype=np.bool_),
    )
