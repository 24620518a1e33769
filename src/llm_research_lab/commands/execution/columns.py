"""What an experiment gave, as columns of numbers, read in slices: no read is long."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Connection, func, select, tuple_

from llm_research_lab.storage.relational import Database
from llm_research_lab.storage.relational.tables import results, scores

SLICE = 20_000
"""Rows of one read: tens of milliseconds."""


@dataclass(slots=True)
class Columns:
    """Scores by metric, latencies, and sums over all samples."""

    scores: dict[str, array[float]] = field(default_factory=dict)
    latencies_ms: array[float] = field(default_factory=lambda: array("d"))
    input_tokens: int = 0
    output_tokens: int = 0
    cache_hits: int = 0
    failures: Counter[str] = field(default_factory=Counter)


async def read_columns(
    database: Database, experiment_id: str, samples: int, most: int = SLICE
) -> Columns:
    """Read the columns, `most` rows a read, of an experiment whose results do not change."""
    found = Columns()
    for metric in await database.read(partial(_metrics, experiment_id=experiment_id)):
        found.scores[metric] = await _scores(database, experiment_id, metric, most)
    for first in range(0, samples, most):
        read = partial(_slice, experiment_id=experiment_id, first=first, most=most)
        latencies, sums = await database.read(read)
        found.latencies_ms.extend(latencies)
        _add(found, sums)
    return found


def _metrics(connection: Connection, experiment_id: str) -> list[str]:
    """Step from metric to metric in the index; their rows are not read."""
    found: list[str] = []
    query = select(func.min(scores.c.metric)).where(scores.c.experiment_id == experiment_id)
    metric = connection.execute(query).scalar()
    while metric is not None:
        found.append(metric)
        metric = connection.execute(query.where(scores.c.metric > metric)).scalar()
    return found


async def _scores(database: Database, experiment_id: str, metric: str, most: int) -> array[float]:
    """Read a metric along its index, slice by slice."""
    column = array("d")
    place = (scores.c.cached, scores.c.value, scores.c.sample)
    query = (
        select(*place)
        .where(scores.c.experiment_id == experiment_id, scores.c.metric == metric)
        .order_by(*place)
        .limit(most)
    )
    part = query
    while True:
        rows = await database.read(partial(_all, query=part))
        column.extend(row.value for row in rows)
        if len(rows) < most:
            return column
        part = query.where(tuple_(*place) > tuple_(*rows[-1]))


def _all(connection: Connection, query: Any) -> Sequence[Any]:
    return connection.execute(query).all()


def _slice(
    connection: Connection, experiment_id: str, first: int, most: int
) -> tuple[list[float], list[Mapping[str, Any]]]:
    """Read the latencies of some samples, and their sums by kind of failure (None: none)."""
    mine = (
        results.c.experiment_id == experiment_id,
        results.c.sample.between(first, first + most - 1),
    )
    latencies = select(results.c.latency_ms).where(*mine, results.c.latency_ms.is_not(None))
    sums = (
        select(
            results.c.failure_kind.label("kind"),
            func.count().label("samples"),
            func.coalesce(func.sum(results.c.input_tokens), 0).label("input_tokens"),
            func.coalesce(func.sum(results.c.output_tokens), 0).label("output_tokens"),
            func.count().filter(results.c.cached).label("cache_hits"),
        )
        .where(*mine)
        .group_by(results.c.failure_kind)
    )
    return (
        list(connection.execute(latencies).scalars()),
        [dict(row) for row in connection.execute(sums).mappings()],
    )


def _add(found: Columns, sums: Sequence[Mapping[str, Any]]) -> None:
    for row in sums:
        found.input_tokens += int(row["input_tokens"])
        found.output_tokens += int(row["output_tokens"])
        found.cache_hits += int(row["cache_hits"])
        if row["kind"] is not None:
            found.failures[row["kind"]] += int(row["samples"])
