"""A local root decides at its end over all below it: kept whole, or dropped whole."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

from llm_research_lab.telemetry import spans as spans_room
from llm_research_lab.telemetry import tracing
from llm_research_lab.telemetry.catalog import declaration
from llm_research_lab.telemetry.declared_spans import admission
from llm_research_lab.telemetry.spans import (
    SILENCE,
    SPANS_MOST,
    child,
    current,
    exemplar,
    handed_on,
    note,
)
from llm_research_lab.telemetry.traceparent import Parent
from llm_research_lab.telemetry.tracing import OFF, Tracer


class Kept:
    """A sink that holds what it was given."""

    def __init__(self):
        self.spans = []
        self.closed = 0

    def put(self, spans):
        self.spans += spans

    def close(self):
        self.closed += 1

    @property
    def names(self):
        return [span.name for span in self.spans]


def made(**settings):
    kept = Kept()
    return Tracer([kept], **settings), kept


def test_an_unsampled_quick_success_leaves_nothing():
    tracer, kept = made(ratio=0, slow_ms=10_000)
    with tracer.root("http_request", {}), child("database_read", {}):
        pass
    assert kept.spans == []
    assert tracer.decisions["dropped"] == 1


def test_an_error_is_kept_whole_with_what_lay_below_it():
    tracer, kept = made(ratio=0, slow_ms=10_000)
    with tracer.root("http_request", {}) as root, child("outer", {}) as outer:
        with child("inner", {}) as inner:
            pass
        root.fail("503")
    assert kept.names == ["inner", "outer", "http_request"]
    assert (inner.parent_id, outer.parent_id, root.parent_id) == (
        outer.span_id,
        root.span_id,
        None,
    )
    assert {span.trace for span in kept.spans} == {root.trace}
    assert root.attributes["error.type"] == "503"
    assert tracer.decisions["error"] == 1


def test_an_exception_is_a_failure_by_its_class_and_never_by_its_words():
    tracer, kept = made(ratio=0, slow_ms=10_000)
    with pytest.raises(ValueError, match="secret"), tracer.root("http_request", {}):
        raise ValueError("a secret prompt")
    [root] = kept.spans
    assert root.failure == "ValueError"
    assert "secret" not in repr(root.attributes)


def test_a_cancelled_request_did_not_fail():
    tracer, kept = made(ratio=1)
    with pytest.raises(asyncio.CancelledError), tracer.root("http_request", {}):
        raise asyncio.CancelledError
    assert kept.spans[0].failure is None
    assert kept.spans[0].attributes == {"error.type": "CancelledError"}


def test_a_child_that_failed_and_was_made_good_does_not_keep_the_trace():
    tracer, kept = made(ratio=0, slow_ms=10_000)
    with tracer.root("http_request", {}), pytest.raises(KeyError), child("database_read", {}):
        raise KeyError
    assert kept.spans == []


def test_slow_is_longer_than_the_setting():
    tracer, kept = made(ratio=0, slow_ms=0)
    with tracer.root("http_request", {}):
        pass
    assert kept.names == ["http_request"]
    assert tracer.decisions["slow"] == 1


def test_one_in_ten_is_kept():
    tracer, kept = made(ratio=0.1, slow_ms=10_000)
    for _ in range(3_000):
        with tracer.root("http_request", {}):
            pass
    assert 200 < len(kept.spans) < 400
    assert tracer.decisions["sampled"] == len(kept.spans)


@pytest.mark.parametrize("share", [True, False])
def test_a_parent_gives_trace_place_and_decision(share):
    tracer, kept = made(ratio=0.0 if share else 1.0, slow_ms=10_000)
    parent = Parent(7, 9, sampled=share)
    with tracer.root("http_request", {}, parent=parent) as root:
        pass
    assert (root.recording.trace_id, root.parent_id) == (7, 9)
    assert (kept.spans == [root]) is share


def test_what_is_handed_on_is_kept_and_names_the_span_that_hands_it():
    tracer, kept = made(ratio=0, slow_ms=10_000)
    with tracer.root("http_request", {}) as root:
        given = handed_on()
    assert given == Parent(root.recording.trace_id, root.span_id, sampled=True)
    assert kept.spans == [root]
    assert tracer.decisions["asked"] == 1


def test_what_outlives_its_root_shares_its_fate():
    tracer, kept = made(ratio=0, slow_ms=10_000)
    for wanted in (True, False):
        with tracer.root("http_request", {}, asked=wanted):
            late = child("late", {})
        with late:
            pass
    assert kept.names == ["http_request", "late"]


def test_a_span_is_current_only_inside_itself_and_on_tasks_begun_there():
    tracer, _ = made()

    async def seen():
        return current()

    async def run():
        with tracer.root("http_request", {}) as root:
            task = asyncio.create_task(seen())
            with child("below", {}) as below:
                assert current() is below
            assert current() is root
            assert await asyncio.to_thread(current) is root
            assert await task is root
        assert current() is None

    asyncio.run(run())


def test_outside_a_trace_and_with_a_tracer_that_is_off_all_is_silence():
    assert child("database_read", {}) is SILENCE
    with OFF.root("http_request", {}) as root:
        assert root is SILENCE
        root.set("a", 1)
        root.fail("x")
        note("a", 1)
        assert current() is exemplar() is handed_on() is None
    OFF.record("x", {}, place=Parent(1, 2, sampled=True), parent_id=None, start_ns=0)
    assert not OFF.on
    assert OFF.decisions["dropped"] == 0


def test_of_a_span_wanted_only_when_it_fails_success_is_let_go():
    tracer, kept = made(ratio=1)
    with tracer.root("model_inference", {}):
        with child("chat", {}, only_failed=True):
            pass
        with child("chat", {}, only_failed=True) as bad:
            bad.fail("timeout")
    assert kept.names == ["chat", "model_inference"]


def test_an_exemplar_is_given_only_of_a_trace_that_will_be_kept():
    tracer, _ = made(ratio=0, slow_ms=10_000)
    with tracer.root("http_request", {}) as root:
        assert exemplar() is None
        root.fail("500")
        assert exemplar() == {"trace_id": root.trace, "span_id": root.id}


def test_a_note_reaches_the_local_root():
    tracer, _ = made()
    with tracer.root("http_request", {}) as root, child("database_read", {}):
        note("experiment_id", "exp_1")
    assert root.attributes == {"experiment_id": "exp_1"}


def test_children_do_not_share_the_attributes_that_they_were_given():
    tracer, _ = made()
    given = {"db.operation.name": "read"}
    with tracer.root("http_request", {}), child("database_read", given) as one:
        one.fail("KeyError")
    assert given == {"db.operation.name": "read"}


def test_a_root_holds_so_many_spans_and_counts_the_others_when_it_is_kept():
    tracer, kept = made(ratio=0, slow_ms=10_000)
    for wanted in (True, False):
        with tracer.root("http_request", {}, asked=wanted):
            for _ in range(SPANS_MOST + 3):
                with child("database_read", {}):
                    pass
    assert len(kept.spans) == SPANS_MOST + 1
    assert tracer.lost == {"buffer": 3, "export": 0, "disk": 0}


def test_so_many_roots_are_open_at_once_and_further_ones_are_counted():
    tracer, kept = made(ratio=1)
    opened = [tracer.root("http_request", {}) for _ in range(tracing.OPEN_MOST)]
    assert tracer.root("http_request", {}) is SILENCE
    assert tracer.lost["buffer"] == 1
    for span in opened:
        with span:
            pass
    assert tracer.root("http_request", {}) is not SILENCE
    assert len(kept.spans) == tracing.OPEN_MOST


def test_a_recorded_span_stands_where_it_was_said_to_stand():
    tracer, kept = made(ratio=0)
    place = Parent(7, 9, sampled=True)
    tracer.record("execute_experiment", {"a": 1}, place=place, parent_id=3, start_ns=5, failure="x")
    [span] = kept.spans
    assert (span.recording.trace_id, span.span_id, span.parent_id, span.start_ns) == (7, 9, 3, 5)
    assert span.took_ns > 0
    assert (span.failure, span.attributes) == ("x", {"a": 1, "error.type": "x"})


def test_the_readings_are_the_declared_metrics():
    tracer, _ = made(ratio=1)
    with tracer.root("http_request", {}):
        pass
    tracer.lose("disk", 2)
    found = {(name, value): count for name, (value,), count in tracer.readings()}
    assert found["telemetry_traces_total", "sampled"] == 1
    assert found["telemetry_spans_lost_total", "disk"] == 2
    assert found["telemetry_spans_lost_total", "export"] == 0


def test_shutting_closes_every_sink():
    tracer, kept = made()
    tracer.shut()
    assert kept.closed == 1


def test_spans_that_end_on_other_threads_are_all_there():
    tracer, kept = made(ratio=1)

    def work():
        for _ in range(50):
            with child("database_read", {}):
                pass

    with tracer.root("http_request", {}) as root:
        threads = [
            threading.Thread(target=contextvars.copy_context().run, args=(work,)) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(kept.spans) == 201
    assert {span.parent_id for span in kept.spans[:-1]} == {root.span_id}
    assert len({span.span_id for span in kept.spans}) == 201


def test_ids_are_never_zero():
    tracer, _ = made()
    assert spans_room.Span(tracer.root("x", {}).recording, "x", "internal", None, {}).span_id


def test_a_span_that_is_not_as_declared_is_refused_and_goes_no_further():
    refused = []
    declared = {"db.system.name": "sqlite", "db.operation.name": "read"}
    kept = Kept()
    admitted = admission(declaration(), lambda: refused.append(1), strict=False)
    tracer = Tracer([kept], ratio=1, admitted=admitted)
    place = Parent(1, 2, sampled=True)
    tracer.record("database_read", declared, place=place, parent_id=None, start_ns=0)
    tracer.record("database_read", {**declared, "x": 1}, place=place, parent_id=None, start_ns=0)
    tracer.record("undeclared", {}, place=place, parent_id=None, start_ns=0)
    assert kept.names == ["database_read"]
    assert len(refused) == 2


def test_under_test_such_a_span_is_an_error_that_says_what_is_wrong():
    tracer = Tracer(ratio=1, admitted=admission(declaration(), lambda: None, strict=True))
    about = {"gen_ai.operation.name": "chat"}
    with pytest.raises(ValueError, match="sample is missing"), tracer.root("chat echo", about):
        pass
