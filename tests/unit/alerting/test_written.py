"""What rules wrote: in the order of time, each instant once, read back by need."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.alerting.rules.written import DUPLICATE, OUT_OF_ORDER, Written
from llm_research_lab.promql import Need
from llm_research_lab.vocabulary.labels import labels_of
from llm_research_lab.vocabulary.matchers import Matcher

A, B = (labels_of({"__name__": "m", "job": job}) for job in "ab")
ALL = Need((Matcher("__name__", "=", "m"),), 0, 1_000)


def test_a_sample_comes_after_the_last_or_is_refused_with_the_reason() -> None:
    written = Written()
    assert written.append(A, 10, 1.0, stale=False) is None
    assert written.append(A, 10, 1.0, stale=False) is None
    assert written.append(A, 10, 2.0, stale=False) == DUPLICATE
    assert written.append(A, 10, float("nan"), stale=True) == DUPLICATE
    assert written.append(A, 9, 1.0, stale=False) == OUT_OF_ORDER
    assert written.append(A, 11, float("nan"), stale=True) is None
    assert written.append(A, 11, float("nan"), stale=True) is None
    assert written.append(A, 11, float("nan"), stale=False) == DUPLICATE
    assert written.series[A].times.tolist() == [10, 11]
    assert written.series[A].stale.tolist() == [False, True]


def test_zero_and_minus_zero_are_two_values() -> None:
    written = Written()
    written.append(A, 10, 0.0, stale=False)
    assert written.append(A, 10, -0.0, stale=False) == DUPLICATE


def test_series_of_equal_times_share_their_columns() -> None:
    written, times = Written(), np.arange(5, dtype=np.int64)
    for labels in (B, A):
        written.extend(labels, times, np.ones(5), None)
    written.extend(B, times + 10, np.ones(5), np.array([False] * 4 + [True]))
    (early,) = written.select(Need(ALL.matchers, 1, 3))
    assert (early.labels, early.times.tolist(), early.stale) == ((A, B), [1, 2, 3], None)
    whole = {columns.labels: len(columns.times) for columns in written.select(ALL)}
    assert whole == {(A,): 5, (B,): 10}
    assert written.select(Need(ALL.matchers, 900, 1_000)) == []
    assert written.select(Need((Matcher("__name__", "=", "n"),), 0, 9)) == []
    (any_name,) = written.select(Need((Matcher("job", "=~", "a|b"),), 0, 4))
    assert any_name.labels == (A, B)


def test_a_long_series_stands_in_parts_and_is_read_as_one() -> None:
    written, most = Written(), 5_000
    times = np.arange(most, dtype=np.int64)
    stale = times % 500 == 3
    for low in range(0, most, 7):
        part = slice(low, low + 7)
        flags = stale[part] if stale[part].any() else None
        written.extend(A, times[part], times[part].astype(np.float64), flags)
        written.extend(B, times[part], -times[part].astype(np.float64), None)
    for low, high in ((0, most), (900, 1_100), (4_000, 4_000), (1_024, 2_047)):
        found = written.select(Need(ALL.matchers, low, high))
        for columns in found:
            sign = 1 if A in columns.labels else -1
            assert columns.times.tolist() == times[low : high + 1].tolist()
            assert columns.values[0].tolist() == (sign * times[low : high + 1]).tolist()
        marks = next(one for one in found if A in one.labels)
        expected = stale[low : high + 1]
        assert (marks.stale is None) != expected.any()
        assert marks.stale is None or marks.stale[0].tolist() == expected.tolist()
    assert len(written.series[A].parts) > 3
    assert written.series[A].count == most
    assert written.series[A].last == (most - 1, most - 1.0, False)


points = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from([1.0, 2.0, float("nan")]), st.booleans())
)


@given(points, st.lists(st.integers(0, 10), max_size=4))
def test_columns_and_single_samples_give_the_same(
    given_points: list[tuple[int, float, bool]], cuts: list[int]
) -> None:
    times = np.cumsum(np.array([gap for gap, _, _ in given_points], np.int64))
    values = np.array([value for _, value, _ in given_points], np.float64)
    stale = np.array([flag for _, _, flag in given_points], np.bool_)
    single, columns = Written(), Written()
    for time, value, flag in zip(times.tolist(), values.tolist(), stale.tolist(), strict=True):
        assert single.append(A, time, value, stale=flag) is None
    edges = sorted({0, len(times), *(min(cut, len(times)) for cut in cuts)})
    for low, high in pairwise(edges):
        part = stale[low:high]
        columns.extend(A, times[low:high], values[low:high], part if part.any() else None)
    for written in (single, columns):
        if len(times):
            one = written.series[A]
            assert one.times.tolist() == times.tolist()
            assert np.array_equal(one.values, values, equal_nan=True)
            assert one.stale.tolist() == stale.tolist()
        assert written.reaches(A, 2) == bool((times >= 2).any())
