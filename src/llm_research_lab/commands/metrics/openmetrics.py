"""OpenMetrics as Prometheus back-fills it: a family at a time, a time behind each sample.

Source: OpenMetrics 1.0; Prometheus, "Backfilling from OpenMetrics format".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from math import isfinite, isnan
from pathlib import Path
from typing import BinaryIO

import numpy as np

from llm_research_lab.commands.metrics.samples import Numbering, Samples
from llm_research_lab.promql.values import Columns
from llm_research_lab.scrape.exposition import ExpositionError, Parsed, Series, parse_openmetrics
from llm_research_lab.vocabulary import InvalidError
from llm_research_lab.vocabulary.labels import METRIC_NAME, Labels, label, labels_of, without

PIECE_BYTES = 8_000_000
"""Text that is read at a time; no line is longer."""

_END = b"# EOF"
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_FIX = "mend the line, or export it anew; nothing of the file was imported"


class TextWriter:
    """Takes columns a family at a time; `close` ends the text."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self._family = ""

    def write(self, columns: Columns) -> int:
        """Write the samples that are no stale markers; give how many."""
        times, written = [seconds(time) for time in columns.times.tolist()], 0
        for row, labels in enumerate(columns.labels):
            self._begin(label(labels, METRIC_NAME))
            head, values = series_text(labels), columns.values[row].tolist()
            stale = None if columns.stale is None else columns.stale[row]
            kept = range(len(times)) if stale is None else np.flatnonzero(~stale).tolist()
            lines = [f"{head} {_number(values[at])} {times[at]}\n" for at in kept]
            self.file.write("".join(lines).encode())
            written += len(lines)
        return written

    def _begin(self, family: str) -> None:
        if family != self._family:
            self._family = family
            name = family if _METRIC.fullmatch(family) else _quoted(family)
            self.file.write(f"# TYPE {name} unknown\n".encode())

    def close(self) -> None:
        """Write the end."""
        self.file.write(_END + b"\n")

    def abandon(self) -> None:
        """Write nothing more."""


def seconds(time_ms: int) -> str:
    """Write seconds that Prometheus reads as these milliseconds.

    It multiplies a float and cuts it off; half a millisecond more survives that where the exact
    text does not. Source: Prometheus, model/textparse/openmetricsparse.go, Next.
    """
    whole, rest = divmod(abs(time_ms), 1000)
    text = f"{'-' if time_ms < 0 else ''}{whole}.{rest:03d}"
    return text if int(float(text) * 1000) == time_ms else f"{text}5"


def _number(value: float) -> str:
    """Write the shortest digits that read back as the same float, or OpenMetrics's words."""
    if isfinite(value):
        return repr(value).removesuffix(".0")
    return "NaN" if isnan(value) else "+Inf" if value > 0 else "-Inf"


def series_text(labels: Labels) -> str:
    """Write ``name{label="value"}``; names that are no identifiers are quoted in the braces."""
    name = label(labels, METRIC_NAME)
    plain = _METRIC.fullmatch(name) is not None
    pairs = [] if plain else [_quoted(name)]
    for key, value in without(labels, (METRIC_NAME,)):
        pairs.append(f"{key if _LABEL.fullmatch(key) else _quoted(key)}={_quoted(value)}")
    braces = f"{{{','.join(pairs)}}}" if pairs else ""
    return f"{name}{braces}" if plain else braces


def _quoted(text: str) -> str:
    escaped = text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'"{escaped}"'


def read_text(
    path: Path,
    numbering: Numbering,
    said: Callable[[int], None],
    piece_bytes: int = PIECE_BYTES,
) -> Iterator[Samples]:
    """Read text piece by piece, in memory that its length does not change.

    `said` is told the bytes of each piece. Raises InvalidError with line and column.
    """
    cache: dict[str, int] = {}

    def make(series: Series) -> int:
        return numbering.number(labels_of(series))

    number, ended = 0, False
    for body in _pieces(path, piece_bytes):
        if ended:
            raise _broken(path, number + 1, 1, "nothing after # EOF", "more lines")
        ended = body.removesuffix(b"\n").split(b"\n")[-1] == _END
        closed = body if ended else body.removesuffix(b"\n") + b"\n" + _END
        try:
            parsed = parse_openmetrics(closed, cache, make)
        except ExpositionError as error:
            line, column = map(int, error.where.split(":"))
            raise _broken(path, number + line, column, error.expected, error.got) from error
        if len(parsed.times) != len(parsed.values):
            line, column = _timeless(body, parsed)
            got = "the end of the line"
            raise _broken(path, number + line, column, "a time in seconds", got)
        number += body.count(b"\n") + (not body.endswith(b"\n"))
        count = len(parsed.values)
        yield Samples(
            np.array(parsed.series, dtype=np.int32),
            np.fromiter(parsed.times.values(), dtype=np.int64, count=count),
            np.array(parsed.values, dtype=np.float64),
            np.zeros(count, dtype=np.bool_),
        )
        said(len(body))
    if not ended:
        raise _broken(path, number + 1, 1, "# EOF", "the end of the file: it was cut off")


def _pieces(path: Path, piece_bytes: int) -> Iterator[bytes]:
    """Give whole lines, at most about two pieces of bytes at a time."""
    rest, number = b"", 0
    with path.open("rb") as file:
        while data := file.read(piece_bytes):
            lines, break_, begun = (rest + data).rpartition(b"\n")
            if len(begun) > piece_bytes:
                at = number + 1 + lines.count(b"\n") + bool(break_)
                raise _broken(path, at, 1, "a line", f"more than {piece_bytes:,} bytes")
            rest = begun
            if break_:
                number += lines.count(b"\n") + 1
                yield lines + break_
    if rest:
        yield rest


def _timeless(body: bytes, parsed: Parsed[int]) -> tuple[int, int]:
    """Find line and column of the first sample without a time."""
    first = next(at for at in range(len(parsed.values)) if at not in parsed.times)
    lines = body.split(b"\n")
    samples = [at for at, line in enumerate(lines) if not line.startswith(b"#")]
    line = lines[samples[first]].decode(errors="replace")
    end = line.find(" # {")
    return samples[first] + 1, (end if end >= 0 else len(line)) + 1


def _broken(path: Path, line: int, column: int, expected: str, got: str) -> InvalidError:
    return InvalidError(f"file {path}, line {line}, column {column}", expected, got, _FIX)
