"""Our answer and Prometheus's in one shape, and what differs between them."""

from __future__ import annotations

import math

import numpy as np

from llm_research_lab.promql import evaluate, needs, parse
from llm_research_lab.promql.values import Block, Grid, Options, ScalarValue
from llm_research_lab.vocabulary import LabError

RELATIVE = 1e-9


def ours(store, text, grid, options=Options(compat=2)):  # noqa: B008 - a frozen value
    """`None` for an error, else `{labels: {time: value}}`, `(labels, …)` in order."""
    try:
        renamed = text.replace("holt_winters", "double_exponential_smoothing")  # as of version 3
        expr = parse(renamed, experimental=True)
        fetched = {
            need: store.select(need.matchers, need.from_ms, need.to_ms)
            for need in needs(expr, grid, options)
        }
        answer = evaluate(expr, grid, fetched, options)
    except LabError as error:
        return None, str(error)
    value = answer.value
    times = grid.times.tolist()
    if isinstance(value, ScalarValue):
        return {(): dict(zip(times, value.values.tolist(), strict=True))}, ""
    assert isinstance(value, Block)
    found = {}
    for labels, values, present in zip(value.labels, value.values, value.present, strict=True):
        assert labels not in found, f"twice: {labels}"
        found[labels] = {times[i]: float(values[i]) for i in np.flatnonzero(present)}
    return found, ""


def theirs(server, text, grid):
    """The same of Prometheus."""
    if grid.step_ms:
        answer = server.ask(
            "query_range",
            query=text,
            start=grid.start_ms / 1000,
            end=grid.end_ms / 1000,
            step=grid.step_ms / 1000,
        )
    else:
        answer = server.ask("query", query=text, time=grid.start_ms / 1000)
    if answer["status"] != "success":
        return None, answer["error"]
    data = answer["data"]
    if data["resultType"] == "scalar":
        return {(): {grid.start_ms: float(data["result"][1])}}, ""
    found = {}
    for one in data["result"]:
        samples = one["values"] if "values" in one else [one["value"]]
        labels = tuple(sorted(one["metric"].items()))
        found[labels] = {round(time * 1000): float(value) for time, value in samples}
    return found, ""


def same(one, other):
    """Equal to `RELATIVE`; NaN equals NaN."""
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    if one == other:
        return True
    if math.isinf(one) or math.isinf(other):
        return False
    return abs(one - other) <= RELATIVE * max(abs(one), abs(other))


def differences(mine, told):
    """What differs, at most ten lines; nothing when the answers agree."""
    if mine is None or told is None:
        return [] if mine is told else [f"ours {mine is not None}, theirs {told is not None}"]
    lines = [f"only ours: {labels}" for labels in mine.keys() - told.keys()]
    lines += [f"only theirs: {labels}" for labels in told.keys() - mine.keys()]
    for labels in mine.keys() & told.keys():
        a, b = mine[labels], told[labels]
        for time in sorted(a.keys() | b.keys()):
            if time not in a or time not in b or not same(a[time], b[time]):
                lines.append(f"{labels} at {time}: ours {a.get(time)}, theirs {b.get(time)}")
                break
    return lines[:10]


def grids(world):
    """Grids to ask a world on: instants, and ranges with steps that do and do not fit the scrapes."""
    length = world.end_ms - world.start_ms
    middle = world.start_ms + length // 2
    return [
        Grid(middle, middle, 0),
        Grid(middle + 1, middle + 1, 0),
        Grid(world.start_ms, world.end_ms, 60_000),
        Grid(world.start_ms + 7_000, world.end_ms + 400_000, 37_000),
        Grid(middle, middle + 600_000, 15_000),
    ]
