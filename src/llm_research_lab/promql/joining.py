"""Two vectors meet by their labels: each series finds its partner, or the one of its group.

Series are matched once, by labels; which of them are present is looked at per instant, and so are
the errors: two series of one group on the "one" side are an error only where both are present.

Source: Prometheus, promql/engine.go (VectorBinop, resultMetric).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from llm_research_lab.promql.arithmetic import COMPARISON, computed, drops_name
from llm_research_lab.promql.errors import ExpressionError
from llm_research_lab.promql.naming import METADATA_LABELS, distinct, empty_block, kept
from llm_research_lab.promql.nodes import Binary, Matching
from llm_research_lab.promql.places import place
from llm_research_lab.promql.printing import print_labels
from llm_research_lab.promql.values import Block, Flags, Floats, Options
from llm_research_lab.vocabulary.labels import Labels, only, without


def by_signature(block: Block, matching: Matching, compat: int) -> dict[Labels, list[int]]:
    """Give the rows of each signature: the labels that two series must have in common."""
    groups: dict[Labels, list[int]] = defaultdict(list)
    ignored = (*METADATA_LABELS[compat], *matching.labels)
    for row, labels in enumerate(block.labels):
        key = only(labels, matching.labels) if matching.on else without(labels, ignored)
        groups[key].append(row)
    return groups


@dataclass(frozen=True, slots=True)
class _Pair:
    """One series of each side, its values and where both are present; None for a filled side."""

    many: Labels | None
    one: Labels | None
    left: Floats
    right: Floats
    present: Flags


@dataclass(slots=True)
class _Join:
    """One meeting of two vectors."""

    expr: Binary
    matching: Matching
    options: Options

    def pairs(self, many: Block, one: Block) -> dict[Labels, list[_Pair]]:
        """Pair the rows of each signature; raises where the "one" side is two."""
        compat = self.options.compat
        ones = by_signature(one, self.matching, compat)
        manys = by_signature(many, self.matching, compat)
        found: dict[Labels, list[_Pair]] = {}
        looked_at = self._looked_at(many)
        for key in dict.fromkeys((*manys, *ones)):
            mine, theirs = manys.get(key, []), ones.get(key, [])
            self._check_one(one, theirs, key, looked_at)
            found[key] = [
                *(self._pair(many, row, one, other) for row in mine for other in theirs),
                *self._filled(many, mine, one, theirs, key),
            ]
        return found

    def _pair(self, many: Block, row: int, one: Block, other: int) -> _Pair:
        left, right = many.values[row], one.values[other]
        if self.matching.card == "one-to-many":
            left, right = right, left
        present = many.present[row] & one.present[other]
        return _Pair(many.labels[row], one.labels[other], left, right, present)

    def _filled(
        self, many: Block, mine: list[int], one: Block, theirs: list[int], key: Labels
    ) -> list[_Pair]:
        """Pair what has no partner with the value that fills it.

        With group_right too, fill_left is the "many" side's value.
        Source: Prometheus, promql/engine.go, VectorBinop (the sides are swapped, the fills not).
        """
        swapped = self.matching.card == "one-to-many"
        fill_many, fill_one = self.matching.fill_left, self.matching.fill_right
        found = []
        if fill_one is not None:
            partner = one.present[theirs].any(axis=0)
            filling = np.full(many.values.shape[1], fill_one)
            for row in mine:
                sides = many.values[row], filling
                left, right = sides[::-1] if swapped else sides
                alone = many.present[row] & ~partner
                found.append(_Pair(many.labels[row], None, left, right, alone))
        if fill_many is not None:
            partner = many.present[mine].any(axis=0)
            filling = np.full(one.values.shape[1], fill_many)
            for row in theirs:
                sides = filling, one.values[row]
                left, right = sides[::-1] if swapped else sides
                alone = one.present[row] & ~partner
                found.append(_Pair(key, one.labels[row], left, right, alone))
        return found

    def _looked_at(self, many: Block) -> Flags:
        """Where the sides meet at all, [T]: an empty one is not matched unless it is filled."""
        if self.matching.fill_left is not None or self.matching.fill_right is not None:
            return np.ones(many.values.shape[1], dtype=np.bool_)
        return np.asarray(many.present.any(axis=0))

    def _check_one(self, one: Block, rows: list[int], key: Labels, looked_at: Flags) -> None:
        if len(rows) > 1 and ((one.present[rows].sum(axis=0) > 1) & looked_at).any():
            side = "left" if self.matching.card == "one-to-many" else "right"
            first, second = (print_labels(one.labels[row]) for row in rows[:2])
            group = print_labels(key)
            raise self._error(
                f"found duplicate series for the match group {group} on the {side} hand-side "
                f"of the operation: [{first}, {second}];many-to-many matching not allowed: "
                "matching labels must be unique on one side"
            )

    def check_unique(self, pairs: list[tuple[Labels, Flags]]) -> None:
        """Refuse two results of one signature that cannot be told apart at an instant."""
        if len(pairs) < 2:  # noqa: PLR2004
            return
        if self.matching.card == "one-to-one":
            if (np.stack([present for _, present in pairs]).sum(axis=0) > 1).any():
                raise self._error(
                    "multiple matches for labels: many-to-one matching must be explicit "
                    "(group_left/group_right)"
                )
            return
        groups: dict[Labels, list[Flags]] = defaultdict(list)
        for labels, present in pairs:
            groups[labels].append(present)
        for same in groups.values():
            if len(same) > 1 and (np.stack(same).sum(axis=0) > 1).any():
                raise self._error(
                    "multiple matches for labels: grouping labels must ensure unique matches"
                )

    def labels(self, pair: _Pair) -> Labels:
        """Give the result's labels, with the name where it stays or is only marked."""
        matching, labels = self.matching, dict(pair.many or ())
        if self.dropping and not self.options.delayed_names:
            for name in METADATA_LABELS[self.options.compat]:
                labels.pop(name, None)
        if matching.card == "one-to-one":
            if matching.on:
                labels = {k: v for k, v in labels.items() if k in matching.labels}
            else:
                for name in matching.labels:
                    labels.pop(name, None)
        given = dict(pair.one or ())
        for name in matching.include:
            if given.get(name):
                labels[name] = given[name]
            else:
                labels.pop(name, None)
        return tuple(sorted(labels.items()))

    @property
    def dropping(self) -> bool:
        """Whether the name goes."""
        expr, compat = self.expr, self.options.compat
        return drops_name(expr.op, bool_modifier=expr.bool_modifier, compat=compat)

    def _error(self, message: str) -> ExpressionError:
        return ExpressionError(
            place(self.options.text, self.expr.span.start),
            "series that match one to one",
            message,
            "say on(…) or ignoring(…), group_left or group_right",
        )


def joined(expr: Binary, left: Block, right: Block, options: Options) -> Block:
    """Answer ``left op right``, arithmetic or comparison. Raises ExpressionError."""
    matching = expr.matching or Matching("one-to-one")
    join = _Join(expr, matching, options)
    swapped = matching.card == "one-to-many"
    many, one = (right, left) if swapped else (left, right)
    labels: list[Labels] = []
    values: list[Floats] = []
    presents: list[Flags] = []
    for pairs in join.pairs(many, one).values():
        told: list[tuple[Labels, Flags]] = []
        for pair in pairs:
            got, present = _computed(expr, pair)
            if not present.any():
                continue
            told.append((join.labels(pair), present))
            labels.append(told[-1][0])
            values.append(got)
            presents.append(present)
        join.check_unique(told)
        options.check()
    if not labels:
        return empty_block(left.values.shape[1])
    marks = (join.dropping,) * len(labels) if options.delayed_names else None
    block = Block(tuple(labels), np.stack(values), np.stack(presents), marks)
    return kept(distinct(block, options, expr.span))


def _computed(expr: Binary, pair: _Pair) -> tuple[Floats, Flags]:
    got = computed(expr.op, pair.left, pair.right)
    if expr.op in COMPARISON and not expr.bool_modifier:
        return pair.left, pair.present & got
    return np.asarray(got, dtype=np.float64), pair.present
