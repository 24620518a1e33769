"""Answers have Prometheus's shapes: values as text, instants as seconds, NaN and Inf by name."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from starlette.responses import Response

from llm_research_lab.promql.values import (
    Answer,
    Block,
    RangeValue,
    ScalarValue,
    StringValue,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llm_research_lab.commands.metrics.engine import Told
    from llm_research_lab.promql.values import Grid
    from llm_research_lab.vocabulary import LabError
    from llm_research_lab.vocabulary.labels import Labels

_TYPES = {
    "bad-expression": "bad_data",
    "invalid": "bad_data",
    "query-limit": "execution",
    "query-failed": "execution",
    "query-timeout": "timeout",
    "query-cancelled": "canceled",
    "not-found": "not_found",
    "unavailable": "unavailable",
    "too-large": "bad_data",
}
_STATUS = {
    "bad_data": 400,
    "execution": 422,
    "timeout": 503,
    "canceled": 503,
    "not_found": 404,
    "unavailable": 503,
    "internal": 500,
}
PLAIN_FROM, PLAIN_BELOW = 1e-6, 1e21
"""Without an exponent in between. Source: prometheus/prometheus, util/jsonutil, MarshalFloat."""

_NAMED = {math.inf: "+Inf", -math.inf: "-Inf"}


def number(value: float) -> str:
    """Write a sample's value as Prometheus does: shortest, exponents as Go writes them."""
    if value != value:  # noqa: PLR0124 - NaN
        return "NaN"
    if value in _NAMED:
        return _NAMED[value]
    if value == int(value) and abs(value) < 1e15:  # noqa: PLR2004 - exact in decimal digits
        return "-0" if value == 0 and math.copysign(1, value) < 0 else str(int(value))
    text = repr(float(value))  # numpy names its type; turns to exponents at 1e16 and 1e-4 already
    if "e" in text and PLAIN_FROM <= abs(value) < PLAIN_BELOW:
        return format(Decimal(text), "f")
    return text.removesuffix(".0")


def seconds(instant_ms: int) -> float | int:
    """Write an instant as seconds, whole ones without a point."""
    whole, rest = divmod(instant_ms, 1000)
    return whole if rest == 0 else instant_ms / 1000


def success(
    data: Any, warnings: Sequence[str] = (), infos: Sequence[str] = (), status: int = 200
) -> Response:
    """Answer with data."""
    body: dict[str, Any] = {"status": "success", "data": data}
    if warnings:
        body["warnings"] = list(warnings)
    if infos:
        body["infos"] = list(infos)
    return Response(orjson.dumps(body), status, media_type="application/json")


def failure(error: LabError) -> Response:
    """Answer with an error: Prometheus's type and status, our four parts as its text."""
    kind = _TYPES.get(error.slug, "internal")
    body = {"status": "error", "errorType": kind, "error": str(error)}
    return Response(orjson.dumps(body), _STATUS[kind], media_type="application/json")


def value_of(answer: Answer, grid: Grid, *, as_range: bool) -> dict[str, Any]:
    """Give ``resultType`` and ``result``."""
    value, times = answer.value, [seconds(one) for one in grid.times.tolist()]
    match value:
        case StringValue():
            return {"resultType": "string", "result": [times[0], value.value]}
        case ScalarValue() if not as_range:
            return {"resultType": "scalar", "result": [times[0], number(value.values[0])]}
        case ScalarValue():
            pairs = [[t, number(v)] for t, v in zip(times, value.values.tolist(), strict=True)]
            return {"resultType": "matrix", "result": [{"metric": {}, "values": pairs}]}
        case RangeValue():
            return {"resultType": "matrix", "result": [_range(one) for one in value.series]}
        case Block() if as_range:
            return {"resultType": "matrix", "result": list(_matrix(value, times))}
        case Block():
            return {"resultType": "vector", "result": list(_vector(value, times[0]))}


def stats_of(told: Told) -> dict[str, Any]:
    """Give Prometheus's ``stats``: seconds by phase, samples read."""
    return {
        "timings": {
            "evalTotalTime": told.prepare_seconds + told.evaluate_seconds,
            "queryPreparationTime": told.prepare_seconds,
            "innerEvalTime": told.evaluate_seconds,
            "resultSortTime": 0,
            "execQueueTime": 0,
            "execTotalTime": told.prepare_seconds + told.evaluate_seconds,
        },
        "samples": {
            "totalQueryableSamples": told.answer.samples,
            "peakSamples": told.answer.samples,
        },
    }


def _vector(block: Block, time: float) -> Iterable[dict[str, Any]]:
    for labels, value, present in zip(
        block.labels, block.values[:, 0].tolist(), block.present[:, 0].tolist(), strict=True
    ):
        if present:
            yield {"metric": dict(labels), "value": [time, number(value)]}


def _matrix(block: Block, times: list[float]) -> Iterable[dict[str, Any]]:
    order = sorted(range(len(block.labels)), key=lambda row: block.labels[row])
    for row in order:
        there = np.flatnonzero(block.present[row]).tolist()
        values = block.values[row].tolist()
        yield {
            "metric": dict(block.labels[row]),
            "values": [[times[i], number(values[i])] for i in there],
        }


def _range(one: Any) -> dict[str, Any]:
    labels: Labels = one.labels
    pairs = zip(one.times.tolist(), one.values.tolist(), strict=True)
    return {"metric": dict(labels), "values": [[seconds(t), number(v)] for t, v in pairs]}
