"""Functions of single samples: float64 arrays in, of the same shape out; warnings of none.

Where Go and NumPy differ at NaN, infinities and signed zeros, this is Go.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from llm_research_lab.promql.values import Floats


def _quiet(function: Callable[[Floats], Floats]) -> Callable[[Floats], Floats]:
    def calculate(values: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return function(values)

    return calculate


def _sgn(values: Floats) -> Floats:
    return np.where(values < 0, -1.0, np.where(values > 0, 1.0, values))


_PLAIN: dict[str, Callable[[Floats], Floats]] = {
    "abs": np.abs,
    "ceil": np.ceil,
    "floor": np.floor,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "ln": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "rad": lambda values: values * np.pi / 180,
    "deg": lambda values: values * 180 / np.pi,
    "sgn": _sgn,
}

ELEMENTWISE = {name: _quiet(function) for name, function in _PLAIN.items()}
"""By PromQL's name."""


def larger(left: Floats, right: Floats) -> Floats:
    """Go's math.Max: +Inf wins over NaN, NaN over the rest, 0 over -0."""
    with np.errstate(invalid="ignore"):
        result = np.where((left == 0) & (right == 0), left + right, np.maximum(left, right))
    return np.where(np.isposinf(left) | np.isposinf(right), np.inf, result)


def smaller(left: Floats, right: Floats) -> Floats:
    """Go's math.Min: -Inf wins over NaN, NaN over the rest, -0 over 0."""
    return -larger(-left, -right)


def rounded(values: Floats, nearest: Floats) -> Floats:
    """To the nearest multiple, halves up. Source: Prometheus, promql/functions.go, funcRound."""
    with np.errstate(all="ignore"):
        inverse = 1.0 / nearest
        return np.floor(values * inverse + 0.5) / inverse
