"""Kept spans are in the directory for an hour, within their bytes, readable after any end."""

from __future__ import annotations

import json
import os
import resource
import time

import pytest

from llm_research_lab.telemetry.span_store import PARTS, SpanStore, read_spans
from llm_research_lab.telemetry.spans import child
from llm_research_lab.telemetry.tracing import Tracer


class Into:
    """A sink that writes at once."""

    def __init__(self, store):
        self.store = store
        self.lost = 0

    def put(self, spans):
        self.lost += self.store.write(spans)

    def close(self):
        self.store.close()


def traced(store, count=1, **attributes):
    tracer = Tracer([Into(store)], ratio=1)
    ids = []
    for _ in range(count):
        with tracer.root("http_request", {**attributes}, kind="server") as span:
            pass
        ids.append(span.trace)
    return ids


def size(folder):
    return sum(path.stat().st_size for path in folder.iterdir())


def test_what_is_written_by_several_processes_is_read_as_one_by_time(tmp_path):
    one, two = SpanStore(tmp_path, "api-1"), SpanStore(tmp_path, "runner-2")
    ids = [traced(store)[0] for store in (one, two, one)]
    found = read_spans(tmp_path)
    assert [span["trace_id"] for span in found] == ids
    assert [span["process"] for span in found] == ["api-1", "runner-2", "api-1"]
    assert found[0]["kind"] == "server"
    assert found[0]["kept"] == "sampled"


def test_segments_are_private_and_one_processs_own(tmp_path):
    traced(SpanStore(tmp_path, "api-1"))
    traced(SpanStore(tmp_path, "api-2"))
    assert len(list(tmp_path.iterdir())) == 2
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_the_bytes_of_all_processes_are_bounded_and_the_newest_stay(tmp_path):
    most = 64_000
    stores = [SpanStore(tmp_path, f"api-{n}", most_bytes=most) for n in range(2)]
    last = [traced(store, 50, what="x" * 100)[-1] for _ in range(10) for store in stores]
    assert size(tmp_path) <= most + 2 * most // PARTS
    known = {span["trace_id"] for span in read_spans(tmp_path)}
    assert set(last[-2:]) <= known
    assert last[0] not in known


def test_what_is_older_than_the_age_is_not_read_and_is_swept_away(tmp_path):
    store = SpanStore(tmp_path, "api-1", age_seconds=100)
    traced(store)
    [segment] = tmp_path.iterdir()
    assert read_spans(tmp_path, age_seconds=0) == []
    os.utime(segment, (time.time() - 101, time.time() - 101))
    store.sweep()
    assert list(tmp_path.iterdir()) == []


def test_a_segment_that_another_swept_away_is_followed_by_a_new_one(tmp_path):
    store = SpanStore(tmp_path, "api-1")
    traced(store)
    for path in tmp_path.iterdir():
        path.unlink()
    [second] = traced(store)
    assert [span["trace_id"] for span in read_spans(tmp_path)] == [second]


def test_a_torn_line_costs_itself_alone(tmp_path):
    traced(SpanStore(tmp_path, "api-1"), 3)
    [segment] = tmp_path.iterdir()
    whole = segment.read_bytes()
    for cut in range(len(whole) - 60, len(whole) - 1):
        segment.write_bytes(whole[:cut])
        assert len(read_spans(tmp_path)) == 2
    segment.write_bytes(whole + b'{"no": "span"}\n[1]\n\xff\xfe\n')
    assert len(read_spans(tmp_path)) == 3


def test_of_two_spans_with_one_id_the_later_line_counts(tmp_path):
    store = SpanStore(tmp_path, "runner-1")
    traced(store)
    [segment] = tmp_path.iterdir()
    span = json.loads(segment.read_bytes())
    segment.write_bytes(
        b"".join(json.dumps({**span, "failure": failure}).encode() + b"\n" for failure in "ab")
    )
    assert [span["failure"] for span in read_spans(tmp_path)] == ["b"]


def test_only_lines_with_the_text_are_read_when_one_is_given(tmp_path):
    store = SpanStore(tmp_path, "api-1")
    first, second = traced(store, 2)
    assert [span["trace_id"] for span in read_spans(tmp_path, first)] == [first]
    assert second != first


def test_a_directory_without_traces_has_none(tmp_path):
    assert read_spans(tmp_path / "missing") == []


def test_attributes_keep_their_types(tmp_path):
    traced(SpanStore(tmp_path, "api-1"), text="a", number=1, real=0.5, yes=True, many=("a", "b"))
    [span] = read_spans(tmp_path)
    assert span["attributes"] == {
        "text": "a",
        "number": 1,
        "real": 0.5,
        "yes": True,
        "many": ["a", "b"],
    }


def test_a_directory_that_cannot_be_written_is_said(tmp_path):
    store = SpanStore(tmp_path / "missing", "api-1")
    with pytest.raises(FileNotFoundError):
        traced(store)


def test_what_a_full_disk_did_not_take_is_counted_and_writing_goes_on_in_a_new_segment(tmp_path):
    into = Into(SpanStore(tmp_path, "api-1"))
    tracer = Tracer([into], ratio=1)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
    try:
        with tracer.root("http_request", {}):
            for _ in range(9):
                with child("database_read", {}):
                    pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    kept = len(read_spans(tmp_path))
    assert 0 < kept < 10
    assert into.lost == 10 - kept
    with tracer.root("http_request", {}):
        pass
    assert len(read_spans(tmp_path)) == kept + 1
    assert len(list(tmp_path.iterdir())) == 2
    into.close()
    into.close()
