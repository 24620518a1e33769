"""Text 0.0.4: a sample a line, its time in milliseconds; other comments mean nothing.

Source: Prometheus, "Exposition formats", text-based format; model/textparse/promparse.go.
"""

from __future__ import annotations

import re

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
from llm_research_lab.scrape.exposition.series import TEXT, read_series

TYPES = frozenset({"counter", "gauge", "histogram", "summary", "untyped", "unknown"})

_TIME = re.compile(r"[-+]?[0-9]+")
_COMMENT = re.compile(r"#[ \t]+(HELP|TYPE)[ \t]+")
_TOKEN = re.compile(r"[^ \t]+")
_BLANK = " \t"
_ENDS = ("", " ", "\t")
_INT64 = 1 << 63


def parse_text(
    body: bytes, cache: Cache[Made], make: Make[Made], into: Parsed[Made] | None = None
) -> Parsed[Made]:
    """Read an exposition; `make` is called for each series' text that the cache lacks.

    Raises ExpositionError at the first line that is wrong, and what `make` raises; `into` then has
    what stood before.
    """
    parsed: Parsed[Made] = Parsed() if into is None else into
    lines = decoded(body).split("\n")
    number = 0
    try:
        for number, line in enumerate(lines, 1):  # noqa: B007 - an error tells it
            if not line:
                continue
            if line[0] == "#":
                _comment(line, parsed)
            else:
                _sample(line, parsed, cache, make)
    except LineError as error:
        raise error.at(number) from None
    return parsed


def _sample(line: str, parsed: Parsed[Made], cache: Cache[Made], make: Make[Made]) -> None:
    """Read one line: by its series' text if that is known, else by its letters."""
    end = line.rfind("}") + 1 or line.find(" ")
    made = cache.get(line[:end]) if end > 0 else None
    if made is None:
        start = len(line) - len(line.lstrip(_BLANK))
        if start == len(line):
            return
        if line[start] == "#":
            _comment(line[start:], parsed)
            return
        if start:
            broken(line, 0, "a metric's name: Prometheus takes no blank before it")
        series, end = read_series(line, 0, TEXT)
        if line[end - 1] != "}" and line[end : end + 1] not in _ENDS:
            broken(line, end, "a blank")
        made = cache.get(line[:end])
        if made is None:
            made = cache[line[:end]] = make(series)
    tail = line[end:]
    tokens = tail.split() if tail.isprintable() else _TOKEN.findall(tail)
    try:
        token = tokens[0]
    except IndexError:
        broken(line, len(line), "a value")
    value = read_value(line, token, line.find(token, end))
    if len(tokens) > 1:
        parsed.times[len(parsed.series)] = _time(line, tokens, end)
    parsed.values.append(value)
    parsed.series.append(made)


def _time(line: str, tokens: list[str], end: int) -> int:
    """Read the sample's own time."""
    column = line.find(tokens[1], end + 1 + len(tokens[0]))
    if len(tokens) > 2:  # noqa: PLR2004 - value and time
        broken(line, column + len(tokens[1]), "the end of the line")
    if not _TIME.fullmatch(tokens[1]) or not -_INT64 <= int(tokens[1]) < _INT64:
        broken(line, column, "a time in milliseconds")
    return int(tokens[1])


def _comment(line: str, parsed: Parsed[Made]) -> None:
    """Read HELP and TYPE; pass over what is neither."""
    found = _COMMENT.match(line)
    if found is None:
        return
    at = found.end()
    name = NAME.match(line, at) or QUOTED.match(line, at)
    if name is None:
        broken(line, at, "a metric's name")
    family = unescaped(name[1]) if name.lastindex else name[0]
    text = line[name.end() + 1 :]
    if found[1] == "HELP":
        add_metadata(parsed.metadata, family, "help", unescaped(repaired(text)))
    elif text not in TYPES:
        broken(
            line, min(name.end() + 1, len(line)), "counter, gauge, histogram, summary or untyped"
        )
    else:
        add_metadata(parsed.metadata, family, "type", "unknown" if text == "untyped" else text)
