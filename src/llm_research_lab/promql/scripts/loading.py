"""What a script loaded: by series, values by instant, and when the counters of these began.

A native histogram is no sample here, but ends what was before it as a stale marker does; which
series have any is kept, so that what asks for them can be told from what is wrong.

Source: prometheus/prometheus, promql/promqltest (README.md; ``series@st`` in test.go).
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from llm_research_lab.promql.errors import ExpressionError
from llm_research_lab.promql.notation import (
    POINTS,
    STALE,
    Point,
    parse_points,
    parse_series,
    split_series,
)
from llm_research_lab.promql.scripts.reading import Load
from llm_research_lab.promql.values import Columns, Need, Times
from llm_research_lab.vocabulary.durations import parse_duration
from llm_research_lab.vocabulary.labels import METRIC_NAME, Labels, label, labels_of, without
from llm_research_lab.vocabulary.matchers import accepts

_NATIVE = re.compile(
    r"(?:\{\{.*?\}\}(?:\s*[+-]\s*\{\{.*?\}\})?|ss\([^)]*\))(?:\s*x(?P<times>[0-9]+))?"
)
"""A native histogram, steps of one, or a set of states; how often."""

_STARTS = re.compile(r"@st(?=\s|$)")
_SPAN = r"(?:(?:[0-9]+(?:ms|[ywdhms]))+|0)"
_START = re.compile(
    rf"(?:(?P<none>_)|(?P<first>[+-]?{_SPAN})(?P<step>[+-]{_SPAN})?)(?:x(?P<times>[0-9]+))?"
)
_BUCKET = "_bucket"


@dataclass(slots=True)
class Samples:
    """By series, values by instant; the instants at which counters began; who has histograms."""

    series: dict[Labels, dict[int, Point]] = field(default_factory=lambda: defaultdict(dict))
    starts: dict[Labels, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    native: set[Labels] = field(default_factory=set)

    def load(self, command: Load) -> None:
        """Add the samples of a ``load``. Raises ExpressionError."""
        for _, text in command.series:
            name, points = split_series(text)
            labels = parse_series(name)
            if _STARTS.match(points):
                self._begin(labels, _STARTS.sub("", points, count=1), command.step_ms)
                continue
            floats = _NATIVE.sub(_as_stale, points)
            if floats != points:
                self.native.add(labels)
            for place, point in enumerate(parse_points(floats)):
                if point is not None:
                    self.series[labels][place * command.step_ms] = point
            if command.histograms:
                self.native.update(_made_of(labels))

    def _begin(self, labels: Labels, text: str, step_ms: int) -> None:
        for place, offset in enumerate(_offsets(text)):
            if offset is not None:
                self.starts[labels][place * step_ms] = place * step_ms + offset

    def fetch(self, need: Need) -> list[Columns]:
        """Give the samples of a need."""
        found = []
        for labels, samples in self.series.items():
            times = sorted(t for t in samples if need.from_ms <= t <= need.to_ms)
            if times and accepts(need.matchers, labels):
                points = [samples[time] for time in times]
                stale = np.array([[point == STALE for point in points]])
                values = np.array([[math.nan if p == STALE else p for p in points]], np.float64)
                marked = stale if stale.any() else None
                at = np.array(times, np.int64)
                found.append(Columns((labels,), at, values, marked, starts=self._begun(labels, at)))
        return found

    def _begun(self, labels: Labels, times: Times) -> Times | None:
        known = self.starts.get(labels)
        return None if known is None else np.array([[known.get(int(t), 0) for t in times]])

    def histograms(self, need: Need) -> bool:
        """Whether a need reads a series that has native histograms."""
        return any(accepts(need.matchers, labels) for labels in self.native)


def _as_stale(native: re.Match[str]) -> str:
    times = native["times"]
    return f" {STALE} " if times is None else f" {STALE}x{times} "


def _made_of(labels: Labels) -> list[Labels]:
    """The histogram with custom buckets that ``load_with_nhcb`` makes of a classic one's bucket."""
    name = label(labels, METRIC_NAME)
    if not name.endswith(_BUCKET):
        return []
    rest = without(labels, (METRIC_NAME, "le"))
    return [labels_of((*rest, (METRIC_NAME, name.removesuffix(_BUCKET))))]


def _offsets(text: str) -> Iterator[int | None]:
    """Read how far from its sample each counter began: ``-1m``, ``-30s-1mx2``, ``_``."""
    for word in text.split():
        found = _START.fullmatch(word)
        times = int(found["times"] or 0) if found else POINTS + 1
        if found is None or times > POINTS or (found["step"] and found["times"] is None):
            fix = "write it as -30s-1mx2, from the sample's own time"
            raise ExpressionError("start timestamps", "a, axn, a+bxn, _ or _xn", word[:80], fix)
        if found["none"]:
            yield from [None] * (1 if found["times"] is None else times)
            continue
        first, step = _signed(found["first"]), _signed(found["step"] or "0")
        yield from (first + place * step for place in range(times + 1))


def _signed(text: str) -> int:
    size = parse_duration(text.lstrip("+-"))
    return -size if text.startswith("-") else size
