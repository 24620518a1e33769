"""A series in test notation: its name and labels, then points a step apart, expanded.

``a+bxn`` is n+1 points from a in steps of b, ``axn`` n+1 points a, ``_`` none, ``_xn`` none n
times, ``stale`` a stale marker. Source: Prometheus, "Unit testing for rules", "<series>".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from llm_research_lab.promql.errors import ExpressionError
from llm_research_lab.promql.nodes import Selector
from llm_research_lab.promql.parsing import parse
from llm_research_lab.vocabulary.labels import Labels, labels_of

STALE: Literal["stale"] = "stale"

Point = float | Literal["stale"] | None
"""A value, a stale marker, or no point."""

POINTS = 10_000_000
"""Most points of one line."""

_NUMBER = r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[iI]nf|[nN]a[nN])"
"""Not hexadecimal: ``1+0x10`` is eleven points."""
_POINT = re.compile(
    rf"(?:(?P<word>_|stale)|(?P<first>{_NUMBER})(?P<step>[+-](?:{_NUMBER.removeprefix('[+-]?')}))?)"
    r"(?:x(?P<times>[0-9]+))?"
)
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`")


_NATIVE = re.compile(r"\{\{|\bss\(")
"""A histogram, or a set of states, which is as little a float."""


class NativeHistogramError(ExpressionError):
    """The line has native histograms, which are not supported."""

    slug = "native-histogram"


@dataclass(frozen=True, slots=True)
class SeriesLine:
    """One line: the series and its points."""

    labels: Labels
    points: tuple[Point, ...]


def parse_series_line(text: str) -> SeriesLine:
    """Read a line. Raises ExpressionError."""
    series, points = split_series(text)
    return SeriesLine(parse_series(series), parse_points(points))


def split_series(text: str) -> tuple[str, str]:
    """Give the text of the series, and that of its points."""
    text = text.strip()
    end = _end_of_series(text)
    return text[:end], text[end:]


def parse_series(text: str) -> Labels:
    """Read ``name{label="value"}``; ``{}`` is the series without labels."""
    text = text.strip()
    if re.fullmatch(r"\{\s*\}", text):
        return ()
    try:
        expr = parse(text)
    except ExpressionError as error:
        if "matcher" not in str(error):
            raise
        expr = parse(_forced(text))
    if not isinstance(expr, Selector) or any(one.op != "=" for one in expr.matchers):
        raise _broken('a series such as name{label="value"}', text)
    pairs = ((one.name, one.value) for one in expr.matchers if one.name != _FORCED)
    return labels_of(pairs)


_FORCED = "forced"


def _forced(text: str) -> str:
    """A selector must have one matcher that is not empty; a series need not."""
    open_at = text.find("{")
    return f'{text[: open_at + 1]}{_FORCED}="1",{text[open_at + 1 :]}'


def parse_points(text: str) -> tuple[Point, ...]:
    """Read points. Raises ExpressionError."""
    if _NATIVE.search(text):
        raise NativeHistogramError(
            "series", "float samples", "a native histogram", "leave native histograms out"
        )
    points: list[Point] = []
    for word in text.split():
        points += _expanded(word)
        if len(points) > POINTS:
            raise _broken(f"at most {POINTS:,} points", word)
    return tuple(points)


def _expanded(word: str) -> list[Point]:
    found = _POINT.fullmatch(word)
    if found is None:
        raise _broken("a value, a+bxn, axn, _, _xn or stale", word)
    times = found["times"]
    if times is not None and int(times) > POINTS:
        raise _broken(f"at most {POINTS:,} points", word)
    if found["word"] == "_":
        return [None] * (1 if times is None else int(times))
    count = 1 if times is None else int(times) + 1
    if found["word"]:
        return [STALE] * count
    value, step = float(found["first"]), float(found["step"] or "0")
    if times is None and found["step"]:
        raise _broken("a+bxn", word)
    points: list[Point] = []
    for _ in range(count):
        points.append(value)
        value += step
    return points


def _end_of_series(text: str) -> int:
    """Find where the series ends: behind its braces, or at the first blank."""
    blanked = _QUOTED.sub(lambda quoted: "_" * len(quoted[0]), text)
    name = re.match(r"(?:(?!@st(?:\s|$))[^\s{])*", blanked)
    end = 0 if name is None else name.end()
    rest = blanked[end:]
    if rest.lstrip().startswith("{") and not rest.lstrip().startswith("{{"):
        closing = blanked.find("}", end)
        if closing < 0:
            raise _broken("a closing }", text)
        return closing + 1
    return end


def _broken(expected: str, got: str) -> ExpressionError:
    fix = "see Prometheus, Unit testing for rules, <series>"
    return ExpressionError("series", expected, repr(got[:80]), fix)
