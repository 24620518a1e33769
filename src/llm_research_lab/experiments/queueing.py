"""Who is served next, in what portions, and what becomes of a portion whose runner died."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

CHUNK_MIN = 10
CHUNK_MAX = 50
"""Source: docs/spec, 5.5.4, batch processing: 10 to 50 inferences."""

LOSSES_UNTIL_CAREFUL = 3
"""A chunk whose lease was lost so often runs alone, sample by sample."""

LOSSES_UNTIL_POISON = 2
"""A sample that was alone in flight at so many losses in a row is failed as ``poison``."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An experiment with work to hand out; `owner_leased` counts its user's samples under lease."""

    experiment_id: str
    owner: str
    priority: int
    owner_leased: int
    served_at: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """The experiment to serve, and why it and not another."""

    candidate: Candidate
    reason: str


def choose(candidates: Sequence[Candidate]) -> Chosen | None:
    """Serve the user with the fewest samples under lease; of theirs, the highest priority.

    A priority orders a user's own experiments and never takes another user's turn: anyone may ask
    for priority 9. At equal shares the higher priority, then who was served longest ago, then the
    older experiment goes first. None when there is nothing to choose from.
    """
    if not candidates:
        return None
    first = min(
        candidates, key=lambda c: (c.owner_leased, -c.priority, c.served_at, c.experiment_id)
    )
    users = len({candidate.owner for candidate in candidates})
    return Chosen(
        first,
        f"{first.owner} holds {first.owner_leased} samples, the fewest of {users} waiting users; "
        f"priority {first.priority}",
    )


def chunk_size(samples: int, concurrency: int) -> int:
    """Samples a lease: 10 to 50, four rounds of the model's slots where that fits."""
    return min(max(concurrency * 4, CHUNK_MIN), CHUNK_MAX, max(samples, 1))


@dataclass(frozen=True, slots=True)
class Losses:
    """What a chunk has been through: lost leases, and the sample last alone in flight at one."""

    losses: int = 0
    suspect: int | None = None
    suspect_losses: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """How to run the chunk now; `poison` is the sample to fail instead of running it."""

    history: Losses
    mode: Literal["together", "alone"]
    poison: int | None
    reason: str


def after_loss(history: Losses, in_flight: Sequence[int]) -> Verdict:
    """Judge a chunk that lost its lease with the samples `in_flight`.

    Up to three losses prove nothing: the runner's end may have any cause. After that the chunk
    runs alone in its runner, one sample at a time, so that whoever is in flight at a loss is the
    one suspect; twice in a row, and it is poison.
    """
    losses = history.losses + 1
    was_alone = history.losses >= LOSSES_UNTIL_CAREFUL
    suspect = in_flight[0] if was_alone and len(in_flight) == 1 else None
    again = suspect is not None and suspect == history.suspect
    count = (history.suspect_losses + 1 if again else 1) if suspect is not None else 0
    mode: Literal["together", "alone"] = "alone" if losses >= LOSSES_UNTIL_CAREFUL else "together"
    if suspect is not None and count >= LOSSES_UNTIL_POISON:
        return Verdict(
            Losses(losses), mode, suspect, f"sample {suspect} ended its runner {count} times, alone"
        )
    return Verdict(Losses(losses, suspect, count), mode, None, f"lease lost {losses} times")
