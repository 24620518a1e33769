"""Every function of Prometheus 3 has a signature: what it takes, what it gives.

Source: Prometheus, "Functions", and promql/parser/functions.go.
"""

from __future__ import annotations

from dataclasses import dataclass

from llm_research_lab.promql.nodes import ValueType


@dataclass(frozen=True, slots=True)
class Signature:
    """Types of the arguments, in order.

    `variadic` 0: exactly these. Positive: the last may be absent, or be repeated so that there are
    up to `variadic` of it. Negative: any number of the last, none included.
    """

    name: str
    args: tuple[ValueType, ...]
    returns: ValueType
    variadic: int = 0
    experimental: bool = False

    @property
    def least(self) -> int:
        """Fewest arguments."""
        return len(self.args) - (1 if self.variadic else 0)

    @property
    def most(self) -> int | None:
        """Most arguments; None without end."""
        return None if self.variadic < 0 else self.least + self.variadic


_LETTERS: dict[str, ValueType] = {"v": "vector", "m": "matrix", "s": "scalar", "t": "string"}

_VECTOR_TO_VECTOR = """
abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor histogram_avg
histogram_count histogram_stddev histogram_stdvar histogram_sum ln log10 log2 rad sgn sin sinh sort
sort_desc sqrt tan tanh timestamp
"""

_MATRIX_TO_VECTOR = """
absent_over_time avg_over_time changes count_over_time delta deriv idelta increase irate
last_over_time max_over_time min_over_time present_over_time rate resets stddev_over_time
stdvar_over_time sum_over_time
"""

_EXPERIMENTAL_MATRIX_TO_VECTOR = """
first_over_time mad_over_time ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time
ts_of_min_over_time
"""

_DATES = "day_of_month day_of_week day_of_year days_in_month hour minute month year"

_OTHERS = """
clamp vss v 0
clamp_max vs v 0
clamp_min vs v 0
histogram_fraction ssv v 0
histogram_quantile sv v 0
label_join vttt v -1
label_replace vtttt v 0
pi - s 0
predict_linear ms v 0
quantile_over_time sm v 0
round vs v 1
scalar v s 0
time - s 0
vector s v 0
"""

_OTHER_EXPERIMENTAL = """
double_exponential_smoothing mss v 0
end - s 0
histogram_quantiles vtss v 9
info vv v 1
integral ms v 1
max_of ss s 0
min_of ss s 0
range - s 0
sort_by_label vt v -1
sort_by_label_desc vt v -1
start - s 0
start_timestamp v v 0
step - s 0
"""


def _of(line: str, *, experimental: bool) -> Signature:
    name, args, returns, variadic = line.split()
    types = tuple(_LETTERS[letter] for letter in args if letter != "-")
    return Signature(name, types, _LETTERS[returns], int(variadic), experimental)


def _signatures() -> dict[str, Signature]:
    stable = [f"{name} v v 0" for name in _VECTOR_TO_VECTOR.split()]
    stable += [f"{name} m v 0" for name in _MATRIX_TO_VECTOR.split()]
    stable += [f"{name} v v 1" for name in _DATES.split()]
    stable += _OTHERS.strip().splitlines()
    newer = [f"{name} m v 0" for name in _EXPERIMENTAL_MATRIX_TO_VECTOR.split()]
    newer += _OTHER_EXPERIMENTAL.strip().splitlines()
    all_of_them = [_of(line, experimental=False) for line in stable]
    all_of_them += [_of(line, experimental=True) for line in newer]
    return {
        signature.name: signature for signature in sorted(all_of_them, key=lambda one: one.name)
    }


SIGNATURES: dict[str, Signature] = _signatures()
"""By name, sorted."""

AGGREGATION_PARAMS: dict[str, ValueType] = {
    "topk": "scalar",
    "bottomk": "scalar",
    "quantile": "scalar",
    "limitk": "scalar",
    "limit_ratio": "scalar",
    "count_values": "string",
}
"""Aggregations with a parameter, and its type."""

EXPERIMENTAL_AGGREGATIONS = frozenset({"limitk", "limit_ratio"})

EDGES: dict[str, frozenset[str]] = {
    "anchored": frozenset({"changes", "delta", "increase", "rate", "resets"}),
    "smoothed": frozenset({"delta", "increase", "rate"}),
}
"""Functions that take a range of such edges. Source: Prometheus, promql/functions.go."""

RENAMED = {"holt_winters": "double_exponential_smoothing"}
"""Functions of Prometheus 2 under their present names."""
