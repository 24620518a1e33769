"""Work is leased by chunk; a write without the chunk's newest fence changes nothing.

Every function runs inside one write transaction of ``Database.write``. Time is the database's.

Source: the fencing token is M. Kleppmann's, "How to do distributed locking" (2016).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from llm_research_lab.experiments.queueing import (
    LOSSES_UNTIL_CAREFUL,
    Candidate,
    Losses,
    after_loss,
    choose,
    chunk_size,
)
from llm_research_lab.storage.relational.database import now_ms
from llm_research_lab.storage.relational.tables import calls, chunks, experiments, results
from llm_research_lab.telemetry.crash import crash_point

LEASE_MS = 10_000
"""A runner renews four times a lease; a dead one's work moves on after at most this."""

CANDIDATES = 200
"""Experiments looked at for one lease: the oldest of each state suffice for fairness."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A portion of an experiment: samples `first` to `first + count`, those in `done` apart.

    `alone` asks that nothing else runs in this runner, and its samples one by one. `poison` is a
    sample to fail unrun.
    """

    chunk_id: int
    experiment_id: str
    fence: int
    first: int
    count: int
    done: frozenset[int]
    alone: bool = False
    poison: int | None = None
    reason: str = ""


def lease(
    connection: Connection,
    worker: str,
    slots: int,
    *,
    without: Collection[str] = (),
) -> Lease | None:
    """Hand the next chunk to the worker, or None when nothing waits.

    `slots` is the concurrency that sizes a new chunk; `without` names model versions (ids) for
    which the worker has no room.
    """
    now = now_ms(connection)
    chosen = choose(_candidates(connection, now, without))
    if chosen is None:
        return None
    row = connection.execute(
        select(experiments).where(experiments.c.id == chosen.candidate.experiment_id)
    ).one()
    portion = _open_chunk(connection, row.id, now)
    if portion is None:
        portion = _cut(connection, row, chunk_size(row.samples - row.cursor, slots))
    connection.execute(
        update(experiments)
        .where(experiments.c.id == row.id)
        .values(
            status="running",
            started_at=func.coalesce(experiments.c.started_at, now),
            served_at=now,
        )
    )
    taken = _take(connection, portion, worker, now, chosen.reason)
    crash_point("queue.leased")
    return taken


def waits(connection: Connection, without: Collection[str] = ()) -> bool:
    """Whether `lease` would find something; a read, so that an idle runner writes nothing."""
    return bool(_candidates(connection, now_ms(connection), without, limit=1))


def _is_lost(now: int) -> ColumnElement[bool]:
    """Expired, or further ahead than any lease: then the clock was set back."""
    return and_(
        chunks.c.state == "leased",
        or_(chunks.c.lease_expires_at <= now, chunks.c.lease_expires_at > now + LEASE_MS),
    )


def _candidates(
    connection: Connection, now: int, without: Collection[str], limit: int = CANDIDATES
) -> list[Candidate]:
    open_chunk = (
        select(chunks.c.id)
        .where(
            chunks.c.experiment_id == experiments.c.id,
            or_(chunks.c.state == "waiting", _is_lost(now)),
        )
        .exists()
    )
    rows = connection.execute(
        select(
            experiments.c.id,
            experiments.c.owner,
            experiments.c.priority,
            experiments.c.served_at,
        )
        .where(
            experiments.c.status.in_(("queued", "running")),
            experiments.c.model_id.not_in(tuple(without)),
            or_(experiments.c.cursor < experiments.c.samples, open_chunk),
        )
        .order_by(experiments.c.served_at, experiments.c.id)
        .limit(limit)
    ).all()
    if not rows:
        return []
    leased = dict(
        connection.execute(
            select(experiments.c.owner, func.sum(chunks.c.count))
            .join(experiments, experiments.c.id == chunks.c.experiment_id)
            .where(chunks.c.state == "leased")
            .group_by(experiments.c.owner)
        )
        .tuples()
        .all()
    )
    return [
        Candidate(row.id, row.owner, row.priority, int(leased.get(row.owner, 0)), row.served_at)
        for row in rows
    ]


def _open_chunk(connection: Connection, experiment_id: str, now: int) -> Row[Any] | None:
    return connection.execute(
        select(chunks)
        .where(
            chunks.c.experiment_id == experiment_id,
            or_(chunks.c.state == "waiting", _is_lost(now)),
        )
        .order_by(chunks.c.id)
        .limit(1)
    ).one_or_none()


def _cut(connection: Connection, row: Row[Any], size: int) -> Row[Any]:
    count = min(size, row.samples - row.cursor)
    connection.execute(
        update(experiments)
        .where(experiments.c.id == row.id)
        .values(cursor=experiments.c.cursor + count)
    )
    return connection.execute(
        insert(chunks)
        .values(experiment_id=row.id, first=row.cursor, count=count, state="waiting", fence=0)
        .returning(chunks)
    ).one()


def _take(connection: Connection, chunk: Row[Any], worker: str, now: int, reason: str) -> Lease:
    history = Losses(chunk.losses, chunk.suspect, chunk.suspect_losses)
    poison = None
    if chunk.state == "leased":
        verdict = after_loss(history, _abandon_calls(connection, chunk.id, chunk.experiment_id))
        history, poison, reason = verdict.history, verdict.poison, verdict.reason
    connection.execute(
        update(chunks)
        .where(chunks.c.id == chunk.id)
        .values(
            state="leased",
            worker=worker,
            fence=chunk.fence + 1,
            lease_expires_at=now + LEASE_MS,
            losses=history.losses,
            suspect=history.suspect,
            suspect_losses=history.suspect_losses,
        )
    )
    done = connection.scalars(
        select(results.c.sample).where(
            results.c.experiment_id == chunk.experiment_id,
            results.c.sample.between(chunk.first, chunk.first + chunk.count - 1),
        )
    )
    return Lease(
        chunk.id,
        chunk.experiment_id,
        chunk.fence + 1,
        chunk.first,
        chunk.count,
        frozenset(done),
        alone=history.losses >= LOSSES_UNTIL_CAREFUL,
        poison=poison,
        reason=reason,
    )


def _abandon_calls(connection: Connection, chunk_id: int, experiment_id: str) -> list[int]:
    """Count the calls that were in flight as repeated, and their reservations as spent.

    Whether they were paid, nobody knows; the cap must hold if they were.
    """
    lost = connection.execute(
        select(calls.c.sample, calls.c.reserved_picousd)
        .where(calls.c.chunk_id == chunk_id)
        .order_by(calls.c.sample)
    ).all()
    if lost:
        reserved = sum(row.reserved_picousd for row in lost)
        connection.execute(delete(calls).where(calls.c.chunk_id == chunk_id))
        connection.execute(
            update(experiments)
            .where(experiments.c.id == experiment_id)
            .values(
                calls_repeated=experiments.c.calls_repeated + len(lost),
                reserved_picousd=experiments.c.reserved_picousd - reserved,
                spent_picousd=experiments.c.spent_picousd + reserved,
            )
        )
    return [row.sample for row in lost]


def renew(connection: Connection, held: Sequence[tuple[int, int]]) -> list[bool]:
    """Extend the leases ``(chunk_id, fence)``; False where another holds the chunk by now."""
    expires = now_ms(connection) + LEASE_MS
    return [
        connection.execute(
            update(chunks)
            .where(chunks.c.id == chunk_id, chunks.c.fence == fence, chunks.c.state == "leased")
            .values(lease_expires_at=expires)
        ).rowcount
        == 1
        for chunk_id, fence in held
    ]


def hand_back(connection: Connection, held: Sequence[tuple[int, int]]) -> None:
    """Return leases before their time: no loss is counted, the calls still in flight are."""
    for chunk_id, fence in held:
        row = connection.execute(
            select(chunks.c.experiment_id).where(
                chunks.c.id == chunk_id, chunks.c.fence == fence, chunks.c.state == "leased"
            )
        ).one_or_none()
        if row is None:
            continue
        _abandon_calls(connection, chunk_id, row.experiment_id)
        connection.execute(
            update(chunks)
            .where(chunks.c.id == chunk_id)
            .values(state="waiting", worker=None, lease_expires_at=None)
        )
    crash_point("queue.handed_back")
