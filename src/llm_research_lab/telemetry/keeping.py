"""A trace is kept whole or not at all: sampled, asked for, failed or slow is kept.

Pure. The head's part is decided by the trace's id alone, so that every process decides alike; the
tail's at the end of the local root, when its failure and its duration are known.
"""

from __future__ import annotations

from typing import Literal

Kept = Literal["sampled", "asked", "error", "slow"]
Decision = Literal["sampled", "asked", "error", "slow", "dropped"]
"""Why a local root and all below it is kept, or that it is let go."""

_BITS = (1 << 64) - 1


def sampled_by_ratio(trace_id: int, ratio: float) -> bool:
    """Whether the id belongs to the share that is sampled; a larger ratio samples a superset.

    Source: OpenTelemetry's SDK for Python, `TraceIdRatioBased`: the lower 64 bits under a bound.
    """
    return trace_id & _BITS < round(ratio * (_BITS + 1))


def sampled(trace_id: int, ratio: float, parent: bool | None) -> bool:
    """Do as the parent did; where there is none (None), let the ratio decide.

    Source: OpenTelemetry's specification of the SDK, "ParentBased".
    """
    return sampled_by_ratio(trace_id, ratio) if parent is None else parent


def decide(*, asked: bool, sampled: bool, failed: bool, took_ns: int, slow_ns: int) -> Decision:
    """Give the first reason to keep: asked, error, slow, sampled; else ``dropped``.

    A root that took exactly `slow_ns` is not slow.
    """
    if asked:
        return "asked"
    if failed:
        return "error"
    if took_ns > slow_ns:
        return "slow"
    return "sampled" if sampled else "dropped"
