"""Experiments: made queued, moved along the lifecycle's edges, never deleted.

Every function runs inside a transaction of its caller. `now` is the database's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    delete,
    func,
    insert,
    literal,
    literal_column,
    select,
    update,
)

from llm_research_lab.experiments.lifecycle import Event, Moved, Refused, move
from llm_research_lab.experiments.queueing import CHUNK_MAX
from llm_research_lab.storage.relational.milestones import ENDS, say_complete
from llm_research_lab.storage.relational.tables import (
    calls,
    chunks,
    datasets,
    experiments,
    results,
)
from llm_research_lab.vocabulary import ConflictError, NotFoundError


def add(connection: Connection, values: Mapping[str, Any]) -> Row[Any]:
    """Insert an experiment as ``queued`` and give its row."""
    return connection.execute(
        insert(experiments).returning(experiments), {"status": "queued", **values}
    ).one()


def get(connection: Connection, experiment_id: str) -> Row[Any]:
    """Give the experiment, or raise NotFoundError."""
    found = connection.execute(
        select(experiments).where(experiments.c.id == experiment_id)
    ).one_or_none()
    if found is None:
        raise NotFoundError(
            "experiment",
            "the id of an experiment",
            repr(experiment_id[:60]),
            "list the experiments to see their ids",
        )
    return found


def dataset_digest(connection: Connection, row: Row[Any]) -> str:
    """Give the digest of the dataset's content that the experiment runs on."""
    query = select(datasets.c.digest).where(datasets.c.id == row.dataset_id)
    return str(connection.execute(query).scalar_one())


def page(
    connection: Connection,
    *,
    status: str | None,
    owner: str | None,
    before: str | None,
    limit: int,
) -> list[Row[Any]]:
    """Give the newest experiments made before the id `before`."""
    conditions: list[ColumnElement[bool]] = []
    if status is not None:
        conditions.append(experiments.c.status == status)
    if owner is not None:
        conditions.append(experiments.c.owner == owner)
    if before is not None:
        conditions.append(experiments.c.id < before)
    query = select(experiments).where(*conditions).order_by(experiments.c.id.desc()).limit(limit)
    return list(connection.execute(query))


def set_status(
    connection: Connection, row: Row[Any], event: Event, *, now: int, why: str | None = None
) -> Row[Any]:
    """Move the experiment and give its new row, or raise ConflictError with the reason.

    A cancelled experiment keeps reserved only what its calls in flight may cost; its runner
    notices at its next write. Its chunks that nobody holds are gone.
    """
    moved = move(row.status, event, why)
    if isinstance(moved, Refused):
        raise ConflictError(
            f"experiment {row.id}", f"a status that allows {event}", moved.reason, moved.fix
        )
    if event == "cancel":
        _let_go(connection, row.id)
    if event == "retry":
        return _again(connection, row, moved)
    ended = now if moved.status in ENDS else None
    after = _set(connection, row.id, status=moved.status, reason=moved.reason, finished_at=ended)
    if ended is not None:
        say_complete(connection, after)
    return after


def _set(connection: Connection, experiment_id: str, **values: Any) -> Row[Any]:
    return connection.execute(
        update(experiments)
        .where(experiments.c.id == experiment_id)
        .values(**values)
        .returning(experiments)
    ).one()


def _let_go(connection: Connection, experiment_id: str) -> None:
    connection.execute(
        delete(chunks).where(chunks.c.experiment_id == experiment_id, chunks.c.state == "waiting")
    )
    in_flight = select(func.coalesce(func.sum(calls.c.reserved_picousd), 0)).where(
        calls.c.experiment_id == experiment_id
    )
    _set(connection, experiment_id, reserved_picousd=in_flight.scalar_subquery())


def _again(connection: Connection, row: Row[Any], moved: Moved) -> Row[Any]:
    """Put the failed samples back to wait; what they have cost stays spent."""
    if row.failed == 0 and row.done >= row.samples:
        raise ConflictError(
            f"experiment {row.id}",
            "at least one failed sample",
            "none",
            "create a new experiment to run the samples again",
        )
    failed = and_(
        results.c.experiment_id == row.id,
        results.c.cached.in_((False, True)),  # either, said so that the index serves
        results.c.failure_kind.is_not(None),
    )
    connection.execute(
        insert(chunks).from_select(
            ["experiment_id", "first", "count", "state", "fence", "losses", "suspect_losses"],
            _runs(row.id, failed & ~_in_open_chunk(row.id)),
        )
    )
    gone = connection.execute(delete(results).where(failed)).rowcount
    return _set(
        connection,
        row.id,
        status=moved.status,
        reason=moved.reason,
        done=row.done - gone,
        failed=0,
        finished_at=None,
        summary=None,
    )


def _in_open_chunk(experiment_id: str) -> ColumnElement[bool]:
    """Say which results lie in a chunk that waits: it runs them again, a second one must not.

    An experiment that was broken off has such chunks.
    """
    last = chunks.c.first + chunks.c.count - 1
    return (
        select(chunks.c.id)
        .where(
            chunks.c.experiment_id == experiment_id,
            chunks.c.state != literal_column("'done'"),
            results.c.sample.between(chunks.c.first, last),
        )
        .exists()
    )


def _runs(experiment_id: str, failed: ColumnElement[bool]) -> Any:
    """Select the failed samples as contiguous chunks of at most CHUNK_MAX.

    Source: "gaps and islands": within a run, the sample less its rank stays the same.
    """
    rank = func.row_number().over(order_by=results.c.sample)
    islands = (
        select(results.c.sample, (results.c.sample - rank).label("island")).where(failed).subquery()
    )
    return (
        select(
            literal(experiment_id),
            func.min(islands.c.sample),
            func.count(),
            literal("waiting"),
            literal(0),
            literal(0),
            literal(0),
        )
        .group_by(islands.c.island, islands.c.sample // CHUNK_MAX)
        .order_by(func.min(islands.c.sample))
    )


def counts(connection: Connection) -> dict[str, int]:
    """Count the experiments of each status that has any."""
    query = select(experiments.c.status, func.count()).group_by(experiments.c.status)
    return dict(connection.execute(query).all())


def samples_pending(connection: Connection) -> int:
    """Count the samples without a result of experiments that may still run."""
    waiting = select(func.coalesce(func.sum(experiments.c.samples - experiments.c.done), 0)).where(
        experiments.c.status.in_(("queued", "running", "paused"))
    )
    return int(connection.execute(waiting).scalar_one())


def runners(connection: Connection) -> list[Row[Any]]:
    """Give every worker that holds a lease, with its chunks and samples."""
    return list(
        connection.execute(
            select(
                chunks.c.worker,
                func.count().label("chunks"),
                func.sum(chunks.c.count).label("samples"),
            )
            .where(chunks.c.state == "leased")
            .group_by(chunks.c.worker)
            .order_by(chunks.c.worker)
        )
    )
