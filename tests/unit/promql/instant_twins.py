"""Operators and aggregations at one instant, written plainly: what the fast ones are held to.

A vector is a dict of labels to a value. Source: Prometheus, promql/engine.go.
"""

from __future__ import annotations

import math
import operator

from llm_research_lab.promql.hashing import hash_of
from llm_research_lab.vocabulary.labels import METRIC_NAME, labels_of, only, without

NAN, INF = math.nan, math.inf
COMPARED = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


class RefusedError(Exception):
    """The vectors do not fit together."""


def divided(a, b):
    if b == 0:
        return NAN if a == 0 or math.isnan(a) else math.copysign(INF, a) * math.copysign(1, b)
    return a / b


def remainder(a, b):
    return NAN if math.isinf(a) or b == 0 else math.fmod(a, b)


COMPUTED = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": divided,
    "%": remainder,
    "atan2": math.atan2,
}


def of_two(op, a, b, boolean):
    """The value, and whether it stays."""
    if op in COMPUTED:
        return COMPUTED[op](a, b), True
    holds = COMPARED[op](a, b)
    return (float(holds), True) if boolean else (a, holds)


def signature(labels, matching):
    if matching.on:
        return only(labels, matching.labels)
    return without(labels, (METRIC_NAME, *matching.labels))


def result_labels(many, one, op, boolean, matching):
    labels = dict(many)
    if op in COMPUTED or boolean:
        labels.pop(METRIC_NAME, None)
    if matching.card == "one-to-one":
        gone = [n for n in labels if (n in matching.labels) != matching.on]
        labels = {n: v for n, v in labels.items() if n not in gone}
    for name in matching.include:
        labels[name] = dict(one).get(name, "")
    return labels_of(labels)


def put(result, labels, value):
    if labels in result:
        raise RefusedError
    result[labels] = value


def join(op, left, right, boolean, matching):
    if not left or not right:
        return {}
    swapped = matching.card == "one-to-many"
    many, one = (right, left) if swapped else (left, right)
    ones = {}
    for labels, value in one.items():
        put(ones, signature(labels, matching), (labels, value))
    result, seen = {}, set()
    for labels, value in many.items():
        key = signature(labels, matching)
        if key not in ones:
            continue
        partner, other = ones[key]
        got, stays = of_two(op, *((other, value) if swapped else (value, other)), boolean)
        if not stays:
            continue
        made = result_labels(labels, partner, op, boolean, matching)
        mark = key if matching.card == "one-to-one" else (key, made)
        if mark in seen:
            raise RefusedError
        seen.add(mark)
        put(result, made, got)
    return result


def sets(op, left, right, matching):
    theirs = {signature(labels, matching) for labels in right}
    mine = {signature(labels, matching) for labels in left}
    if op == "or":
        result = dict(left)
        for labels, value in right.items():
            if signature(labels, matching) not in mine:
                put(result, labels, value)
        return result
    return {k: v for k, v in left.items() if (signature(k, matching) in theirs) == (op == "and")}


def kahan(values):
    total = rest = 0.0
    for at, value in enumerate(values):
        new = value if at == 0 else total + value
        if at and math.isinf(new):
            rest = 0.0
        elif at:
            rest += (total - new) + value if abs(total) >= abs(value) else (value - new) + total
        total = new
    return total, rest


def summed(values, compat):
    if compat == 3:
        total, rest = kahan(values)
        return total + rest
    total = values[0]
    for value in values[1:]:
        total += value
    return total


def deviation(values, compat):
    mean, squares = values[0], 0.0
    if compat == 3 and not math.isfinite(mean):
        squares = NAN
    for count, value in enumerate(values[1:], 2):
        delta = value - mean
        mean += delta / count
        squares += delta * (value - mean)
    return squares / len(values)


def extreme(values, sign):
    best = values[0]
    for value in values[1:]:
        if sign * value > sign * best or math.isnan(best):
            best = value
    return best


def quantile(phi, values):
    if math.isnan(phi):
        return NAN
    if not 0 <= phi <= 1:
        return math.copysign(INF, phi)
    values = sorted(values, key=lambda v: (not math.isnan(v), 0 if math.isnan(v) else v))
    rank = phi * (len(values) - 1)
    low = math.floor(rank)
    weight = rank - low
    return values[low] * (1 - weight) + values[min(len(values) - 1, low + 1)] * weight


GATHER = {
    "sum": lambda values, phi, compat: summed(values, compat),
    "min": lambda values, phi, compat: extreme(values, -1),
    "max": lambda values, phi, compat: extreme(values, 1),
    "count": lambda values, phi, compat: float(len(values)),
    "group": lambda values, phi, compat: 1.0,
    "stdvar": lambda values, phi, compat: deviation(values, compat),
    "stddev": lambda values, phi, compat: math.sqrt(deviation(values, compat)),
    "quantile": lambda values, phi, compat: quantile(phi, values),
}


def group_of(labels, grouping, no):
    return without(labels, (METRIC_NAME, *grouping)) if no else only(labels, grouping)


def groups(vector, grouping, no):
    found = {}
    for labels, value in vector.items():
        found.setdefault(group_of(labels, grouping, no), []).append((labels, value))
    return found


def gather(  # noqa: PLR0917 - what an aggregation has
    op, vector, grouping, no, param, compat
):
    return {
        key: GATHER[op]([value for _, value in members], param, compat)
        for key, members in groups(vector, grouping, no).items()
    }


def choose(op, vector, grouping, no, param):
    result = {}
    for members in groups(vector, grouping, no).values():
        if op == "limitk":
            kept = members[: max(int(param), 0)]
        elif op == "limit_ratio":
            shares = [(hash_of(labels) / (2**64 - 1), labels, value) for labels, value in members]
            kept = [
                (labels, value)
                for share, labels, value in shares
                if (share < param if param >= 0 else share >= 1 + param)
            ]
        else:
            sign = -1 if op == "topk" else 1
            worth = sorted(
                members, key=lambda m: (math.isnan(m[1]), 0 if math.isnan(m[1]) else sign * m[1])
            )
            kept = worth[: max(int(param), 0)]
        result.update(kept)
    return result
