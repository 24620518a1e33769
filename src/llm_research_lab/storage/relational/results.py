"""A page of results costs the same anywhere in a million, in every order and under every filter.

Results fall into a few classes: cached or not, and failed of which kind. A filter is a choice of
classes; within a class every order is a range of an index; so a page is the merge of a few ranges,
found in an index alone and then read by sample.

An order is by a key and then by sample, both rising or both falling. Samples without the key (no
call answered, no such score) come last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, literal, select, tuple_

from llm_research_lab.storage.relational.tables import results, scores

Key = Literal["sample", "latency", "score"]
BOTH = (False, True)


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


class Place(NamedTuple):
    """After which result a page begins; `key` None is among those without the key."""

    key: float | None
    sample: int


class _Class(NamedTuple):
    """Results that ended alike; `kind` None is without failure."""

    cached: bool
    kind: str | None


def page(
    connection: Connection,
    experiment_id: str,
    order: Order,
    filters: Filters,
    *,
    after: Place | None,
    limit: int,
) -> list[tuple[Place, Row[Any]]]:
    """Give the next `limit` results in order, each with its place."""
    classes = list(_classes(connection, experiment_id, filters))
    places: list[Place] = []
    for ranges in _phases(experiment_id, order, filters, classes, after=after):
        if len(places) < limit:
            places += _merged(connection, ranges, order, limit - len(places))
    return _read(connection, experiment_id, places)


def _phases(
    experiment_id: str,
    order: Order,
    filters: Filters,
    classes: Sequence[_Class],
    *,
    after: Place | None,
) -> Iterator[Iterable[Select[Any]]]:
    """Give the ranges of those with the key, then of those without it."""
    if order.key == "sample":
        yield (_by_sample(experiment_id, one, order, after) for one in classes)
        return
    if after is None or after.key is not None:
        if order.key == "score":
            yield _by_score(experiment_id, order, filters, classes, after)
        else:
            yield (_by_latency(experiment_id, one, order, after) for one in classes)
        after = None
    if filters.least is not None or filters.most is not None:
        return  # a bound on the score leaves none of those without it
    if order.key == "score":
        failed = (one for one in classes if one.kind is not None)
        yield (_by_sample(experiment_id, one, order, after) for one in failed)
    else:
        without = results.c.latency_ms.is_(None)
        yield (_by_sample(experiment_id, one, order, after).where(without) for one in classes)


def _merged(
    connection: Connection, ranges: Iterable[Select[Any]], order: Order, limit: int
) -> list[Place]:
    """Take the first of all ranges together; a key that all lack does not order them."""
    found = [
        Place(row.key, row.sample) for one in ranges for row in connection.execute(one.limit(limit))
    ]
    found.sort(key=lambda place: (place.key or 0.0, place.sample), reverse=order.falling)
    return found[:limit]


def _by_sample(experiment_id: str, one: _Class, order: Order, after: Place | None) -> Select[Any]:
    sample = results.c.sample
    query = select(literal(None).label("key"), sample).where(*_in_class(experiment_id, one))
    if after is not None:
        query = query.where(sample < after.sample if order.falling else sample > after.sample)
    return query.order_by(_directed(sample, order))


def _by_latency(experiment_id: str, one: _Class, order: Order, after: Place | None) -> Select[Any]:
    latency = results.c.latency_ms
    query = select(latency.label("key"), results.c.sample).where(
        *_in_class(experiment_id, one), latency.is_not(None)
    )
    return _ordered(query, latency, results.c.sample, order, after)


def _by_score(
    experiment_id: str,
    order: Order,
    filters: Filters,
    classes: Sequence[_Class],
    after: Place | None,
) -> Iterator[Select[Any]]:
    """Whatever failed has no score, so only the classes without failure are here."""
    value = scores.c.value
    for cached in (one.cached for one in classes if one.kind is None):
        query = select(value.label("key"), scores.c.sample).where(
            scores.c.experiment_id == experiment_id,
            scores.c.metric == order.metric,
            scores.c.cached == literal(cached),
        )
        if filters.least is not None:
            query = query.where(value >= filters.least)
        if filters.most is not None:
            query = query.where(value <= filters.most)
        yield _ordered(query, value, scores.c.sample, order, after)


def _ordered(
    query: Select[Any],
    key: ColumnElement[Any],
    sample: ColumnElement[int],
    order: Order,
    after: Place | None,
) -> Select[Any]:
    if after is not None:
        here, pair = tuple_(literal(after.key), literal(after.sample)), tuple_(key, sample)
        query = query.where(pair < here if order.falling else pair > here)
    return query.order_by(_directed(key, order), _directed(sample, order))


def _directed(column: ColumnElement[Any], order: Order) -> ColumnElement[Any]:
    return column.desc() if order.falling else column.asc()


def _in_class(experiment_id: str, one: _Class) -> tuple[ColumnElement[bool], ...]:
    kind = results.c.failure_kind
    return (
        results.c.experiment_id == experiment_id,
        results.c.cached == literal(one.cached),
        kind.is_(None) if one.kind is None else kind == one.kind,
    )


def _classes(connection: Connection, experiment_id: str, filters: Filters) -> Iterator[_Class]:
    """Give the classes that the filters choose; kinds that are not named are looked up."""
    for cached in BOTH if filters.cached is None else (filters.cached,):
        if filters.failed is not True and filters.kind is None:
            yield _Class(cached, None)
        if filters.failed is not False:
            kinds = _kinds(connection, experiment_id, cached)
            yield from (_Class(cached, one) for one in kinds if filters.kind in (None, one))


def _kinds(connection: Connection, experiment_id: str, cached: bool) -> Iterator[str]:
    """Skip through the index from one kind of failure to the next: a step a kind, not a row."""
    kind = results.c.failure_kind
    query = (
        select(kind)
        .where(results.c.experiment_id == experiment_id, results.c.cached == literal(cached))
        .order_by(kind)
        .limit(1)
    )
    found = connection.scalar(query.where(kind.is_not(None)))
    while found is not None:
        yield found
        found = connection.scalar(query.where(kind > found))


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


class Score(NamedTuple):
    """One score, at its place in the table."""

    cached: bool
    value: float
    sample: int


def scores_of(
    connection: Connection, experiment_id: str, metric: str, *, after: Score | None, limit: int
) -> list[Score]:
    """Give the next scores of a metric, in the table's own order."""
    keys = (scores.c.cached, scores.c.value, scores.c.sample)
    query = select(*keys).where(scores.c.experiment_id == experiment_id, scores.c.metric == metric)
    if after is not None:
        query = query.where(tuple_(*keys) > tuple_(*(literal(part) for part in after)))
    return [Score(*row) for row in connection.execute(query.order_by(*keys).limit(limit))]
