"""A kernel is a plain loop over arrays, compiled on first use and kept on disk.

Inputs are read-only views, so that each kernel is compiled for one set of types whatever gave the
arrays. No fast-math, no fused multiply-add: the bytes are those of the written order of operations.
"""

# Kernels are flat loops over many arrays: split up they would be slower to compile and to run.
# ruff: noqa: PLR0917, PLR2004

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

Function = TypeVar("Function", bound=Callable[..., Any])
Scalar = TypeVar("Scalar", bound=np.generic)

LANES = 16
"""Windows that are computed side by side: their chains of additions do not wait for each other."""

ROWS = 512
"""Samples of each lane that are laid side by side at a time: 64 kB."""


class _Kernel:
    """A function that becomes machine code when it is first called, and so do the kernels it calls.

    Importing numba takes most of a second: a process that answers its port, and asks nothing of
    PromQL yet, does not wait for it.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__
        self._function = function
        self._code: Callable[..., Any] | None = None

    def __call__(self, *args: Any) -> Any:
        """Compute."""
        if self._code is None:
            with _compiling:
                self.code()
        return cast("Callable[..., Any]", self._code)(*args)

    def code(self) -> Callable[..., Any]:
        """Give what numba makes of it; kernels that it names are put in their names' place."""
        if self._code is None:
            import numba

            named = self._function.__globals__
            for name in self._function.__code__.co_names:
                if isinstance(named.get(name), _Kernel):
                    named[name] = named[name].code()
            compiler = numba.njit(cache=True, nogil=True, error_model="numpy")
            self._code = cast("Callable[..., Any]", compiler(self._function))
        return self._code


_compiling = threading.RLock()


def compiled(function: Function) -> Function:
    """Compile on first use; the arithmetic stays as written, a division by zero is IEEE 754's."""
    return cast("Function", _Kernel(function))


def fixed(array: NDArray[Scalar]) -> NDArray[Scalar]:
    """Give a contiguous, read-only view; copies only what is not contiguous."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


@compiled
def kahan(  # pragma: no cover - compiled
    inc: float, total: float, rest: float, compat: int
) -> tuple[float, float]:
    """Add one number to a sum of two parts (Neumaier's form).

    Source: Prometheus, util/kahansum/kahansum.go, Inc; in 2.42 promql/functions.go, kahanSumInc,
    which does not clear the rest when the sum overflows.
    """
    result = total + inc
    if compat == 3 and np.isinf(result):
        return result, 0.0
    if abs(total) >= abs(inc):
        return result, rest + ((total - result) + inc)
    return result, rest + ((inc - result) + total)


@compiled
def clear(lanes: Any) -> None:  # pragma: no cover - compiled
    """Set all lanes to 0."""
    for lane in range(LANES):
        lanes[lane] = 0.0


@compiled
def least(lo: Any, hi: Any, first: int) -> int:  # pragma: no cover - compiled
    """How many samples the smallest of the `LANES` windows from `first` has; 0 near the end."""
    if first + LANES > lo.shape[0]:
        return 0
    count = hi[first] - lo[first]
    for lane in range(1, LANES):
        count = min(count, hi[first + lane] - lo[first + lane])
    return int(max(count, 0))


@compiled
def side_by_side(  # pragma: no cover - compiled
    row: Any, lo: Any, first: int, done: int, count: int, lanes: Any
) -> None:
    """Lay samples `done` to `done + count` of each lane's window in columns of `lanes`."""
    for lane in range(LANES):
        base = lo[first + lane] + done
        for j in range(count):
            lanes[j, lane] = row[base + j]
