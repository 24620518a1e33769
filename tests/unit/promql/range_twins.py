"""Range functions one window at a time, in plain Python, as the law says; slow."""
# ruff: noqa: PLR0917, PLR0911 - the laws take what the functions take

import math
from itertools import pairwise

NAN, INF = math.nan, math.inf


def over(a, b):
    """Divide as IEEE 754 does."""
    if b != 0 or math.isnan(a):
        return a / b
    return NAN if a == 0 else math.copysign(INF, a) * math.copysign(1.0, b)


def inside(points, start, end, compat):
    return [p for p in points if (start <= p[0] if compat == 2 else start < p[0]) and p[0] <= end]


def add(inc, total, rest, compat):
    new = total + inc
    if compat == 3 and math.isinf(new):
        return new, 0.0
    if abs(total) >= abs(inc):
        return new, rest + ((total - new) + inc)
    return new, rest + ((inc - new) + total)


def go_seconds(milliseconds):
    return float(milliseconds // 1000) + (milliseconds % 1000 * 1_000_000) / 1e9


def extrapolated(points, start, end, compat, counter, per_second):
    if len(points) < 2:
        return None
    values = [v for _, v in points]
    growth = values[-1] - values[0]
    if counter:
        for before, now in pairwise(values):
            if now < before:
                growth += before
    to_start, to_end = (points[0][0] - start) / 1000, (end - points[-1][0]) / 1000
    sampled = (points[-1][0] - points[0][0]) / 1000
    average = sampled / (len(points) - 1)
    threshold = average * 1.1

    def clamped(distance):
        if counter and growth > 0 and values[0] >= 0:
            zero = sampled * over(values[0], growth)
            return zero if zero < distance else distance  # noqa: FURB136 - NaN is not less
        return distance

    if compat == 2:
        to_start = clamped(to_start)
        to_start = to_start if to_start < threshold else average / 2
    else:
        to_start = clamped(average / 2 if to_start >= threshold else to_start)
    to_end = average / 2 if to_end >= threshold else to_end
    factor = (sampled + to_start + to_end) / sampled
    if per_second:
        factor /= go_seconds(end - start)
    return growth * factor


def instantaneous(points, counter):
    if len(points) < 2:
        return None
    (t0, v0), (t1, v1) = points[-2:]
    growth = v1 if counter and v1 < v0 else v1 - v0
    return growth / ((t1 - t0) / 1000) if counter else growth


def line_at(p, q, at, counter):
    low, high = p[1], q[1]
    if counter and high < low:
        low = 0.0
    return low + (high - low) * float(at - p[0]) / float(q[0] - p[0])


def first_used(points, start):
    return max(0, next((i for i, p in enumerate(points[:-1]) if p[0] > start), len(points) - 1) - 1)


def edged(points, start, end, smoothed, counter, per_second):
    if not points:
        return None
    first, last = first_used(points, start), len(points) - 1
    if smoothed:
        last = next((i for i, p in enumerate(points[:-1]) if p[0] >= end), last)
    if points[last][0] <= start:
        return None
    left, right = points[first][1], points[last][1]
    if smoothed and points[first][0] < start:
        left = line_at(points[first], points[first + 1], start, counter)
    if smoothed and last > 0 and points[last][0] > end:
        right = line_at(points[last - 1], points[last], end, counter)
    growth = right - left
    if counter:
        a = first + 1 if points[first][0] <= start else first
        b = last - 1 if points[last][0] >= end else last
        mended, before = 0.0, left
        for now in [v for _, v in points[a : b + 1]] + [right]:
            if now < before:
                mended += before
            before = now
        growth += mended
    return growth / go_seconds(end - start) if per_second else growth


def resets(values):
    return float(sum(now < before for before, now in pairwise(values)))


def changes(values):
    return float(
        sum(
            now != before and not (math.isnan(now) and math.isnan(before))
            for before, now in pairwise(values)
        )
    )


def total(values):
    sum_, rest = 0.0, 0.0
    for v in values:
        sum_, rest = add(v, sum_, rest, 3)
    return sum_ if math.isinf(sum_) else sum_ + rest


def mean(values, compat):
    if compat == 2:
        answer, rest = 0.0, 0.0
        for count, v in enumerate(values, start=1):
            if math.isinf(answer) and (answer == v or math.isfinite(v)):
                continue
            answer, rest = add(v / count - answer / count, answer, rest, 2)
        return answer if math.isinf(answer) else answer + rest
    sum_, rest, answer, stepwise = values[0], 0.0, 0.0, False
    for count, v in enumerate(values[1:], start=2):
        if not stepwise:
            new, new_rest = add(v, sum_, rest, 3)
            if not math.isinf(new):
                sum_, rest = new, new_rest
                continue
            stepwise, answer, rest = True, sum_ / (count - 1), rest / (count - 1)
        share = (count - 1) / count
        answer, rest = add(v / count, share * answer, share * rest, 3)
    return answer + rest if stepwise else sum_ / len(values) + rest / len(values)


def variance(values, compat):
    middle, middle_rest, squares, squares_rest = 0.0, 0.0, 0.0, 0.0
    for count, v in enumerate(values, start=1):
        apart = v - (middle + middle_rest)
        middle, middle_rest = add(apart / count, middle, middle_rest, compat)
        squares, squares_rest = add(
            apart * (v - (middle + middle_rest)), squares, squares_rest, compat
        )
    return (squares + squares_rest) / len(values)


def deviation(values, compat):
    spread = variance(values, compat)
    return NAN if math.isnan(spread) or spread < 0 else math.sqrt(spread)


def extreme(points, better, better_or_equal):
    best = when = None
    for _, v in points:
        if best is None or better(v, best) or math.isnan(best):
            best = v
    kept = points[0][1]
    when = points[0][0]
    for t, v in points:
        if better_or_equal(v, kept) or math.isnan(kept):
            kept, when = v, t
    return best, when / 1000


def quantile(phi, values):
    if math.isnan(phi):
        return NAN
    if phi < 0 or phi > 1:
        return math.copysign(INF, phi)
    ordered = sorted(
        values, key=lambda v: (not math.isnan(v), 0 if math.isnan(v) else v, math.copysign(1, v))
    )
    rank = phi * (len(values) - 1)
    lower = int(max(0, math.floor(rank)))
    upper = min(len(values) - 1, lower + 1)
    weight = rank - math.floor(rank)
    return ordered[lower] * (1 - weight) + ordered[upper] * weight


def distance(values):
    middle = quantile(0.5, values)
    return quantile(0.5, [abs(v - middle) for v in values])


def line(points, origin, compat):
    if all(v == points[0][1] for _, v in points[1:]):
        return (NAN, NAN) if math.isinf(points[0][1]) else (0.0, points[0][1])
    sums = [(0.0, 0.0)] * 4
    for t, v in points:
        x = (t - origin) / 1e3
        sums = [add(n, *s, compat) for n, s in zip((x, v, x * v, x * x), sums, strict=True)]
    sx, sy, sxy, sxx = (a + b for a, b in sums)
    n = float(len(points))
    slope = over(sxy - sx * sy / n, sxx - sx * sx / n)
    return slope, sy / n - slope * sx / n


def smoothed(values, sf, tf):
    before, now, slope = 0.0, values[0], values[1] - values[0]
    for i, v in enumerate(values[1:]):
        slope = slope if i == 0 else tf * (now - before) + (1 - tf) * slope
        before, now = now, sf * v + (1 - sf) * (now + slope)
    return now


def answer(name, points, start, end, instant, params, compat, edges=""):
    """Give the function's value for one window's points (the run, with `edges`), None where absent."""
    values = [v for _, v in points]
    counter = name in {"rate", "increase", "irate"}
    if name in {"rate", "increase", "delta"}:
        if edges:
            return edged(points, start, end, edges == "smoothed", counter, name == "rate")
        return extrapolated(points, start, end, compat, counter, name == "rate")
    if name in {"irate", "idelta"}:
        return instantaneous(points, counter)
    if name in {"deriv", "predict_linear", "double_exponential_smoothing", "holt_winters"}:
        if len(points) < 2:
            return None
        if name == "deriv":
            return line(points, points[0][0], compat)[0]
        if name == "predict_linear":
            slope, intercept = line(points, instant, compat)
            return slope * params[0] + intercept
        return smoothed(values, *params)
    if not points:
        return None
    if name in {"changes", "resets"}:
        if edges:
            if points[-1][0] <= start:
                return None
            values = values[first_used(points, start) :]
        return changes(values) if name == "changes" else resets(values)
    return {
        "sum_over_time": lambda: total(values),
        "avg_over_time": lambda: mean(values, compat),
        "stdvar_over_time": lambda: variance(values, compat),
        "stddev_over_time": lambda: deviation(values, compat),
        "max_over_time": lambda: extreme(points, lambda a, b: a > b, lambda a, b: a >= b)[0],
        "ts_of_max_over_time": lambda: extreme(points, lambda a, b: a > b, lambda a, b: a >= b)[1],
        "min_over_time": lambda: extreme(points, lambda a, b: a < b, lambda a, b: a <= b)[0],
        "ts_of_min_over_time": lambda: extreme(points, lambda a, b: a < b, lambda a, b: a <= b)[1],
        "quantile_over_time": lambda: quantile(params[0], values),
        "mad_over_time": lambda: distance(values),
        "count_over_time": lambda: float(len(values)),
        "present_over_time": lambda: 1.0,
        "first_over_time": lambda: values[0],
        "last_over_time": lambda: values[-1],
        "ts_of_first_over_time": lambda: points[0][0] / 1000,
        "ts_of_last_over_time": lambda: points[-1][0] / 1000,
    }[name]()
