"""A float in PromQL's texts and labels is Go's, and a label's never looks like a whole number.

Source: Prometheus, model/labels/float.go.
"""

from __future__ import annotations

import math

from llm_research_lab.vocabulary.floats import format_float

__all__ = ["format_float", "format_open_metrics"]


def format_open_metrics(value: float) -> str:
    """Write a label's float: as ``g``, and ``.0`` after what would look like a whole number.

    Source: Prometheus, model/labels/float.go, FormatOpenMetricsFloat.
    """
    text = format_float(value, "g")
    return text if not math.isfinite(value) or set(text) & set(".e") else f"{text}.0"
