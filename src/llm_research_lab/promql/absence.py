"""absent answers 1 where there is nothing, under the labels that the selector fixes.

Source: Prometheus, promql/functions.go, createLabelsForAbsentFunction: a label with two matchers,
equal ones too, is left out.
"""

from __future__ import annotations

import numpy as np

from llm_research_lab.promql.frames import bare
from llm_research_lab.promql.naming import one_row
from llm_research_lab.promql.nodes import Expr, Range, Selector
from llm_research_lab.promql.values import Block, Flags
from llm_research_lab.vocabulary.labels import METRIC_NAME, Labels, labels_of


def absent_labels(expr: Expr) -> Labels:
    """The labels that a selector's equality matchers fix; none for other expressions."""
    inner = bare(expr)
    selector = inner.selector if isinstance(inner, Range) else inner
    if not isinstance(selector, Selector):
        return ()
    fixed: dict[str, str] = {}
    seen: set[str] = set()
    for matcher in selector.matchers:
        if matcher.name == METRIC_NAME:
            continue
        if matcher.op == "=" and matcher.name not in seen:
            fixed[matcher.name] = matcher.value
            seen.add(matcher.name)
        else:
            fixed.pop(matcher.name, None)
    return labels_of(fixed)


def absence(expr: Expr, block: Block) -> Block:
    """1 at the instants where no row is present."""
    missing: Flags = ~np.asarray(block.present.any(axis=0))
    return one_row(absent_labels(expr), np.ones(len(missing)), missing)
