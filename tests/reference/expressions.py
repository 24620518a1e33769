"""Hypothesis makes expressions of the language that Prometheus 2.42 and ours both speak."""

from __future__ import annotations

from hypothesis import strategies as st

NAMES = ["c_total", "f_total", "g", "spiky", "big", "flat", "build_info", "h_seconds_count"]
LABELS = ["job", "instance", "status", "kind", "le", "version", "absent"]
MATCHERS = [
    "",
    '{job="a"}',
    '{job!="a"}',
    '{instance=~"1|2"}',
    '{instance!~"1.*"}',
    '{status=~"4..|5.."}',
    '{status=""}',
    '{kind="walk"}',
    '{job="a",instance="1"}',
    '{absent=""}',
    '{job="nowhere"}',
]
RANGES = ["15s", "30s", "1m", "90s", "5m", "10m", "1h", "7s"]
OVER_TIME = [
    "avg_over_time",
    "sum_over_time",
    "count_over_time",
    "min_over_time",
    "max_over_time",
    "last_over_time",
    "present_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "absent_over_time",
    "rate",
    "increase",
    "delta",
    "irate",
    "idelta",
    "resets",
    "changes",
    "deriv",
]
ONE = [
    "abs",
    "ceil",
    "floor",
    "exp",
    "sqrt",
    "ln",
    "log2",
    "log10",
    "sgn",
    "sort",
    "sort_desc",
    "timestamp",
    "minute",
    "hour",
    "day_of_week",
    "day_of_month",
    "day_of_year",
    "days_in_month",
    "month",
    "year",
    "absent",
    "sin",
    "cos",
    "atan",
    "sinh",
    "deg",
    "rad",
    "round",
]
AGGREGATIONS = ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"]
ARITHMETIC = ["+", "-", "*", "/", "%", "^", "atan2"]
COMPARISON = ["==", "!=", ">", "<", ">=", "<="]
SETS = ["and", "or", "unless"]
NUMBERS = ["0", "1", "2.5", "-1", "100", "1e9", "NaN", "Inf", "-Inf", "0x1F", "0.1"]


FOLLOWS_THE_STEP = "predict_linear(x[5m] @ 100, 60)"
"""Prometheus lets the window of such a call move on with the steps of a range query, against what
the @ modifier says; at one instant it does not. Ours stays where @ puts it."""


def selectors():
    return st.builds("{}{}".format, st.sampled_from(NAMES), st.sampled_from(MATCHERS))


def untied():
    """Vectors whose values differ: which of equal ones topk keeps depends on how they are stored."""
    names = st.sampled_from(["spiky", "big", "f_total", 'g{kind="walk"}'])
    return st.builds("{}{} * {}".format, names, offsets(), st.sampled_from(["1", "-3", "0.7"]))


def offsets():
    return st.sampled_from(
        [
            "",
            "",
            "",
            " offset 1m",
            " offset -1m",
            " offset 7m",
            " @ end()",
            " @ start()",
            " @ 1700001200",
        ]
    )


def ranges(inner):
    plain = st.builds("{}[{}]{}".format, selectors(), st.sampled_from(RANGES), offsets())
    steps = st.sampled_from(["", "15s", "1m", "23s"])
    sub = st.builds(
        "({})[{}:{}]{}".format, inner, st.sampled_from(["1m", "5m", "13m"]), steps, offsets()
    ).filter(lambda text: text.count("@") < 2)  # 2.42 reads too little for one in another
    return st.one_of(plain, plain, plain, sub)


def groupings():
    names = st.lists(st.sampled_from(LABELS), max_size=2, unique=True).map(", ".join)
    return st.one_of(
        st.just(""), st.builds("{} ({})".format, st.sampled_from(["by", "without"]), names)
    )


def matchings():
    names = st.lists(st.sampled_from(LABELS[:4]), max_size=2, unique=True).map(", ".join)
    side = st.sampled_from(["", "", " group_left", " group_right", " group_left (version)"])
    made = st.builds("{} ({}){}".format, st.sampled_from(["on", "ignoring"]), names, side)
    return st.one_of(st.just(""), made)


def vectors(depth=2):
    """Instant vectors, nested `depth` deep."""
    leaf = st.builds("{}{}".format, selectors(), offsets())
    if depth == 0:
        return leaf
    inner = vectors(depth - 1)
    numbers = st.sampled_from(NUMBERS)
    phis = st.sampled_from(["0", "0.5", "0.9", "0.99", "1", "-1", "2", "NaN"])
    counts = st.sampled_from(["0", "1", "2", "5"])
    over = st.builds("{}({})".format, st.sampled_from(OVER_TIME), ranges(inner))
    quantiles = st.builds("quantile_over_time({}, {})".format, phis, ranges(inner))
    linear = st.builds(
        "predict_linear({}, {})".format,
        ranges(inner).filter(lambda text: "@" not in text),  # see FOLLOWS_THE_STEP
        st.sampled_from(["60", "-300", "3600"]),
    )
    smooth = st.builds("holt_winters({}, 0.3, 0.6)".format, ranges(inner))
    one = st.builds("{}({})".format, st.sampled_from(ONE), inner)
    clamp = st.builds("clamp({}, {}, {})".format, inner, numbers, numbers)
    total = st.builds("{} {} ({})".format, st.sampled_from(AGGREGATIONS), groupings(), inner)
    ranked = st.builds(
        "{} {} ({}, {})".format,
        st.sampled_from(["topk", "bottomk"]),
        groupings(),
        counts,
        untied(),
    )
    quantile = st.builds("quantile {} ({}, {})".format, groupings(), phis, inner)
    counted = st.builds('count_values {} ("value", {})'.format, groupings(), leaf)
    histogram = st.builds(
        "histogram_quantile({}, {})".format,
        phis,
        st.sampled_from(
            [
                "h_seconds_bucket",
                "rate(h_seconds_bucket[5m])",
                "sum by (le) (rate(h_seconds_bucket[2m]))",
                "sum by (le, job) (h_seconds_bucket)",
                'h_seconds_bucket{le!="+Inf"}',
            ]
        ),
    )
    scalar = st.builds("({}) {} {}".format, inner, st.sampled_from(ARITHMETIC), numbers)
    reverse = st.builds("{} {} ({})".format, numbers, st.sampled_from(ARITHMETIC), inner)
    chained = st.builds(
        "{} {} {} {} {}".format,
        inner,
        st.sampled_from(["+", "-", "*", "/"]),
        numbers,
        st.sampled_from(["+", "-", "*", "/", ">", "<= bool"]),
        numbers,
    )
    compared = st.builds(
        "{} {} {} {}".format,
        inner,
        st.sampled_from(COMPARISON),
        st.sampled_from(["", "bool"]),
        numbers,
    )
    joined = st.builds(
        "({}) {} {} ({})".format,
        inner,
        st.sampled_from(ARITHMETIC + COMPARISON),
        matchings(),
        inner,
    )
    on = st.lists(st.sampled_from(LABELS[:4]), max_size=2, unique=True).map(", ".join)
    sets = st.builds(
        "({}) {} {} ({})".format,
        inner,
        st.sampled_from(SETS),
        st.one_of(
            st.just(""), st.builds("{} ({})".format, st.sampled_from(["on", "ignoring"]), on)
        ),
        inner,
    )
    relabelled = st.builds(
        'label_replace({}, "{}", "{}", "{}", "{}")'.format,
        inner,
        st.sampled_from(["job", "made", "instance"]),
        st.sampled_from(["$1", "x-$1-y", "", "${1}0"]),
        st.sampled_from(["job", "status", "absent"]),
        st.sampled_from(["(.*)", "(.)", "(4).*", ""]),
    )
    glued = st.builds('label_join({}, "made", "-", "job", "instance")'.format, inner)
    unary = st.builds("-({})".format, inner)
    whole = st.builds("vector(scalar({}))".format, inner)
    fixed = st.builds("({}) * on () group_left vector(time())".format, inner)
    return st.one_of(
        leaf, over, over, over, quantiles, linear, smooth, one, one, clamp, total, total, ranked,
        quantile, counted, histogram, scalar, reverse, chained, compared, joined, joined, sets, relabelled,
        glued, unary, whole, fixed,
    )  # fmt: skip
