"""Results are read a page at a time, in any order; two experiments are compared as wholes."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, get_args

from sqlalchemy import Connection, Row

from llm_research_lab.commands import views
from llm_research_lab.commands.access import require
from llm_research_lab.commands.lab import Lab
from llm_research_lab.commands.paging import Page, cursor_of, cut, read_cursor
from llm_research_lab.experiments.comparing import comparable, compare
from llm_research_lab.experiments.read import specification_from_json
from llm_research_lab.experiments.result import FailureKind
from llm_research_lab.experiments.specification import SEED, TERMINAL
from llm_research_lab.security import Caller
from llm_research_lab.storage.relational import experiments
from llm_research_lab.storage.relational import results as stored
from llm_research_lab.storage.relational.results import Filters, Order, Place, Score
from llm_research_lab.vocabulary import ConflictError, Finding, InvalidError, canonical

SLICE = 20_000
"""Scores of one read: some tens of milliseconds."""

KINDS: tuple[str, ...] = get_args(FailureKind)


async def results(
    lab: Lab,
    caller: Caller,
    experiment_id: str,
    page: Page,
    sort: str = "sample",
    *,
    failed: bool | None = None,
    kind: str | None = None,
    cached: bool | None = None,
    least: float | None = None,
    most: float | None = None,
) -> dict[str, Any]:
    """List results by ``sample``, ``latency`` or a metric; ``-`` before it is falling.

    `least` and `most` bound the score that is sorted by.
    """
    await require(lab, caller, "experiments.read", "experiment", experiment_id)
    filters = Filters(failed, kind, cached, least, most)
    name = canonical(["results", experiment_id, sort, failed, kind, cached, least, most]).decode()
    mark = read_cursor(page.cursor, name, (float, type(None)), int)
    after = Place(*mark) if mark else None

    def read(connection: Connection) -> list[tuple[Place, Row[Any]]]:
        order = _order(sort, _metrics(experiments.get(connection, experiment_id)))
        _check(order, filters)
        return stored.page(
            connection, experiment_id, order, filters, after=after, limit=page.limit + 1
        )

    rows = await lab.database.read(read)
    return cut(
        rows,
        page,
        lambda found: views.result(found[1]),
        lambda found: cursor_of(name, found[0].key, found[0].sample),
    )


async def comparison(lab: Lab, caller: Caller, a: str, b: str) -> dict[str, Any]:
    """Compare two ended experiments on one dataset, sample by sample, off the event loop.

    Raises ConflictError with the reason when that cannot be done.
    """
    await require(lab, caller, "experiments.read", "experiment", a)
    await require(lab, caller, "experiments.read", "experiment", b)
    row_a, row_b = await lab.database.read(lambda c: _pair(c, a, b))
    scores_a, scores_b = await _scores(lab, row_a), await _scores(lab, row_b)
    await lab.database.read(lambda c: _pair(c, a, b))  # still ended: nothing of it has changed
    metrics = await asyncio.to_thread(compare, scores_a, scores_b, SEED)
    return {
        "a": {"id": a, "name": row_a.name},
        "b": {"id": b, "name": row_b.name},
        "dataset": specification_from_json(row_a.specification).dataset,
        "metrics": metrics,
    }


async def _scores(lab: Lab, row: Row[Any]) -> dict[str, dict[int, float]]:
    """Read every score of an ended experiment, by metric and sample: many reads, none long."""
    found: dict[str, dict[int, float]] = {}
    for metric in _metrics(row):
        found[metric] = {}
        last: Score | None = None
        while True:
            some = await lab.database.read(partial(_slice, row.id, metric, last))
            found[metric].update((one.sample, one.value) for one in some)
            if len(some) < SLICE:
                break
            last = some[-1]
    return found


def _slice(
    experiment_id: str, metric: str, last: Score | None, connection: Connection
) -> list[Score]:
    return stored.scores_of(connection, experiment_id, metric, after=last, limit=SLICE)


def _pair(connection: Connection, a: str, b: str) -> list[Row[Any]]:
    rows = [experiments.get(connection, one) for one in (a, b)]
    for row in rows:
        if row.status not in TERMINAL:
            raise _incomparable(row.id, f"it is {row.status}", "wait for its end, or cancel it")
    digest_a, digest_b = (experiments.dataset_digest(connection, row) for row in rows)
    reason = comparable(digest_a, digest_b)
    if reason is not None:
        raise _incomparable(f"{a} and {b}", reason, "compare experiments on one dataset")
    return rows


def _incomparable(what: str, reason: str, fix: str) -> ConflictError:
    return ConflictError(
        f"experiment {what}", "two ended experiments on the same dataset", reason, fix
    )


def _metrics(row: Row[Any]) -> list[str]:
    return [one.metric for one in specification_from_json(row.specification).evaluators]


def _order(sort: str, metrics: list[str]) -> Order:
    name = sort.removeprefix("-")
    falling = name != sort
    if name == "sample":
        return Order("sample", falling=falling)
    if name == "latency":
        return Order("latency", falling=falling)
    if name in metrics:
        return Order("score", name, falling=falling)
    words = ", ".join(("sample", "latency", *metrics))
    raise _wrong("sort", f"one of {words}; - before it is falling", repr(sort[:60]))


def _check(order: Order, filters: Filters) -> None:
    """Refuse what would quietly filter nothing."""
    if filters.kind is not None and filters.kind not in KINDS:
        raise _wrong("kind", f"one of {', '.join(KINDS)}", repr(filters.kind[:60]))
    bounded = "least" if filters.least is not None else "most" if filters.most is not None else None
    if bounded is not None and order.key != "score":
        raise _wrong(bounded, "sort by the metric that it bounds", f"sort={order.key}")


def _wrong(parameter: str, expected: str, got: str) -> InvalidError:
    where, fix = f"query parameter {parameter}", "mend it, or leave it out"
    return InvalidError(where, expected, got, fix, (Finding(where, expected, f"got {got}", fix),))
