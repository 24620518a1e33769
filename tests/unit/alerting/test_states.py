"""Alert states: the step, and the same over a grid."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.alerting.rules.state import (
    RESOLVED_RETENTION_MS,
    STATES,
    Alert,
    Timing,
    alerts_series,
    for_state_series,
    state_columns,
    step,
)

MINUTE = 60_000


def _walk(presence: str, timing: Timing) -> str:
    alert, found = None, ""
    for index, flag in enumerate(presence):
        alert = step(alert, timing, index * MINUTE, present=flag == "x")
        found += "-" if alert is None else alert.state[0]
    return found


def test_an_alert_fires_once_its_expression_held_for_the_duration() -> None:
    assert _walk("xxxx", Timing(2 * MINUTE)) == "ppff"
    assert _walk("xx.xx", Timing(2 * MINUTE)) == "pp-pp"
    assert _walk("x", Timing()) == "f"


def test_keep_firing_for_bridges_a_gap_and_a_resolved_alert_is_remembered_for_a_while() -> None:
    assert (
        _walk("x..x..." + "." * 16, Timing(0, 2 * MINUTE)) == "fffffff"[:4] + "ff" + "i" * 16 + "-"
    )


def test_a_changed_for_counts_pending_from_when_it_began_and_never_unfires() -> None:
    pending = Alert("pending", 0)
    sooner = step(pending, Timing(MINUTE), MINUTE, present=True)
    assert sooner == Alert("firing", 0, fired_at_ms=MINUTE)
    assert step(sooner, Timing(10 * MINUTE), 2 * MINUTE, present=True) == sooner


alerts = st.none() | st.builds(
    Alert,
    state=st.just("firing"),
    active_at_ms=st.integers(-100, 0),
    fired_at_ms=st.just(0),
    keep_firing_since_ms=st.none() | st.integers(-20, 0),
)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, RESOLVED_RETENTION_MS // 3)), max_size=30),
    st.integers(0, 1_000_000),
    st.integers(0, 1_000_000),
    alerts,
    st.integers(0, 30),
)
def test_a_grid_agrees_with_steps_and_any_cut_of_it_too(
    points: list[tuple[bool, int]], for_ms: int, keep_ms: int, alert: Alert | None, cut: int
) -> None:
    timing, before = Timing(for_ms, keep_ms), alert
    times = np.cumsum(np.array([gap for _, gap in points], np.int64))
    present = np.array([[flag for flag, _ in points]], np.bool_)
    first = state_columns(present[:, :cut], times[:cut], timing, [before])
    second = state_columns(present[:, cut:], times[cut:], timing, first.after)
    states = np.concatenate([first.states, second.states], axis=1)[0]
    active = np.concatenate([first.active_at_ms, second.active_at_ms], axis=1)[0]
    for index, now in enumerate(times.tolist()):
        alert = step(alert, timing, now, present=bool(present[0, index]))
        awake = alert is not None and alert.state != "inactive"
        assert STATES[states[index]] == (alert.state if alert is not None else "inactive")
        assert active[index] == (alert.active_at_ms if alert is not None and awake else 0)
    assert second.after == (alert,)


def test_a_resolved_alert_is_forgotten_within_a_grid_too() -> None:
    times = np.array([0, 1, 2, RESOLVED_RETENTION_MS + 1, RESOLVED_RETENTION_MS + 2], np.int64)
    present = np.array([[True, False, False, False, False]])
    for count, state in ((4, "inactive"), (5, None)):
        (alert,) = state_columns(present[:, :count], times[:count], Timing(), [None]).after
        assert (alert and alert.state) == state


def test_an_alert_is_written_as_two_series() -> None:
    labels = (("alertname", "A"),)
    assert alerts_series(labels, "firing") == (
        ("__name__", "ALERTS"),
        ("alertname", "A"),
        ("alertstate", "firing"),
    )
    assert for_state_series(labels) == (("__name__", "ALERTS_FOR_STATE"), ("alertname", "A"))


def test_a_resolved_alert_is_remembered_for_a_quarter_of_an_hour() -> None:
    resolved = Alert("inactive", 0, 0, 0)
    assert step(resolved, Timing(), 15 * MINUTE, present=False) == resolved
    assert step(resolved, Timing(), 15 * MINUTE + 1, present=False) is None
