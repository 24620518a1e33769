"""An aggregation gathers series into groups by their labels, and answers one series a group.

What chooses (topk, bottomk, limitk, limit_ratio) keeps the series as they are.

Source: Prometheus, promql/engine.go (rangeEvalAgg, aggregation, aggregationK), docs/querying.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from llm_research_lab.promql import totals
from llm_research_lab.promql.errors import ExpressionError
from llm_research_lab.promql.floats import format_float
from llm_research_lab.promql.frames import bare
from llm_research_lab.promql.hashing import hash_of
from llm_research_lab.promql.naming import NOT_UTF_8, empty_block, is_label_name, kept, rows
from llm_research_lab.promql.nodes import Aggregation
from llm_research_lab.promql.places import place
from llm_research_lab.promql.ranking import ranked
from llm_research_lab.promql.values import (
    Annotations,
    Block,
    Flags,
    Floats,
    Options,
    ScalarValue,
    StringValue,
)
from llm_research_lab.vocabulary.labels import METRIC_NAME, Labels, labels_of, only, without

INT64 = float(1 << 63)
HASHES = float((1 << 64) - 1)


@dataclass(frozen=True, slots=True)
class _Work:
    """What an aggregation works on. `groups` [S]: each row's number among `keys`."""

    expr: Aggregation
    block: Block
    param: ScalarValue | StringValue | None
    options: Options
    notes: Annotations
    keys: tuple[Labels, ...]
    groups: np.ndarray

    @property
    def steps(self) -> int:
        """How many instants."""
        return int(self.block.values.shape[1])

    def numbers(self) -> Floats:
        """Give the parameter, a number per instant."""
        return self.param.values if isinstance(self.param, ScalarValue) else np.empty(0)

    def members(self) -> list[list[int]]:
        """Give the rows of each group."""
        found: list[list[int]] = [[] for _ in self.keys]
        for row, group in enumerate(self.groups.tolist()):
            found[group].append(row)
        return found

    def warn(self, law: str, number: float, rest: str) -> None:
        """Warn of a parameter, at its place."""
        at = place(self.options.text, _param_start(self.expr))
        self.notes.warn(f"PromQL warning: {law}, got {format_float(number, 'g')}{rest} ({at})")

    def error(self, expected: str, got: str) -> ExpressionError:
        """Make the error at the aggregation's place."""
        where = place(self.options.text, self.expr.span.start)
        return ExpressionError(where, expected, got, "mend the parameter")


def aggregate(
    expr: Aggregation,
    block: Block,
    param: ScalarValue | StringValue | None,
    options: Options,
    notes: Annotations,
) -> Block:
    """Answer the aggregation at every instant. Raises ExpressionError for a bad parameter."""
    if expr.op == "count_values":
        return _count_values(expr, block, param, options)
    keys: dict[Labels, int] = {}
    grouped = [keys.setdefault(_key(expr, one), len(keys)) for one in block.labels]
    groups = np.array(grouped, dtype=np.int64)
    work = _Work(expr, block, param, options, notes, tuple(keys), groups)
    if expr.op in CHOOSING:
        return CHOOSING[expr.op](work)
    values = np.zeros((len(keys), work.steps))
    GATHERING[expr.op](work, values)
    present = np.zeros(values.shape, dtype=np.bool_)
    for group, members in enumerate(work.members()):
        present[group] = block.present[members].any(axis=0)
    return kept(Block(work.keys, values, present, _marks(block, work.members())))


def _key(expr: Aggregation, labels: Labels) -> Labels:
    """Give the labels of the group that the series belongs to."""
    if expr.without:
        return without(labels, (METRIC_NAME, *expr.grouping))
    return only(labels, expr.grouping)


def _marks(block: Block, members: list[list[int]]) -> tuple[bool, ...] | None:
    marks = block.drop_name
    return None if marks is None else tuple(any(marks[row] for row in one) for one in members)


# ── One series a group ─────────────────────────────────────────────────────────────────────────


def _sum(work: _Work, out: Floats) -> None:
    kahan = work.options.compat != 2  # noqa: PLR2004
    totals.sums(work.block.values, work.block.present, work.groups, out, kahan)


def _avg(work: _Work, out: Floats) -> None:
    kernel = totals.plain_means if work.options.compat == 2 else totals.means  # noqa: PLR2004
    kernel(work.block.values, work.block.present, work.groups, out)


def _min(work: _Work, out: Floats) -> None:
    totals.extremes(work.block.values, work.block.present, work.groups, out, -1.0)


def _max(work: _Work, out: Floats) -> None:
    totals.extremes(work.block.values, work.block.present, work.groups, out, 1.0)


def _count(work: _Work, out: Floats) -> None:
    for group, members in enumerate(work.members()):
        out[group] = work.block.present[members].sum(axis=0)


def _group(work: _Work, out: Floats) -> None:
    del work
    out[:] = 1.0


def _stdvar(work: _Work, out: Floats) -> None:
    strict = work.options.compat != 2  # noqa: PLR2004
    totals.variances(work.block.values, work.block.present, work.groups, out, strict)


def _stddev(work: _Work, out: Floats) -> None:
    _stdvar(work, out)
    np.sqrt(out, out)


def _quantile(work: _Work, out: Floats) -> None:
    phis = work.numbers()
    for group, members in enumerate(work.members()):
        values, present = work.block.values[members], work.block.present[members]
        totals.quantile_rows(values, present, phis, out[group])
        work.options.check()
    if work.options.compat == 3:  # noqa: PLR2004
        for phi in _outside(phis, 0.0):
            work.warn("quantile value should be between 0 and 1", phi, "")


def _outside(numbers: Floats, least: float) -> list[float]:
    """Give NaN where there is one, or what lies furthest below `least` and above one."""
    if np.isnan(numbers).any():
        return [math.nan]
    lowest, highest = float(numbers.min()), float(numbers.max())
    return [highest] * (highest > 1) + [lowest] * (lowest < least)


def _param_start(expr: Aggregation) -> int:
    return expr.span.start if expr.param is None else expr.param.span.start


GATHERING: Mapping[str, Callable[[_Work, Floats], None]] = {
    "sum": _sum,
    "avg": _avg,
    "min": _min,
    "max": _max,
    "count": _count,
    "group": _group,
    "stddev": _stddev,
    "stdvar": _stdvar,
    "quantile": _quantile,
}


# ── Choosing among a group's series ────────────────────────────────────────────────────────────


def _whole(work: _Work) -> np.ndarray:
    """Read the parameter as whole numbers. Raises ExpressionError for what is none.

    Version 3 does not look closer where nothing is asked for at any instant.
    """
    numbers = work.numbers()
    if work.options.compat == 3 and (numbers < 1).all():  # noqa: PLR2004
        return np.zeros(numbers.shape, dtype=np.int64)
    if np.isnan(numbers).any() and work.options.compat == 3:  # noqa: PLR2004
        raise work.error("a number", "Parameter value is NaN")
    bad = numbers[~((numbers < INT64) & (numbers >= -INT64))]
    if len(bad):
        got = f"Scalar value {format_float(float(bad[0]), 'g')} overflows int64"
        raise work.error("a number that 64 bits hold", got)
    return numbers.astype(np.int64)


def _chosen(work: _Work, keep: Flags, order: list[int] | None = None) -> Block:
    """Keep the samples; the answer of one instant is in `order`."""
    block = work.block
    answer = Block(block.labels, block.values, block.present & keep, block.drop_name)
    if order is not None and work.steps == 1:
        return rows(answer, order)
    return kept(answer)


def _ranked(work: _Work, sign: float) -> Block:
    if not work.keys:
        return empty_block(work.steps)
    k, block = _whole(work), work.block
    keep = np.zeros(block.present.shape, dtype=np.bool_)
    order: list[int] = []
    popping = work.options.compat == 2  # noqa: PLR2004
    for members in work.members():
        mine = np.zeros((len(members), work.steps), dtype=np.bool_)
        places = np.full(len(members), -1, dtype=np.int64)
        ranked(block.values[members], block.present[members], k, sign, popping, mine, places)
        keep[members] = mine
        order += [members[one] for one in places.tolist() if one >= 0]
        work.options.check()
    return _chosen(work, keep, order)


def _topk(work: _Work) -> Block:
    return _ranked(work, 1.0)


def _bottomk(work: _Work) -> Block:
    return _ranked(work, -1.0)


def _limitk(work: _Work) -> Block:
    """Keep the first k series of each group that are present."""
    k = _whole(work)
    keep = np.zeros(work.block.present.shape, dtype=np.bool_)
    for members in work.members():
        keep[members] = np.cumsum(work.block.present[members], axis=0) <= k
    return _chosen(work, keep)


def _limit_ratio(work: _Work) -> Block:
    """Keep a share of the series by their hash; a negative ratio keeps the others."""
    ratios = work.numbers()
    if np.isnan(ratios).any():
        raise work.error("a ratio", "Ratio value is NaN")
    for ratio in _outside(ratios, -1.0):
        work.warn(
            "ratio value should be between -1 and 1",
            ratio,
            f", capping to {1 if ratio > 0 else -1}",
        )
    ratios = np.clip(ratios, -1, 1)
    places = np.array([hash_of(one) / HASHES for one in work.block.labels])[:, np.newaxis]
    keep = np.where(ratios >= 0, places < ratios, places >= 1 + ratios)
    return _chosen(work, keep)


CHOOSING: Mapping[str, Callable[[_Work], Block]] = {
    "topk": _topk,
    "bottomk": _bottomk,
    "limitk": _limitk,
    "limit_ratio": _limit_ratio,
}


# ── Counting values ────────────────────────────────────────────────────────────────────────────


def _count_values(
    expr: Aggregation, block: Block, param: ScalarValue | StringValue | None, options: Options
) -> Block:
    """Count the samples of each value; the value becomes a label."""
    name = param.value if isinstance(param, StringValue) else ""
    if not is_label_name(name, options):
        where = place(options.text, expr.span.start)
        got = f'invalid label name "{_as_written(expr, name, options)}"'
        raise ExpressionError(where, "a label's name", got, "mend the parameter")
    counts: dict[Labels, Floats] = {}
    marks: dict[Labels, bool] = {}
    for row, labels in enumerate(block.labels):
        there = block.present[row]
        columns: dict[str, list[int]] = defaultdict(list)
        for step in np.flatnonzero(there).tolist():
            columns[format_float(float(block.values[row, step]))].append(step)
        for text, steps in columns.items():
            key = _key_of_value(expr, labels, name, text)
            counts.setdefault(key, np.zeros(there.shape[0]))[steps] += 1
            marks[key] = marks.get(key, False) or bool(block.drop_name and block.drop_name[row])
        options.check()
    if not counts:
        return empty_block(block.values.shape[1])
    values = np.stack(list(counts.values()))
    flags = None if block.drop_name is None else tuple(marks.values())
    return Block(tuple(counts), values, values > 0, flags)


def _as_written(expr: Aggregation, name: str, options: Options) -> str:
    """The name, or what stands for it in the text where that is not UTF-8."""
    inside = expr.param and bare(expr.param)
    if NOT_UTF_8 not in name or not options.text or inside is None:
        return name
    return options.text[inside.span.start + 1 : inside.span.end - 1]


def _key_of_value(expr: Aggregation, labels: Labels, name: str, text: str) -> Labels:
    enhanced = labels_of({**dict(labels), name: text})
    if expr.without:
        return without(enhanced, (METRIC_NAME, *expr.grouping))
    return only(enhanced, (*expr.grouping, name))
