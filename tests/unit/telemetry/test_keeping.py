"""What is kept is decided by the head's share and the tail's facts, for a reason that is said."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.sampling import Decision as SdkDecision
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

from llm_research_lab.telemetry.keeping import decide, sampled, sampled_by_ratio

IDS = st.integers(min_value=1, max_value=(1 << 128) - 1)
RATIOS = st.floats(min_value=0, max_value=1)
SLOW = 100_000_000


@given(IDS, RATIOS)
def test_the_share_is_the_one_that_opentelemetrys_sdk_takes(trace_id, ratio):
    judged = TraceIdRatioBased(ratio).should_sample(None, trace_id, "x").decision
    assert sampled_by_ratio(trace_id, ratio) == (judged is SdkDecision.RECORD_AND_SAMPLE)


@given(IDS, RATIOS, RATIOS)
def test_a_larger_ratio_samples_all_that_a_smaller_one_does(trace_id, one, other):
    low, high = sorted((one, other))
    assert sampled_by_ratio(trace_id, low) <= sampled_by_ratio(trace_id, high)


@given(IDS)
def test_nothing_and_everything_are_ratios(trace_id):
    assert not sampled_by_ratio(trace_id, 0.0)
    assert sampled_by_ratio(trace_id, 1.0)


@given(IDS, RATIOS, st.booleans())
def test_a_parents_decision_stands_whatever_the_ratio(trace_id, ratio, parent):
    assert sampled(trace_id, ratio, parent) is parent
    assert sampled(trace_id, ratio, None) == sampled_by_ratio(trace_id, ratio)


@given(st.booleans(), st.booleans(), st.booleans(), st.integers(min_value=0, max_value=3 * SLOW))
def test_only_what_nobody_asked_for_and_went_well_in_time_is_dropped(asked, share, failed, took):
    decision = decide(asked=asked, sampled=share, failed=failed, took_ns=took, slow_ns=SLOW)
    wanted = asked or share or failed or took > SLOW
    assert (decision != "dropped") == wanted
    if failed and not asked:
        assert decision == "error"


def test_exactly_the_bound_is_not_slow():
    facts = {"asked": False, "sampled": False, "failed": False, "slow_ns": SLOW}
    assert decide(**facts, took_ns=SLOW) == "dropped"
    assert decide(**facts, took_ns=SLOW + 1) == "slow"
