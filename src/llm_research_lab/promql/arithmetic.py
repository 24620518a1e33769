"""Operators of two floats, over arrays: Go's arithmetic, comparisons as filters.

Source: Prometheus, promql/engine.go (vectorElemBinop, scalarBinop); Mod, Pow and Atan2 are C's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}

COMPARISON: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}

NAME_KEPT_IN_2 = frozenset({"atan2"})
"""Prometheus 2.42 leaves the name on these. Source: its promql/engine.go, shouldDropMetricName."""


def computed(op: str, left: Any, right: Any) -> Any:
    """Give the operator's values; a comparison's are whether it holds."""
    with np.errstate(all="ignore"):
        return (ARITHMETIC.get(op) or COMPARISON[op])(left, right)


def drops_name(op: str, *, bool_modifier: bool, compat: int) -> bool:
    """Whether the result is a new quantity, so that the metric's name goes."""
    if bool_modifier:
        return True
    return op in ARITHMETIC and not (compat == 2 and op in NAME_KEPT_IN_2)  # noqa: PLR2004
