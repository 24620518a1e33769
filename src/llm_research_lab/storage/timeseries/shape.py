"""How a store keeps its samples, and what it says that it holds."""

from __future__ import annotations

from dataclasses import dataclass

from llm_research_lab.vocabulary import Finding

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Shape:
    """How a store keeps its samples; ranges as Prometheus's: two hours, then by three."""

    block_ms: int = 2 * HOUR_MS
    late_ms: int = HOUR_MS
    """How much older than the newest a sample may come."""
    ahead_ms: int = HOUR_MS
    """How much newer than the writer's clock a sample may be."""
    retention_ms: int | None = 100 * 24 * HOUR_MS
    retention_bytes: int | None = None
    levels: tuple[int, ...] = (3, 9, 27, 81, 243)
    """Compacted blocks cover so many of the smallest ranges."""
    cache_bytes: int = 512 << 20
    history_samples: int = 4_000_000
    """As many samples of a history are in memory at once."""


@dataclass(frozen=True, slots=True)
class Status:
    """What a store holds."""

    head_series: int
    head_samples: int
    blocks: int
    block_samples: int
    block_bytes: int
    log_bytes: int
    first_ms: int | None
    last_ms: int | None
    findings: tuple[Finding, ...]
