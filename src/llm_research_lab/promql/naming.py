"""An answer has no two rows of equal labels; what makes a new quantity loses the metric's name."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal

import numpy as np

from llm_research_lab.promql.errors import ExpressionError
from llm_research_lab.promql.nodes import Span
from llm_research_lab.promql.places import place
from llm_research_lab.promql.values import Block, Flags, Floats, Options
from llm_research_lab.vocabulary.labels import METRIC_NAME, Labels, without

METADATA_LABELS: dict[int, tuple[str, ...]] = {
    2: (METRIC_NAME,),
    3: (METRIC_NAME, "__type__", "__unit__"),
}
"""What goes with the name, by `Options.compat`.
Source: Prometheus, schema/labels.go, IsMetadataLabel."""


NOT_UTF_8 = "\N{REPLACEMENT CHARACTER}"
"""What bytes that are no character are read as."""

_LEGACY_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def is_label_name(name: str, options: Options) -> bool:
    """Whether it may name a label: UTF-8 of version 3, ASCII words of version 2."""
    if options.compat == 2:  # noqa: PLR2004 - Prometheus's major version
        return _LEGACY_LABEL.fullmatch(name) is not None
    return bool(name) and not any(c == NOT_UTF_8 or "\ud800" <= c <= "\udfff" for c in name)


def empty_block(steps: int) -> Block:
    """No series."""
    return Block((), np.empty((0, steps)), np.zeros((0, steps), dtype=np.bool_))


def one_row(labels: Labels, values: Floats, present: Flags) -> Block:
    """A block of one series, or of none when it is nowhere present."""
    if not present.any():
        return empty_block(len(values))
    return Block((labels,), values[np.newaxis], present[np.newaxis])


def kept(block: Block) -> Block:
    """Leave out the rows that are wholly absent."""
    alive = block.present.any(axis=1)
    return block if alive.all() else rows(block, np.flatnonzero(alive).tolist())


def rows(block: Block, order: list[int]) -> Block:
    """The rows of these numbers, in this order."""
    if order == list(range(len(block.labels))):
        return block
    marks = block.drop_name
    return Block(
        tuple(block.labels[row] for row in order),
        block.values[order],
        block.present[order],
        None if marks is None else tuple(marks[row] for row in order),
    )


def unnamed(labels: Labels, options: Options) -> Labels:
    """The labels without the metric's name."""
    return without(labels, METADATA_LABELS[options.compat])


def nameless(
    block: Block, options: Options, span: Span, equal: Literal["merge", "refuse"] = "merge"
) -> Block:
    """Drop the names, or mark them to be dropped at the end (`Options.delayed_names`)."""
    if options.delayed_names:
        return replace(block, drop_name=(True,) * len(block.labels))
    bare = replace(block, labels=tuple(unnamed(one, options) for one in block.labels))
    return distinct(bare, options, span, equal)


def finished(block: Block, options: Options, span: Span) -> Block:
    """Drop the names that were marked."""
    marks = block.drop_name
    if marks is None:
        return block
    labels = tuple(
        unnamed(one, options) if drop else one
        for one, drop in zip(block.labels, marks, strict=True)
    )
    return distinct(Block(labels, block.values, block.present), options, span)


def distinct(
    block: Block, options: Options, span: Span, equal: Literal["merge", "refuse"] = "merge"
) -> Block:
    """Join the rows of equal labels; raises ExpressionError where two are present at once.

    `equal` "refuse": raises for any two rows of equal labels, as Prometheus does for functions of
    ranges.
    """
    if len(set(block.labels)) == len(block.labels):
        return block
    if equal == "refuse":
        raise same_labels(options, span)
    groups: dict[Labels, list[int]] = {}
    for row, labels in enumerate(block.labels):
        groups.setdefault(labels, []).append(row)
    firsts = [members[0] for members in groups.values()]
    result = rows(block, firsts)
    values, present = result.values.copy(), result.present.copy()
    for at, members in enumerate(groups.values()):
        for row in members[1:]:
            here = block.present[row]
            if (present[at] & here).any():
                raise same_labels(options, span)
            values[at] = np.where(here, block.values[row], values[at])
            present[at] |= here
    return replace(result, values=values, present=present)


def same_labels(options: Options, span: Span) -> ExpressionError:
    """The error for two series that cannot be told apart."""
    return ExpressionError(
        place(options.text, span.start),
        "series that differ in their labels",
        "vector cannot contain metrics with the same labelset",
        "keep a label that tells them apart, or aggregate",
    )
