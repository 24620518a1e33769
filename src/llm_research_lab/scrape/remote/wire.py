"""Remote write and read are snappy-packed protobuf: what is sent is received, stale markers too.

Malformed bytes raise InvalidError, bytes that unpack to too much TooLargeError; nothing else is
raised whatever comes in.

Source: Prometheus Remote-Write 1.0 specification; prometheus/prometheus, storage/remote/codec.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from cramjam import DecompressionError, snappy
from google.protobuf.message import DecodeError

from llm_research_lab.promql.values import STALE_BITS, Columns, Flags, Floats, Need, Times
from llm_research_lab.scrape.remote.messages import ReadRequest, ReadResponse, WriteRequest
from llm_research_lab.storage.timeseries.port import Batch
from llm_research_lab.vocabulary import InvalidError, TooLargeError
from llm_research_lab.vocabulary.labels import METRIC_NAME, Labels
from llm_research_lab.vocabulary.matchers import Matcher, Op

ReadQuery = Need
"""Asked from the other side: matchers and a range of times, both ends included."""

MOST_BYTES = 64 << 20
"""What a message may unpack to; a sender's default request of 2,000 samples has about 300 KiB."""

_OPS: Final[tuple[Op, ...]] = ("=", "!=", "=~", "!~")
"""By number. Source: prompb/types.proto, LabelMatcher.Type."""

_NUMBERS = {op: number for number, op in enumerate(_OPS)}

_NAN_BITS = 0x7FF8000000000001
"""Source: Prometheus, model/value/value.go, NormalNaN."""

Entry = tuple[int, int]
"""A sample as it travels: milliseconds, and the value's bits."""


def decode_write(body: bytes, most_bytes: int = MOST_BYTES) -> Batch:
    """Give the samples of a write request, one entry each, in the order sent.

    Labels are sorted, empty ones dropped; a series without a name, with a label twice or with text
    that is not UTF-8 raises InvalidError. Exemplars, histograms and metadata are skipped.
    """
    message = _unpacked(WriteRequest, body, "remote write", most_bytes)
    labels: list[Labels] = []
    times: list[int] = []
    bits: list[int] = []
    for series in message.timeseries:
        samples = series.samples
        if not samples:
            continue
        labels.extend([_labels(series.labels)] * len(samples))
        times.extend([sample.timestamp for sample in samples])
        bits.extend([sample.value for sample in samples])
    values, stale = _values(bits)
    return Batch(tuple(labels), np.array(times, dtype=np.int64), values, stale)


def encode_write(batch: Batch) -> bytes:
    """Pack the samples, a series once, its samples in the batch's order."""
    by_series: dict[Labels, list[Entry]] = {}
    times = batch.times.tolist()
    for labels, time, bits in zip(
        batch.labels, times, _bits(batch.values, batch.stale), strict=True
    ):
        by_series.setdefault(labels, []).append((time, bits))
    message = WriteRequest()
    _add_all(message.timeseries, by_series)
    return _packed(message)


def decode_read(body: bytes, most_bytes: int = MOST_BYTES) -> list[ReadQuery]:
    """Give what is asked. A matcher of no known kind, or no RE2 expression, raises InvalidError."""
    message = _unpacked(ReadRequest, body, "remote read", most_bytes)
    return [
        ReadQuery(
            tuple(_matcher(one) for one in query.matchers),
            query.start_timestamp_ms,
            query.end_timestamp_ms,
        )
        for query in message.queries
    ]


def encode_read(queries: Iterable[ReadQuery]) -> bytes:
    """Pack what is asked."""
    message = ReadRequest()
    for query in queries:
        one = message.queries.add(start_timestamp_ms=query.from_ms, end_timestamp_ms=query.to_ms)
        for matcher in query.matchers:
            one.matchers.add(type=_NUMBERS[matcher.op], name=matcher.name, value=matcher.value)
    return _packed(message)


def encode_read_response(answers: Sequence[Sequence[Columns]]) -> bytes:
    """Pack an answer a query: series sorted by labels, the samples of each by time."""
    message = ReadResponse()
    for answer in answers:
        result = message.results.add()
        by_series: dict[Labels, list[Entry]] = {}
        for columns in answer:
            times = columns.times.tolist()
            for row, labels in enumerate(columns.labels):
                stale = None if columns.stale is None else columns.stale[row]
                entries = zip(times, _bits(columns.values[row], stale), strict=True)
                by_series.setdefault(labels, []).extend(entries)
        _add_all(
            result.timeseries, {labels: sorted(by_series[labels]) for labels in sorted(by_series)}
        )
    return _packed(message)


def decode_read_response(body: bytes, most_bytes: int = MOST_BYTES) -> list[list[Columns]]:
    """Give an answer a query, each series in columns of its own; of equal times the last stands."""
    message = _unpacked(ReadResponse, body, "remote read's answer", most_bytes)
    return [
        [_columns(series) for series in result.timeseries if series.samples]
        for result in message.results
    ]


def _unpacked(kind: Callable[[], Any], body: bytes, where: str, most_bytes: int) -> Any:
    """Unpack, and read the message."""
    plain = unsnapped(body, where, most_bytes)
    message = kind()
    try:
        message.ParseFromString(plain)
    except DecodeError as error:
        raise _malformed(where, "a protobuf message", str(error)) from None
    return message


def unsnapped(body: bytes, where: str, most_bytes: int = MOST_BYTES) -> bytes:
    """Unpack snappy's block format; what it declares to hold is checked before it is unpacked."""
    try:
        size = snappy.decompress_raw_len(body) if body else 0
        if size > most_bytes:
            raise TooLargeError(
                where, f"at most {most_bytes} bytes unpacked", f"{size}", "send less at once"
            )
        return bytes(snappy.decompress_raw(body)) if body else b""
    except DecompressionError as error:
        raise _malformed(where, "snappy's block format", str(error)) from None


def _packed(message: Any) -> bytes:
    return bytes(snappy.compress_raw(message.SerializeToString()))


def _malformed(where: str, expected: str, got: str) -> InvalidError:
    fix = "send protobuf in snappy's block format, as Prometheus does"
    return InvalidError(where, expected, got, fix)


def _labels(pairs: Any) -> Labels:
    """Sort the labels of a series, and check them."""
    found = {pair.name: pair.value for pair in pairs}
    if len(found) != len(pairs):
        raise _malformed("remote write", "each label once", f"{sorted(found)[:20]}")
    labels = tuple(sorted((name, value) for name, value in found.items() if value))
    if not found.get(METRIC_NAME) or "" in found:
        raise _malformed("remote write", "named labels and a metric's name", f"{labels}"[:200])
    return labels


def _matcher(one: Any) -> Matcher:
    if not 0 <= one.type < len(_OPS):
        raise _malformed("remote read", "a matcher of kind 0 to 3", str(one.type))
    return Matcher(one.name, _OPS[one.type], one.value)


def _values(bits: list[int]) -> tuple[Floats, Flags | None]:
    """Floats, and which of them are stale markers."""
    raw = np.array(bits, dtype=np.uint64)
    stale = raw == STALE_BITS
    return raw.view(np.float64), stale if stale.any() else None


def _bits(values: Floats, stale: Flags | None) -> list[int]:
    """Bits to send: a flag makes a stale marker, and nothing else does."""
    raw = np.ascontiguousarray(values, dtype=np.float64).view(np.uint64).copy()
    raw[np.isnan(values)] = _NAN_BITS
    if stale is not None:
        raw[stale] = STALE_BITS
    found: list[int] = raw.tolist()
    return found


def _add_all(into: Any, by_series: Mapping[Labels, Sequence[Entry]]) -> None:
    for labels, entries in by_series.items():
        series = into.add()
        for name, value in labels:
            series.labels.add(name=name, value=value)
        for time, bits in entries:
            series.samples.add(value=bits, timestamp=time)


def _columns(series: Any) -> Columns:
    """One series' samples, with rising times."""
    by_time = {sample.timestamp: sample.value for sample in series.samples}
    times: Times = np.array(sorted(by_time), dtype=np.int64)
    values, stale = _values([by_time[time] for time in times.tolist()])
    labels = tuple(sorted((pair.name, pair.value) for pair in series.labels if pair.value))
    return Columns((labels,), times, values[None, :], None if stale is None else stale[None, :])
