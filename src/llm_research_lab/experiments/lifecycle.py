"""An experiment moves only along these edges; every refusal says why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llm_research_lab.experiments.specification import TERMINAL, Status

Event = Literal["start", "pause", "resume", "cancel", "retry", "finish", "fail"]

EDGES: dict[tuple[Status, Event], Status] = {
    ("queued", "start"): "running",
    ("queued", "pause"): "paused",
    ("queued", "cancel"): "cancelled",
    ("running", "start"): "running",
    ("running", "pause"): "paused",
    ("running", "cancel"): "cancelled",
    ("running", "finish"): "completed",
    ("running", "fail"): "failed",
    ("paused", "resume"): "queued",
    ("paused", "cancel"): "cancelled",
    ("paused", "finish"): "completed",  # its last call was in flight when it was paused
    ("paused", "fail"): "failed",
    ("completed", "retry"): "queued",
    ("failed", "retry"): "queued",
}


@dataclass(frozen=True, slots=True)
class Moved:
    """The event is allowed: the new status, and why it is so (None: nothing to say)."""

    status: Status
    reason: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """The event is not allowed: why, and what to do instead."""

    reason: str
    fix: str


def move(status: Status, event: Event, why: str | None = None) -> Moved | Refused:
    """Decide what the event does to an experiment of this status.

    `why` becomes the reason of the new status, such as ``paused by ann``.
    """
    after = EDGES.get((status, event))
    if after is not None:
        return Moved(after, why)
    return Refused(f"it is {status}", _fix(status, event))


def _fix(status: Status, event: Event) -> str:
    if event == "retry" and status == "cancelled":
        return "cancelled is for good: create a new experiment, the cache answers what was done"
    if event == "retry":
        return "wait until it has finished, then retry what failed"
    if status in TERMINAL:
        return f"{status} is an end: create a new experiment"
    return f"an experiment that is {' or '.join(_sources(event))} can {event}"


def _sources(event: Event) -> list[str]:
    return sorted(status for status, edge in EDGES if edge == event)
