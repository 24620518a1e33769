"""A traceparent is read as W3C has it, and what is none begins a new trace."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from llm_research_lab.telemetry.traceparent import Parent, read_traceparent

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEX = "0123456789abcdef"


@given(
    st.integers(min_value=1, max_value=(1 << 128) - 1),
    st.integers(min_value=1, max_value=(1 << 64) - 1),
    st.booleans(),
)
def test_what_is_written_is_read_again(trace_id, span_id, share):
    parent = Parent(trace_id, span_id, share)
    assert read_traceparent(str(parent)) == parent


@given(
    st.builds(
        "{}-{}-{}-{}{}".format,
        st.sampled_from(["00", "01", "fe", "ff", "0"]),
        st.one_of(st.just(TRACE), st.just("0" * 32), st.text(HEX + "AG", min_size=31, max_size=33)),
        st.one_of(st.just(SPAN), st.just("0" * 16), st.text(HEX + "AG", min_size=15, max_size=17)),
        st.sampled_from(["00", "01", "03", "ff", "0", "0g"]),
        st.sampled_from(["", "-", "-more", ".more"]),
    )
)
def test_opentelemetrys_propagator_reads_the_same(text):
    judged = get_current_span(
        TraceContextTextMapPropagator().extract({"traceparent": text})
    ).get_span_context()
    ours = read_traceparent(text)
    if ours is None:
        assert not judged.is_valid
    else:
        assert (ours.trace_id, ours.span_id) == (judged.trace_id, judged.span_id)
        assert ours.sampled == judged.trace_flags.sampled


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-01\n",
    ],
)
def test_anything_else_is_none(text):
    assert read_traceparent(text) is None


def test_of_a_later_version_the_first_four_fields_count():
    found = read_traceparent(f"42-{TRACE}-{SPAN}-01-what comes later")
    assert found == Parent(int(TRACE, 16), int(SPAN, 16), sampled=True)
