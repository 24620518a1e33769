"""Operators of two floats, over arrays: Go's arithmetic, comparisons as filters.

Source: Prometheus, promql/engine.go (vectorElemBinop, scalarBinop); Mod, Pow and Atan2 are C's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

LARGEST_INTEGER = (1 << 53) - 1
"""Up to here every integer is a float of its own."""


def _of_bits(combine: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Combine the bits of two integers from 0 to `LARGEST_INTEGER`; of anything else it is NaN."""

    def computed_bits(left: Any, right: Any) -> Any:
        fit = _is_integer(left) & _is_integer(right)
        one, other = (np.where(fit, side, 0).astype(np.int64) for side in (left, right))
        return np.where(fit, combine(one, other).astype(np.float64), np.nan)

    return computed_bits


def _is_integer(values: Any) -> Any:
    return (values >= 0) & (values <= LARGEST_INTEGER) & (values == np.floor(values))


BITWISE: Mapping[str, Callable[[Any, Any], Any]] = {
    "bitand": _of_bits(np.bitwise_and),
    "bitor": _of_bits(np.bitwise_or),
    "bitxor": _of_bits(np.bitwise_xor),
}
"""Source: Prometheus, promql/promqltest/testdata/bitwise.test."""

ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
    **BITWISE,
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
