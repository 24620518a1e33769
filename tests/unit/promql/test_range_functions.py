"""Every range function gives its law's bytes, and the same bytes for any cut of the windows."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.promql import range_twins as twins

from llm_research_lab.promql.errors import ExpressionError
from llm_research_lab.promql.over_time import RANGE_FUNCTIONS, absent
from llm_research_lab.promql.quantiles import shown
from llm_research_lab.promql.values import Annotations, Options
from llm_research_lab.promql.windows import windows

ODD = (
    math.nan,
    math.inf,
    -math.inf,
    0.0,
    -0.0,
    1e9,
    -1e9,
    1e-3,
    1.5e308,
    -1.7e308,
    8e9 + 1e6,
    5e-324,
)
SAMPLE = st.one_of(
    st.integers(-3, 12).map(float), st.sampled_from(ODD), st.floats(-1e6, 1e6), st.floats(width=64)
)
TAME = st.one_of(st.integers(0, 40).map(float), st.floats(-1e9, 1e9))
FACTOR = st.floats(0.01, 0.99)
PARAMS = {
    "quantile_over_time": (
        st.one_of(st.floats(0, 1), st.sampled_from((0.5, 0.0, 1.0, -0.1, 1.1, math.nan))),
    ),
    "predict_linear": (st.one_of(st.floats(-1e6, 1e6), st.just(math.inf)),),
    "double_exponential_smoothing": (FACTOR, FACTOR),
    "holt_winters": (FACTOR, FACTOR),
}
EDGED = [
    *((name, "anchored") for name in ("rate", "increase", "delta", "changes", "resets")),
    *((name, "smoothed") for name in ("rate", "increase", "delta")),
]


@st.composite
def cases(draw, name="rate"):
    """Series that share times, with gaps; and a grid over them, before and behind too."""
    base = draw(st.sampled_from((0, 1_700_000_000_123)))
    distance = draw(st.sampled_from((1, 1_000, 15_000)))
    count = draw(st.integers(0, 60))
    steps = draw(st.lists(st.sampled_from((1, 1, 1, 1, 2, 7)), min_size=count, max_size=count))
    times = base + distance * np.cumsum(np.array(steps, np.int64)).astype(np.int64)
    sample = draw(st.sampled_from((SAMPLE, TAME)))
    rows = draw(st.lists(st.lists(sample, min_size=count, max_size=count), min_size=1, max_size=3))
    range_ms = distance * draw(st.integers(1, 30))
    step = distance * draw(st.integers(1, 9))
    offset = draw(st.sampled_from((0, 1, distance // 2)))
    start = base + offset + distance * draw(st.integers(-5, 20))
    instants = start + step * np.arange(draw(st.integers(1, 50)), dtype=np.int64)
    ends = instants - distance * draw(st.integers(-2, 3))
    params = tuple(
        np.array(draw(st.lists(one, min_size=len(ends), max_size=len(ends))))
        for one in PARAMS.get(name, ())
    )
    values = np.array(rows, np.float64).reshape(len(rows), count)
    return times, values, ends, instants, range_ms, params, draw(st.sampled_from((2, 3)))


def same(one, other):
    return np.array_equal(np.asarray(one).view(np.int64), np.asarray(other).view(np.int64))


def check(name, case, edges="", lookback=0):
    times, values, ends, instants, range_ms, params, compat = case
    w = windows(
        times, ends, range_ms, compat, instants_ms=instants, edges=edges, lookback_ms=lookback
    )
    got, present = RANGE_FUNCTIONS[name](times, values, w, params, Options(compat=compat))
    assert got.shape == present.shape == (len(values), len(ends))
    reach = lookback if edges == "smoothed" else 0
    for row in range(len(values)):
        points = list(zip(times.tolist(), values[row].tolist(), strict=True))
        for i, end in enumerate(ends.tolist()):
            start = end - range_ms
            run = twins.inside(points, start - lookback, end + reach, compat)
            at = [float(p[i]) for p in params]
            law = twins.answer(name, run, start, end, int(instants[i]), at, compat, edges)
            assert bool(present[row, i]) == (law is not None)
            if law is None:
                assert same(got[row, i], 0.0)
            elif math.isnan(law):
                assert math.isnan(got[row, i])
            else:
                assert same(got[row, i], law), (name, run, got[row, i], law)


@pytest.mark.parametrize("name", sorted(RANGE_FUNCTIONS))
def test_each_function_gives_the_bytes_of_its_law(name):
    @given(cases(name))
    def holds(case):
        check(name, case)

    holds()


@pytest.mark.parametrize(("name", "edges"), EDGED)
def test_anchored_and_smoothed_give_the_bytes_of_their_law(name, edges):
    @given(cases(name), st.integers(0, 40))
    def holds(case, lookback):
        case = (*case[:-1], 3)
        check(name, case, edges, lookback * max(1, case[4] // 8))

    holds()


@pytest.mark.parametrize("name", sorted(RANGE_FUNCTIONS))
def test_any_cut_of_the_windows_gives_the_same_bytes(name):
    @given(cases(name), st.lists(st.integers(0, 50), max_size=4), st.booleans())
    def holds(case, cuts, trim):
        times, values, ends, instants, range_ms, params, compat = case
        f, options = RANGE_FUNCTIONS[name], Options(compat=compat)

        def piece(a, b):
            w = windows(times, ends[a:b], range_ms, compat, instants_ms=instants[a:b])
            x, y = times, values
            if trim:  # as a fetch of this piece alone would give
                keep = slice(int(w.lo.min(initial=0)), int(w.hi.max(initial=0)))
                keep = slice(int(w.lo[0]), int(w.hi[-1])) if len(w.lo) else keep
                x, y = times[keep], values[:, keep]
                w = windows(x, ends[a:b], range_ms, compat, instants_ms=instants[a:b])
            return f(x, y, w, tuple(p[a:b] for p in params), options)

        at = sorted({0, len(ends), *(c for c in cuts if c < len(ends))})
        pieces = [piece(a, b) for a, b in pairwise(at)]
        whole = piece(0, len(ends))
        assert same(np.concatenate([p[0] for p in pieces], axis=1), whole[0])
        assert np.array_equal(np.concatenate([p[1] for p in pieces], axis=1), whole[1])

    holds()


@pytest.mark.parametrize("name", ["rate", "max_over_time", "quantile_over_time", "resets"])
def test_windows_may_come_in_any_order(name):
    @given(cases(name), st.randoms())
    def holds(case, random):
        times, values, ends, instants, range_ms, params, compat = case
        order = list(range(len(ends)))
        random.shuffle(order)
        check(name, (times, values, ends[order], instants[order], range_ms, params, compat))

    holds()


@pytest.mark.parametrize(
    "name",
    ["avg_over_time", "sum_over_time", "stddev_over_time", "deriv", "predict_linear"],
)
@pytest.mark.parametrize(("compat", "jitter"), [(2, 1), (3, 999), (3, 1)])
def test_windows_longer_than_a_block_of_lanes_follow_the_law_too(name, compat, jitter):
    random = np.random.default_rng(7)
    times = 15_000 * np.arange(1_400, dtype=np.int64) + random.integers(0, jitter, 1_400)
    values = np.cumsum(random.normal(size=(2, 1_400)), axis=1) * 1e3
    values[1, 700] = math.inf
    ends = times[900] + 60_000 * np.arange(40, dtype=np.int64)
    params = (np.full(40, 3_600.0),) if name == "predict_linear" else ()
    check(name, (times, values, ends, ends, 1_250 * 15_000, params, compat))


def test_read_only_and_strided_arrays_give_the_same():
    times = np.arange(50, dtype=np.int64) * 1_000
    values = np.random.default_rng(1).normal(size=(2, 100))[:, ::2]
    w = windows(times, times, 9_000)
    one = RANGE_FUNCTIONS["rate"](times, values, w, (), Options())
    frozen = values.copy()
    frozen.flags.writeable = False
    other = RANGE_FUNCTIONS["rate"](times, frozen, w, (), Options())
    assert same(one[0], other[0])


def test_the_start_of_a_window_is_open_in_3_and_closed_in_2():
    times = np.array([0, 1_000, 2_000], np.int64)
    assert windows(times, times[2:], 1_000).counts.tolist() == [1]
    assert windows(times, times[2:], 1_000, 2).counts.tolist() == [2]


def test_both_versions_agree_where_no_sample_is_on_an_edge_and_no_clamp_acts():
    times = np.arange(100, dtype=np.int64) * 1_000 + 1
    values = 1e6 + np.cumsum(np.random.default_rng(2).integers(0, 9, (1, 100)), axis=1).astype(
        float
    )
    ends = np.arange(20, 90, 7, dtype=np.int64) * 1_000
    for name in ("rate", "increase", "delta", "resets", "sum_over_time", "max_over_time"):
        new, old = (
            RANGE_FUNCTIONS[name](
                times, values, windows(times, ends, 9_000, c), (), Options(compat=c)
            )
            for c in (3, 2)
        )
        assert same(new[0], old[0])


def grown(name, edges, at):
    times = np.array([0, 20_000], np.int64)
    w = windows(times, np.array([at], np.int64), 10_000, edges=edges, lookback_ms=30_000)
    return RANGE_FUNCTIONS[name](times, np.array([[70.0, 8.0]]), w, (), Options())


def test_a_smoothed_counter_rises_from_zero_after_a_reset():
    value, present = grown("increase", "smoothed", 15_000)
    assert present.all()
    assert value[0, 0] == 8.0 * 15 / 20 - 8.0 * 5 / 20


def test_an_anchored_range_without_a_sample_inside_has_no_answer():
    for name in ("increase", "changes"):
        assert not grown(name, "anchored", 35_000)[1].any()
        assert grown(name, "anchored", 25_000)[1].all()


def test_absent_is_where_no_series_is_present():
    some = np.array([[True, False, False]])
    other = np.array([[False, False, True], [False, False, False]])
    assert absent([some, other], 3).tolist() == [False, True, False]
    assert absent([], 2).tolist() == [True, True]


def smoothing(level, trend, ends=(3_000,)):
    times = np.array([1_000, 2_000, 3_000], np.int64)
    w = windows(times, np.array(ends, np.int64), 3_000)
    params = (np.array([level]), np.array([trend]))
    return RANGE_FUNCTIONS["holt_winters"](times, np.ones((1, 3)), w, params, Options())


@pytest.mark.parametrize(("level", "trend", "name"), [(0, 0.5, "smoothing"), (0.5, 1, "trend")])
def test_a_factor_that_is_not_between_0_and_1_is_refused_where_there_are_samples(
    level, trend, name
):
    with pytest.raises(
        ExpressionError, match=f"invalid {name} factor. Expected: 0 < {name[0]}f < 1"
    ):
        smoothing(float(level), float(trend))
    assert not smoothing(float(level), float(trend), ends=(90_000,))[1].any()


@pytest.mark.parametrize(("compat", "warnings"), [(2, []), (3, ["got -0.5", "got NaN", "got 2"])])
def test_a_quantile_out_of_bounds_is_warned_of_where_there_are_samples(compat, warnings):
    times = np.arange(1, 5, dtype=np.int64) * 1_000
    notes = Annotations()
    w = windows(times, np.array([1_000, 2_000, 3_000, 4_000, 99_000], np.int64), 900, compat)
    phi = np.array([-0.5, math.nan, 2.0, 0.5, 7.0])
    RANGE_FUNCTIONS["quantile_over_time"](
        times, np.ones((2, 4)), w, (phi,), Options(compat=compat), notes
    )
    assert [text.split(", ")[-1] for text in notes.warnings] == warnings


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1.5, "1.5"),
        (-2.0, "-2"),
        (-0.0, "-0"),
        (1e17, "100000000000000000"),
        (1e21, "1e+21"),
        (1e-5, "1e-05"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
    ],
)
def test_numbers_in_warnings_are_written_as_go_writes_them(number, text):
    assert shown(number) == text
