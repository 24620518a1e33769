"""A page of results costs the same anywhere in a million: every order and filter has its index.

An order is by a key and then by sample, both rising or both falling. Samples without the key (no
call answered, no such score) come last. A page is found in an index alone, then read by sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    literal,
    or_,
    select,
    tuple_,
)

from llm_research_lab.storage.relational.tables import results, scores

Key = Literal["sample", "latency", "score"]


@dataclass(frozen=True, slots=True)
class Order:
    """The key of an order; `metric` only with ``score``."""

    key: Key = "sample"
    metric: str = ""
    falling: bool = False


@dataclass(frozen=True, slots=True)
class Filters:
    """Which results: None is any. `least` and `most` bound the score of the order's metric."""

    failed: bool | None = None
    kind: str | None = None
    cached: bool | None = None
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """After which result a page begins; `key` None is among those without the key."""

    key: float | None
    sample: int


def page(
    connection: Connection,
    experiment_id: str,
    order: Order,
    filters: Filters,
    after: Place | None,
    limit: int,
) -> list[tuple[Place, Row[Any]]]:
    """Give the next `limit` results in order, each with its place."""
    places: list[Place] = []
    for part in parts(connection, experiment_id, order, filters, after):
        if len(places) < limit:
            found = connection.execute(part.limit(limit - len(places)))
            places += [Place(row.key, row.sample) for row in found]
    return _read(connection, experiment_id, places)


def parts(
    connection: Connection,
    experiment_id: str,
    order: Order,
    filters: Filters,
    after: Place | None,
) -> list[Select[Any]]:
    """Give the queries whose answers, one after the other, are the order from the place on."""
    if order.key == "sample":
        return [_keyless(experiment_id, order, filters, after)]
    rest = after if after is not None and after.key is None else None
    keyed = _by_score if order.key == "score" else _by_latency
    first = [] if rest else keyed(connection, experiment_id, order, filters, after)
    return [*first, *_last(experiment_id, order, filters, rest)]


def _keyless(
    experiment_id: str, order: Order, filters: Filters, after: Place | None
) -> Select[Any]:
    """By sample: the primary key, or the index of the filter."""
    query = select(literal(None).label("key"), results.c.sample).where(
        results.c.experiment_id == experiment_id, *_filtered(filters)
    )
    if after is not None:
        query = query.where(_beyond(results.c.sample, after.sample, order))
    return query.order_by(_directed(results.c.sample, order))


def _by_latency(
    _connection: Connection,
    experiment_id: str,
    order: Order,
    filters: Filters,
    after: Place | None,
) -> list[Select[Any]]:
    query = select(results.c.latency_ms.label("key"), results.c.sample).where(
        results.c.experiment_id == experiment_id,
        results.c.latency_ms.is_not(None),
        *_filtered(filters),
    )
    return [_ordered(query, results.c.latency_ms, results.c.sample, order, after)]


def _by_score(
    connection: Connection,
    experiment_id: str,
    order: Order,
    filters: Filters,
    after: Place | None,
) -> list[Select[Any]]:
    """By a score: whatever failed has none, so only `cached` and the bounds filter here."""
    if filters.failed or filters.kind is not None:
        return []
    query = select(scores.c.value.label("key"), scores.c.sample).where(
        scores.c.experiment_id == experiment_id, scores.c.metric == order.metric
    )
    if filters.least is not None:
        query = query.where(scores.c.value >= filters.least)
    if filters.most is not None:
        query = query.where(scores.c.value <= filters.most)
    if filters.cached is not None:
        if not _any(connection, experiment_id, cached=filters.cached):
            return []
        if _any(connection, experiment_id, cached=not filters.cached):
            query = query.where(_is_cached(experiment_id, cached=filters.cached))
    return [_ordered(query, scores.c.value, scores.c.sample, order, after)]


def _last(
    experiment_id: str, order: Order, filters: Filters, after: Place | None
) -> list[Select[Any]]:
    """Those without the key, by sample. A bound on the score leaves none of them."""
    if filters.least is not None or filters.most is not None:
        return []
    if order.key == "score" and filters.failed is False:
        return []
    missing = (
        results.c.failure_kind.is_not(None)
        if order.key == "score"
        else results.c.latency_ms.is_(None)
    )
    return [_keyless(experiment_id, order, filters, after).where(missing)]


def _any(connection: Connection, experiment_id: str, *, cached: bool) -> bool:
    found = connection.execute(
        select(results.c.sample)
        .where(results.c.experiment_id == experiment_id, results.c.cached.is_(cached))
        .limit(1)
    )
    return found.first() is not None


def _is_cached(experiment_id: str, *, cached: bool) -> ColumnElement[bool]:
    return (
        select(literal(1))
        .where(
            results.c.experiment_id == experiment_id,
            results.c.sample == scores.c.sample,
            results.c.cached.is_(cached),
        )
        .exists()
    )


def _filtered(filters: Filters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.kind is not None:
        conditions.append(results.c.failure_kind == filters.kind)
    if filters.failed is not None:
        kind = results.c.failure_kind
        conditions.append(kind.is_not(None) if filters.failed else kind.is_(None))
    if filters.cached is not None:
        conditions.append(results.c.cached.is_(filters.cached))
    return conditions


def _ordered(
    query: Select[Any],
    key: ColumnElement[Any],
    sample: ColumnElement[int],
    order: Order,
    after: Place | None,
) -> Select[Any]:
    if after is not None:
        here = tuple_(literal(after.key), literal(after.sample))
        pair = tuple_(key, sample)
        query = query.where(pair < here if order.falling else pair > here)
    return query.order_by(_directed(key, order), _directed(sample, order))


def _directed(column: ColumnElement[Any], order: Order) -> ColumnElement[Any]:
    return column.desc() if order.falling else column.asc()


def _beyond(column: ColumnElement[int], value: int, order: Order) -> ColumnElement[bool]:
    return column < value if order.falling else column > value


def _read(
    connection: Connection, experiment_id: str, places: Sequence[Place]
) -> list[tuple[Place, Row[Any]]]:
    rows = connection.execute(
        select(results).where(
            results.c.experiment_id == experiment_id,
            results.c.sample.in_([place.sample for place in places]),
        )
    )
    by_sample = {row.sample: row for row in rows}
    return [(place, by_sample[place.sample]) for place in places]


def pairs(
    connection: Connection, experiment_a: str, experiment_b: str
) -> dict[str, dict[str, dict[int, float]]]:
    """Give every score of two experiments: by experiment, metric and sample."""
    found: dict[str, dict[str, dict[int, float]]] = {experiment_a: {}, experiment_b: {}}
    for row in connection.execute(
        select(scores).where(
            or_(scores.c.experiment_id == experiment_a, scores.c.experiment_id == experiment_b)
        )
    ):
        found[row.experiment_id].setdefault(row.metric, {})[row.sample] = row.value
    return found


def failed_samples(experiment_id: str) -> ColumnElement[bool]:
    """Say which results are failures of the experiment."""
    return and_(results.c.experiment_id == experiment_id, results.c.failure_kind.is_not(None))
