"""Work is leased by chunk; a write without the chunk's newest fence changes nothing.

Every function runs inside one write transaction of ``Database.write``. Time is the database's.

Source: the fencing token is M. Kleppmann's, "How to do distributed locking" (2016).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from llm_research_lab.experiments.queueing import (
    LOSSES_UNTIL_CAREFUL,
    LOSSES_UNTIL_POISON,
    Candidate,
    Losses,
    after_loss,
    choose,
    chunk_size,
)
from llm_research_lab.storage.relational.clock import now_ms
from llm_research_lab.storage.relational.milestones import ids_of, say_start
from llm_research_lab.storage.relational.tables import calls, chunks, experiments, results
from llm_research_lab.storage.relational.tallies import tally
from llm_research_lab.telemetry.crash import crash_point

LEASES = "experiment_leases_total"

LEASE_MS = 10_000
"""A runner renews four times a lease; a dead one's work moves on after at most this, and no setting
changes it: a runner judges by it whether another's lease is from before the clock was set back."""

_OPEN = chunks.c.state != literal_column("'done'")
"""In every query of chunks that are not done: the index of open chunks needs to see it written."""

_NO_SLOTS: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Lease:
    """A portion of an experiment: samples `first` to `first + count`, those in `done` apart.

    `alone` asks that nothing else runs in this runner, and its samples one by one. `poison` is a
    sample to fail unrun. `ids` are those of the experiment's log lines.
    """

    chunk_id: int
    experiment_id: str
    model_id: str
    fence: int
    first: int
    count: int
    done: frozenset[int]
    alone: bool = False
    poison: int | None = None
    reason: str = ""
    ids: Mapping[str, str] = field(default_factory=dict, compare=False)


def lease(
    connection: Connection,
    worker: str,
    slots: int,
    *,
    without: Collection[str] = (),
    slots_of: Mapping[str, int] = _NO_SLOTS,
) -> Lease | None:
    """Hand the next chunk to the worker, or None when nothing waits; lost leases come back first.

    `slots_of` is the concurrency by model version (id) that sizes a new chunk, `slots` that of all
    others; `without` names model versions for which the worker has no room.
    """
    now = now_ms(connection)
    reclaim(connection, now)
    chosen = choose(_candidates(connection, without))
    if chosen is None:
        return None
    row = connection.execute(
        select(experiments).where(experiments.c.id == chosen.candidate.experiment_id)
    ).one()
    portion = _waiting(connection, row.id)
    if portion is None:
        width = slots_of.get(row.model_id, slots)
        portion = _cut(connection, row, chunk_size(row.samples - row.cursor, width))
    connection.execute(
        update(experiments)
        .where(experiments.c.id == row.id)
        .values(
            status="running",
            started_at=func.coalesce(experiments.c.started_at, now),
            served_at=now,
        )
    )
    if row.started_at is None:
        say_start(connection, row)
    taken = _portion(connection, portion, row, chosen.reason)
    connection.execute(
        update(chunks)
        .where(chunks.c.id == taken.chunk_id)
        .values(state="leased", worker=worker, fence=taken.fence, lease_expires_at=now + LEASE_MS)
    )
    tally(connection, LEASES, ("taken",))
    crash_point("queue.leased")
    return taken


def waits(connection: Connection, without: Collection[str] = ()) -> bool:
    """Whether `lease` would find something; a read, so that an idle runner writes nothing."""
    servable = select(experiments.c.id).where(*_servable(without)).limit(1)
    lost = select(chunks.c.id).where(_is_lost(now_ms(connection))).limit(1)
    return any(connection.execute(query).first() is not None for query in (servable, lost))


def _is_lost(now: int) -> ColumnElement[bool]:
    """Expired; or two leases ahead: then the clock was set back by more than one.

    A smaller step back only makes a lease longer, by at most its own length.
    """
    return and_(
        _OPEN,
        chunks.c.state == "leased",
        or_(chunks.c.lease_expires_at <= now, chunks.c.lease_expires_at > now + 2 * LEASE_MS),
    )


def _servable(without: Collection[str]) -> tuple[ColumnElement[bool], ...]:
    waiting = (
        select(chunks.c.id)
        .where(_OPEN, chunks.c.state == "waiting", chunks.c.experiment_id == experiments.c.id)
        .exists()
    )
    return (
        experiments.c.status.in_(("queued", "running")),
        experiments.c.model_id.not_in(tuple(without)),
        or_(experiments.c.cursor < experiments.c.samples, waiting),
    )


def _candidates(connection: Connection, without: Collection[str]) -> list[Candidate]:
    """Give each user's first experiment: so the many of one user cannot hide another's."""
    turn = (
        func.row_number()
        .over(
            partition_by=experiments.c.owner,
            order_by=(experiments.c.priority.desc(), experiments.c.served_at, experiments.c.id),
        )
        .label("turn")
    )
    columns = (experiments.c.owner, experiments.c.priority, experiments.c.served_at)
    queued = select(experiments.c.id, *columns, turn).where(*_servable(without)).subquery()
    rows = connection.execute(select(queued).where(queued.c.turn == 1)).all()
    leased = _leased(connection) if len(rows) > 1 else {}
    return [
        Candidate(row.id, row.owner, row.priority, leased.get(row.owner, 0), row.served_at)
        for row in rows
    ]


def _leased(connection: Connection) -> dict[str, int]:
    """Count each user's samples under lease."""
    rows = connection.execute(
        select(experiments.c.owner, func.sum(chunks.c.count))
        .join(experiments, experiments.c.id == chunks.c.experiment_id)
        .where(_OPEN, chunks.c.state == "leased")
        .group_by(experiments.c.owner)
    )
    return {owner: int(samples) for owner, samples in rows}


def _waiting(connection: Connection, experiment_id: str) -> Row[Any] | None:
    return connection.execute(
        select(chunks)
        .where(_OPEN, chunks.c.state == "waiting", chunks.c.experiment_id == experiment_id)
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


def _portion(connection: Connection, chunk: Row[Any], row: Row[Any], reason: str) -> Lease:
    poisoned = chunk.suspect_losses >= LOSSES_UNTIL_POISON
    if poisoned:
        reason = f"sample {chunk.suspect} ended its runner {chunk.suspect_losses} times, alone"
    return Lease(
        chunk.id,
        row.id,
        row.model_id,
        chunk.fence + 1,
        chunk.first,
        _size(chunk),
        _done(connection, chunk),
        alone=chunk.losses >= LOSSES_UNTIL_CAREFUL,
        poison=chunk.suspect if poisoned else None,
        reason=reason,
        ids=ids_of(row),
    )


def _size(chunk: Row[Any]) -> int:
    """Samples of the chunk; `Row.count` is a tuple's method."""
    return int(chunk._mapping["count"])  # noqa: SLF001 - Row's public way to a column by name


def _done(connection: Connection, chunk: Row[Any]) -> frozenset[int]:
    query = select(results.c.sample).where(
        results.c.experiment_id == chunk.experiment_id,
        results.c.sample.between(chunk.first, chunk.first + _size(chunk) - 1),
    )
    return frozenset(connection.scalars(query))


def reclaim(connection: Connection, now: int) -> int:
    """Put chunks whose lease was lost back to wait, whatever their experiment does; count them.

    Their calls in flight hold no slot of the provider any longer.
    """
    lost = connection.execute(select(chunks).where(_is_lost(now)).order_by(chunks.c.id)).all()
    for chunk in lost:
        history = Losses(chunk.losses, chunk.suspect, chunk.suspect_losses)
        verdict = after_loss(history, _abandon_calls(connection, chunk.id, chunk.experiment_id))
        after, suspicion = verdict.history, verdict.history.suspect_losses
        if verdict.poison is not None:
            suspicion = LOSSES_UNTIL_POISON
        connection.execute(
            update(chunks)
            .where(chunks.c.id == chunk.id)
            .values(
                losses=after.losses,
                suspect=after.suspect if verdict.poison is None else verdict.poison,
                suspect_losses=suspicion,
            )
        )
    _return(connection, [chunk.id for chunk in lost])
    if lost:
        tally(connection, LEASES, ("lost",), len(lost))
        crash_point("queue.reclaimed")
    return len(lost)


def _abandon_calls(connection: Connection, chunk_id: int, experiment_id: str) -> list[int]:
    """Count the calls that were in flight as repeated, and their reservations as spent.

    Whether they were paid, nobody knows; the cap must hold if they were.
    """
    lost = connection.execute(
        select(calls.c.sample, calls.c.reserved_picousd)
        .where(calls.c.chunk_id == chunk_id, calls.c.experiment_id == experiment_id)
        .order_by(calls.c.sample)
    ).all()
    if lost:
        reserved = sum(row.reserved_picousd for row in lost)
        connection.execute(
            delete(calls).where(
                calls.c.chunk_id == chunk_id, calls.c.experiment_id == experiment_id
            )
        )
        connection.execute(
            update(experiments)
            .where(experiments.c.id == experiment_id)
            .values(
                calls_repeated=experiments.c.calls_repeated + len(lost),
                reserved_picousd=experiments.c.reserved_picousd - reserved,
                spent_picousd=experiments.c.spent_picousd + reserved,
            )
        )
        tally(connection, "experiment_calls_repeated_total", (), len(lost))
    return [row.sample for row in lost]


def _return(connection: Connection, ids: Sequence[int]) -> None:
    """End the leases: a chunk with all its results is done, a cancelled experiment's is gone."""
    if not ids:
        return
    connection.execute(
        update(chunks)
        .where(chunks.c.id.in_(ids))
        .values(state="waiting", worker=None, lease_expires_at=None)
    )
    complete(connection, ids)
    cancelled = select(experiments.c.id).where(experiments.c.status == "cancelled")
    connection.execute(
        delete(chunks).where(
            chunks.c.id.in_(ids), _OPEN, chunks.c.experiment_id.in_(cancelled.scalar_subquery())
        )
    )


def complete(connection: Connection, ids: Sequence[int]) -> None:
    """Mark those chunks as done whose every sample has its result."""
    stored = (
        select(func.count())
        .select_from(results)
        .where(
            results.c.experiment_id == chunks.c.experiment_id,
            results.c.sample.between(chunks.c.first, chunks.c.first + chunks.c.count - 1),
        )
        .scalar_subquery()
    )
    connection.execute(
        update(chunks)
        .where(chunks.c.id.in_(ids), chunks.c.count == stored)
        .values(state="done", lease_expires_at=None)
    )


def renew(connection: Connection, held: Sequence[tuple[int, int]]) -> list[bool]:
    """Extend the leases ``(chunk_id, fence)``; False where another holds the chunk by now."""
    kept = alive(connection, held)
    connection.execute(
        update(chunks)
        .where(chunks.c.id.in_([chunk_id for chunk_id, _ in kept]))
        .values(lease_expires_at=now_ms(connection) + LEASE_MS)
    )
    return [pair in kept for pair in held]


def alive(connection: Connection, held: Iterable[tuple[int, int]]) -> frozenset[tuple[int, int]]:
    """Return those ``(chunk_id, fence)`` whose lease still holds."""
    wanted = frozenset(held)
    rows = connection.execute(
        select(chunks.c.id, chunks.c.fence).where(
            chunks.c.state == "leased", chunks.c.id.in_([chunk for chunk, _ in wanted])
        )
    )
    return wanted & {(row.id, row.fence) for row in rows}


def hand_back(connection: Connection, held: Sequence[tuple[int, int]]) -> None:
    """Return leases before their time: no loss is counted, the calls still in flight are."""
    ids = [chunk_id for chunk_id, _ in alive(connection, held)]
    _give_up(connection, chunks.c.id.in_(ids))
    tally(connection, LEASES, ("returned",), len(ids))
    crash_point("queue.handed_back")


def revoke(connection: Connection, experiment_id: str) -> None:
    """End every lease of an experiment that is over: its holders can write nothing more."""
    _give_up(connection, and_(_OPEN, chunks.c.experiment_id == experiment_id))


def _give_up(connection: Connection, which: ColumnElement[bool]) -> None:
    query = select(chunks.c.id, chunks.c.experiment_id).where(which, chunks.c.state == "leased")
    leased = connection.execute(query).all()
    for row in leased:
        _abandon_calls(connection, row.id, row.experiment_id)
    _return(connection, [row.id for row in leased])
