"""An experiment's first lease and its end are events of the log, once they are committed.

Source: docs/spec, 5.1.2 (`log_experiment_start`, `log_experiment_complete`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, select

from llm_research_lab.storage.relational.sayings import say
from llm_research_lab.storage.relational.tables import datasets
from llm_research_lab.telemetry.events import made
from llm_research_lab.telemetry.traceparent import read_traceparent

ENDS: Mapping[str, str] = {
    "completed": "success",
    "failed": "failure",
    "cancelled": "cancelled",
}
"""The statuses that are an end, and what metrics and the log call it."""

UNASKED = "-"
"""Stands for the request of an experiment that was made before requests were noted."""


def say_start(connection: Connection, row: Row[Any]) -> None:
    """Say that the experiment has its first lease."""
    dataset = connection.execute(select(datasets).where(datasets.c.id == row.dataset_id)).one()
    line = made(
        "experiment.start",
        ids_of(row),
        experiment_type=row.experiment_type,
        dataset_name=f"{dataset.owner}/{dataset.name}@v{dataset.ordinal}",
    )
    say(connection, line)


def say_complete(connection: Connection, row: Row[Any]) -> None:
    """Say that the experiment has ended, and how; `row` is as it is after that."""
    began = row.finished_at if row.started_at is None else row.started_at
    line = made(
        "experiment.complete",
        ids_of(row),
        experiment_type=row.experiment_type,
        duration_seconds=max(0, row.finished_at - began) / 1000,
        status=ENDS[row.status],
        result_count=row.done,
    )
    say(connection, line)


def ids_of(row: Row[Any]) -> dict[str, str]:
    """Give the ids of the work on an experiment: the request's that made it among them."""
    above = None if row.traceparent is None else read_traceparent(row.traceparent)
    found = {
        "request_id": row.request_id or UNASKED,
        "experiment_id": row.id,
        "user_id": row.owner,
    }
    if above is not None:
        found["trace_id"] = f"{above.trace_id:032x}"
        found["span_id"] = f"{above.span_id:016x}"
    return found
