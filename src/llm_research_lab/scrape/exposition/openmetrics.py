"""OpenMetrics: one blank between parts, times in seconds, exemplars, and ``# EOF`` at the end.

Exemplars are checked and skipped; ``_created`` lines are samples like any other, as Prometheus has
them. Source: OpenMetrics 1.0; Prometheus, model/textparse/openmetricsparse.go.
"""

from __future__ import annotations

import re
from math import isfinite

from llm_research_lab.scrape.exposition.samples import (
    NAME,
    QUOTED,
    Cache,
    LineError,
    Made,
    Make,
    Parsed,
    add_metadata,
    broken,
    decoded,
    read_value,
    repaired,
    unescaped,
)
from llm_research_lab.scrape.exposition.series import OPENMETRICS, read_labels, read_series

TYPES = frozenset(
    {"counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset", "unknown"}
)

_COMMENT = re.compile(r"# (HELP|TYPE|UNIT) ")
_EXEMPLAR = " # {"
_TOKEN = re.compile(r" ([^ ]+)")
_END = "# EOF"


def parse_openmetrics(
    body: bytes, cache: Cache[Made], make: Make[Made], into: Parsed[Made] | None = None
) -> Parsed[Made]:
    """Read an exposition; `make` is called for each series' text that the cache lacks.

    Raises ExpositionError at the first line that is wrong, or where the end is missing, and what
    `make` raises; `into` then has what stood before.
    """
    parsed: Parsed[Made] = Parsed() if into is None else into
    lines = decoded(body).split("\n")
    number = 0
    try:
        for number, line in enumerate(lines, 1):
            if line == _END:
                _finish(lines, number)
                return parsed
            if line.startswith("#"):
                _comment(line, parsed)
            else:
                _sample(line, parsed, cache, make)
    except LineError as error:
        raise error.at(number) from None
    raise LineError(len(lines[-1]), _END, "the end of the text").at(number)


def _finish(lines: list[str], number: int) -> None:
    """Refuse what follows the end."""
    if lines[number:] not in ([], [""]):
        raise LineError(len(_END), "the end of the text", "more lines")


def _sample(line: str, parsed: Parsed[Made], cache: Cache[Made], make: Make[Made]) -> None:
    """Read one line: by its series' text if that is known, else by its letters."""
    tail = line.find(_EXEMPLAR)
    end = (line.rfind("}") if tail < 0 else line.rfind("}", 0, tail)) + 1 or line.find(" ")
    made = cache.get(line[:end]) if end > 0 else None
    if made is None:
        series, end = read_series(line, 0, OPENMETRICS)
        made = cache.get(line[:end])
        if made is None:
            made = cache[line[:end]] = make(series)
    value, at = _number(line, end, "a value")
    if at < len(line):
        if not line.startswith(_EXEMPLAR, at):
            parsed.times[len(parsed.series)], at = _time(line, at)
        if at < len(line):
            _exemplar(line, at)
    parsed.values.append(value)
    parsed.series.append(made)


def _number(line: str, at: int, expected: str) -> tuple[float, int]:
    """Read a blank and a number; give it and the column after."""
    found = _TOKEN.match(line, at)
    if found is None:
        broken(line, at, f"one blank and {expected}")
    return read_value(line, found[1], at + 1), found.end()


def _time(line: str, at: int) -> tuple[int, int]:
    """Read seconds as milliseconds, cut off as Prometheus cuts them."""
    seconds, end = _number(line, at, "a time in seconds")
    if not isfinite(seconds) or abs(seconds) >= 2**63 / 1000:
        broken(line, at + 1, "a finite time in seconds")
    return int(seconds * 1000), end


def _exemplar(line: str, at: int) -> None:
    """Check what follows the sample."""
    if not line.startswith(_EXEMPLAR, at):
        broken(line, at, "an exemplar or the end of the line")
    _, at = read_labels(line, at + len(_EXEMPLAR), OPENMETRICS)
    _, at = _number(line, at, "an exemplar's value")
    if at < len(line):
        _, at = _time(line, at)
    if at < len(line):
        broken(line, at, "the end of the line")


def _comment(line: str, parsed: Parsed[Made]) -> None:
    """Read TYPE, HELP or UNIT; there are no other comments."""
    found = _COMMENT.match(line)
    if found is None:
        broken(line, 0, "# TYPE, # HELP, # UNIT or # EOF")
    at = found.end()
    name = NAME.match(line, at) or QUOTED.match(line, at)
    if name is None:
        broken(line, at, "a metric's name")
    family = unescaped(name[1]) if name.lastindex else name[0]
    at = name.end()
    if not line.startswith(" ", at):
        broken(line, at, "one blank and text")
    text, kind = line[at + 1 :], found[1].lower()
    if kind == "type" and text not in TYPES:
        broken(line, at + 1, f"one of {', '.join(sorted(TYPES))}")
    if kind == "unit" and text and not family.endswith("_" + text):
        broken(line, at + 1, "a unit that the name ends with")
    add_metadata(parsed.metadata, family, kind, unescaped(repaired(text)))
