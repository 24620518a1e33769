"""What rules wrote becomes a batch for the store."""

from __future__ import annotations

import numpy as np

from llm_research_lab.alerting.rules import Past, Written
from llm_research_lab.storage.timeseries import Batch


def batch_of(past: Past) -> Batch | None:
    """Take the samples out of what was written; None when there are none."""
    series = past.written.series
    past.written = Written()
    if not series:
        return None
    return Batch(
        tuple(labels for labels, one in series.items() for _ in range(one.count)),
        np.concatenate([one.times for one in series.values()]),
        np.concatenate([one.values for one in series.values()]),
        np.concatenate([one.stale for one in series.values()]),
    )
