"""An experiment ends once, whichever runner comes first: status, summary and audit entry together.

The summary is computed off the event loop from results that do not change any more.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select, update

from llm_research_lab.audit import AuditOutcome, Origin, experiment_execution
from llm_research_lab.commands.execution.columns import Columns, read_columns
from llm_research_lab.commands.lab import Lab
from llm_research_lab.commands.prices import unpriced
from llm_research_lab.commands.trail import aggregate_results, ended
from llm_research_lab.cost import from_pico
from llm_research_lab.experiments.specification import SEED, Status
from llm_research_lab.storage.relational import audit_log, experiments, now_ms, queue, tables
from llm_research_lab.storage.relational.milestones import ids_of
from llm_research_lab.telemetry.context import bound
from llm_research_lab.telemetry.crash import crash_point
from llm_research_lab.vocabulary import Instant

RUNNABLE: tuple[Status, ...] = ("queued", "running", "paused")
"""An experiment that was paused or resumed while its last calls were in flight ends, too."""


@dataclass(frozen=True, slots=True)
class Ended:
    """An experiment that has ended by this process's hand."""

    status: str
    experiment_type: str
    samples: int
    duration_ms: int


def finishable(connection: Connection) -> list[str]:
    """Name the experiments whose every sample has its result, and which have not ended."""
    columns = tables.experiments.c
    query = select(columns.id).where(columns.status.in_(RUNNABLE), columns.done >= columns.samples)
    return list(connection.scalars(query.order_by(columns.id)))


async def finish(lab: Lab, experiment_id: str, broken: str | None = None) -> Ended | None:
    """End the experiment; None when there is nothing to end, or another was first.

    ``completed``; or ``failed`` when every sample failed, or when it is `broken`: then it needs no
    results, no runner holds any of it afterwards, and it has no summary.
    """
    row, moment = await lab.database.read(lambda c: (experiments.get(c, experiment_id), now_ms(c)))
    if not _may_end(row, broken):
        return None
    with bound(**ids_of(row)), aggregate_results(lab, row):
        summary = None if broken is not None else await _summary(lab, row, moment)
        crash_point("finishing.summarised")
        done = await lab.database.write(lambda c: _end(c, experiment_id, moment, summary, broken))
    if done is not None:
        ended(lab, row, done.status)
    return done


def _may_end(row: Row[Any], broken: str | None) -> bool:
    return row.status in RUNNABLE and (broken is not None or row.done >= row.samples)


async def _summary(lab: Lab, row: Row[Any], moment: Instant) -> dict[str, Any]:
    columns = await read_columns(lab.database, row.id, row.samples)
    priced = not await unpriced(lab, [row.model_id])
    return await asyncio.to_thread(_summarised, row, columns, moment, priced)


def _summarised(row: Row[Any], columns: Columns, moment: Instant, priced: bool) -> dict[str, Any]:
    """Blocks. NumPy is imported by who finishes something: a runner that waits is small."""
    from llm_research_lab.experiments.summarising import summarise

    return summarise(
        columns.scores,
        columns.latencies_ms,
        (columns.input_tokens, columns.output_tokens),
        from_pico(row.spent_picousd) if priced else None,
        columns.cache_hits,
        columns.failures,
        _duration_ms(row, moment),
        SEED,
    )


def _duration_ms(row: Row[Any], moment: Instant) -> int:
    """From the first lease to the end; 0 when it was never leased or the clock was set back."""
    return 0 if row.started_at is None else max(0, int(moment - row.started_at))


def _end(
    connection: Connection,
    experiment_id: str,
    moment: Instant,
    summary: dict[str, Any] | None,
    broken: str | None,
) -> Ended | None:
    row = experiments.get(connection, experiment_id)
    if not _may_end(row, broken):
        return None
    if broken is not None:
        queue.revoke(connection, experiment_id)
    if row.status == "queued":  # resumed, or broken before its first lease was
        row = experiments.set_status(connection, row, "start", now=moment)
    lost = broken is not None or row.failed >= row.samples
    row = experiments.set_status(
        connection, row, "fail" if lost else "finish", now=moment, why=broken or _why(row)
    )
    table = tables.experiments
    connection.execute(update(table).where(table.c.id == experiment_id).values(summary=summary))
    _audit(connection, row, moment)
    crash_point("finishing.ended")
    return Ended(row.status, row.experiment_type, row.samples, _duration_ms(row, moment))


def _why(row: Row[Any]) -> str | None:
    return "every sample failed" if row.failed >= row.samples else None


def _audit(connection: Connection, row: Row[Any], moment: Instant) -> None:
    """In the owner's name: nobody's request ended it."""
    about = {"status": row.status, "samples": row.samples, "done": row.done, "failed": row.failed}
    if row.reason is not None:
        about["reason"] = row.reason
    entry = experiment_execution(
        moment,
        Origin(row.owner),
        row.id,
        _outcome(row),
        about,
    )
    audit_log.append(connection, entry)


def _outcome(row: Row[Any]) -> AuditOutcome:
    if row.status == "failed":
        return "failure"
    return "partial_success" if row.failed else "success"
