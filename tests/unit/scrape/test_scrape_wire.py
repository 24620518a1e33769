"""Remote write and read, on the wire."""

import contextlib

import numpy as np
import pytest
from cramjam import snappy
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.promql.values import STALE_BITS, Columns
from llm_research_lab.scrape.remote import (
    ReadQuery,
    decode_read,
    decode_read_response,
    decode_write,
    encode_read,
    encode_read_response,
    encode_write,
)
from llm_research_lab.scrape.remote.messages import ReadRequest, WriteRequest
from llm_research_lab.storage.timeseries.port import Batch
from llm_research_lab.vocabulary import InvalidError, LabError, TooLargeError
from llm_research_lab.vocabulary.labels import labels_of
from llm_research_lab.vocabulary.matchers import Matcher

A = labels_of({"__name__": "a", "x": "ä"})
B = labels_of({"__name__": "b"})


def batch(labels, times, values, stale=None):
    return Batch(
        tuple(labels),
        np.array(times, dtype=np.int64),
        np.array(values, dtype=np.float64),
        None if stale is None else np.array(stale, dtype=np.bool_),
    )


def test_what_is_written_is_what_is_read_stale_markers_and_other_nans_told_apart():
    sent = batch([A, B, A], [1, -2, 3], [0.1, np.nan, np.nan], [False, False, True])
    got = decode_write(encode_write(sent))
    assert got.labels == (A, A, B)
    assert got.times.tolist() == [1, 3, -2]
    assert got.stale.tolist() == [False, True, False]
    assert got.values[0] == 0.1
    assert got.values.view(np.uint64)[1] == STALE_BITS
    assert got.values.view(np.uint64)[2] == 0x7FF8000000000001


def test_without_a_stale_marker_there_are_no_flags_and_nothing_may_be_sent():
    assert decode_write(encode_write(batch([A], [1], [2.0]))).stale is None
    assert decode_write(encode_write(batch([], [], []))).labels == ()
    assert decode_write(b"").labels == ()


def test_the_bits_on_the_wire_are_those_of_a_double():
    plain = bytes(snappy.decompress_raw(encode_write(batch([B], [1], [1.5]))))
    assert b"\x09" + np.float64(1.5).tobytes() + b"\x10\x01" in plain


def packed(*series):
    message = WriteRequest()
    for labels in series:
        one = message.timeseries.add()
        for name, value in labels:
            one.labels.add(name=name, value=value)
        one.samples.add(value=0, timestamp=1)
    return bytes(snappy.compress_raw(message.SerializeToString()))


@pytest.mark.parametrize(
    "labels",
    [[("x", "y")], [("__name__", "a"), ("x", "1"), ("x", "2")], [("__name__", "a"), ("", "1")]],
)
def test_a_series_without_a_name_or_with_a_label_twice_is_refused(labels):
    with pytest.raises(InvalidError):
        decode_write(packed(labels))


def test_labels_are_sorted_and_empty_ones_dropped():
    got = decode_write(packed([("x", "1"), ("__name__", "a"), ("b", "")]))
    assert got.labels == ((("__name__", "a"), ("x", "1")),)


def test_a_series_without_samples_brings_none():
    message = WriteRequest()
    message.timeseries.add().labels.add(name="__name__", value="a")
    assert decode_write(bytes(snappy.compress_raw(message.SerializeToString()))).labels == ()


@pytest.mark.parametrize(
    "body", [b"\xff\xff", b"no snappy", bytes(snappy.compress_raw(b"\x0a\xff\xff"))]
)
def test_malformed_bytes_are_refused_by_each_reader(body):
    for decode in (decode_write, decode_read, decode_read_response):
        with pytest.raises(InvalidError):
            decode(body)


@given(st.binary(max_size=60))
def test_whatever_comes_in_only_our_errors_come_out(body):
    for decode in (decode_write, decode_read, decode_read_response):
        for form in (body, bytes(snappy.compress_raw(body))):
            with contextlib.suppress(LabError):
                decode(form)


def test_what_declares_to_be_large_is_refused_before_it_is_unpacked():
    with pytest.raises(TooLargeError):
        decode_write(b"\xff\xff\xff\xff\x0f")
    with pytest.raises(TooLargeError):
        decode_write(bytes(snappy.compress_raw(bytes(1000))), most_bytes=999)


def test_a_question_comes_back_as_it_was_asked():
    asked = [
        ReadQuery(
            (
                Matcher("a", "=", "b"),
                Matcher("c", "!=", ""),
                Matcher("d", "=~", "e.*"),
                Matcher("f", "!~", "g"),
            ),
            -5,
            10,
        ),
        ReadQuery((), 0, 0),
    ]
    assert decode_read(encode_read(asked)) == asked


@pytest.mark.parametrize(("kind", "value"), [(4, "x"), (-1, "x"), (2, "(")])
def test_a_matcher_of_no_known_kind_or_no_expression_is_refused(kind, value):
    message = ReadRequest()
    message.queries.add().matchers.add(type=kind, name="a", value=value)
    with pytest.raises(InvalidError):
        decode_read(bytes(snappy.compress_raw(message.SerializeToString())))


def test_an_answer_has_its_series_sorted_and_its_samples_by_time():
    late = Columns((B, A), np.array([5, 6]), np.array([[1.0, 2.0], [3.0, 4.0]]))
    soon = Columns((A,), np.array([1]), np.array([[np.nan]]), np.array([[True]]))
    first, second = decode_read_response(encode_read_response([[late, soon], []]))
    assert second == []
    assert [one.labels for one in first] == [(A,), (B,)]
    assert first[0].times.tolist() == [1, 5, 6]
    assert first[0].values[0, 1:].tolist() == [3.0, 4.0]
    assert first[0].stale.tolist() == [[True, False, False]]
    assert first[1].stale is None
