"""A float is read as seconds since 1970 and answered with a field of its UTC calendar day or clock.

Vectorised over float64 arrays. A value outside of 64 bits (NaN, infinities too) is the smallest
integer, as Go's conversion gives on amd64. Source: Prometheus, promql/functions.go, dateWrapper;
H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from llm_research_lab.promql.values import Floats, Times

_DAY = 86_400
_FEBRUARY, _MARCH = 2, 3
_LOWEST, _BEYOND = -(2.0**63), 2.0**63

_FIRST_YEAR = -292_277_022_400
_SINCE_FIRST = np.uint64(9_223_372_028_715_321_600)
"""Go counts seconds in 64 bits from the Monday that begins the year after `_FIRST_YEAR`.

These lie between it and 1970; 400 divides the first year.
Source: Go, time/time.go, internalToAbsolute and unixToInternal.
"""
_MARCH_TO_JANUARY = 306


def _seconds(values: Floats) -> NDArray[np.uint64]:
    """Seconds since the first year; they wrap around as Go's do."""
    inside = (values >= _LOWEST) & (values < _BEYOND)
    whole = np.where(inside, values, 0.0).astype(np.int64)
    return np.where(inside, whole, np.iinfo(np.int64).min).view(np.uint64) + _SINCE_FIRST


def _days(values: Floats) -> Times:
    return (_seconds(values) // _DAY).astype(np.int64)


def _clock(values: Floats, of: int, unit: int) -> Times:
    return (_seconds(values) % of // unit).astype(np.int64)


def _civil(values: Floats) -> tuple[Times, Times, Times]:
    """Year, month and day of the month."""
    days = _days(values) + _MARCH_TO_JANUARY
    era = days // 146_097
    day_of_era = days - era * 146_097
    year_of_era = (
        day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096
    ) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = (shifted + 2) % 12 + 1
    year = _FIRST_YEAR + era * 400 + year_of_era + (month < _MARCH)
    return year, month, day_of_year - (153 * shifted + 2) // 5 + 1


def _is_leap(year: Times) -> NDArray[np.bool_]:
    leaps: NDArray[np.bool_] = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    return leaps


_MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)
_DAYS_BEFORE: Times = np.concatenate([[0], np.cumsum(_MONTH_DAYS)[:-1]]).astype(np.int64)


def _day_of_year(values: Floats) -> Times:
    year, month, day = _civil(values)
    return _DAYS_BEFORE[month - 1] + day + ((month >= _MARCH) & _is_leap(year))


def _days_in_month(values: Floats) -> Times:
    year, month, _ = _civil(values)
    days: Times = _MONTH_DAYS[month - 1] + ((month == _FEBRUARY) & _is_leap(year))
    return days


FIELDS: dict[str, Callable[[Floats], Times]] = {
    "minute": lambda values: _clock(values, 3_600, 60),
    "hour": lambda values: _clock(values, _DAY, 3_600),
    "day_of_week": lambda values: (_days(values) + 1) % 7,
    "day_of_month": lambda values: _civil(values)[2],
    "day_of_year": _day_of_year,
    "days_in_month": _days_in_month,
    "month": lambda values: _civil(values)[1],
    "year": lambda values: _civil(values)[0],
}
"""By function: float64 seconds in, int64 out. Sunday is 0, January 1."""
