"""An experiment moves only along these edges; every refusal says why."""

from __future__ import annotations

from typing import get_args

import pytest

from llm_research_lab.experiments.lifecycle import Event, Moved, Refused, move
from llm_research_lab.experiments.specification import TERMINAL, Status

# One line a status; a dash is a refusal.       start     pause    resume   cancel      retry    finish      fail
TABLE = {
    "queued": "                                 running   paused   -        cancelled   -        -           -",
    "running": "                                running   paused   -        cancelled   -        completed   failed",
    "paused": "                                 -         -        queued   cancelled   -        completed   failed",
    "completed": "                              -         -        -        -           queued   -           -",
    "failed": "                                 -         -        -        -           queued   -           -",
    "cancelled": "                              -         -        -        -           -        -           -",
}
CASES = [
    (status, event, after)
    for status, line in TABLE.items()
    for event, after in zip(get_args(Event), line.split(), strict=True)
]


def test_the_table_has_every_status():
    assert set(TABLE) == set(get_args(Status))


@pytest.mark.parametrize(("status", "event", "after"), CASES)
def test_an_event_does_what_the_table_says_and_nothing_else(status, event, after):
    decided = move(status, event, "paused by ann")
    if after == "-":
        assert isinstance(decided, Refused)
        assert decided.reason == f"it is {status}"
        assert len(decided.fix) > 20
    else:
        assert decided == Moved(after, "paused by ann")


def test_what_has_ended_is_only_left_by_a_retry():
    left = {
        (status, event) for status, event, after in CASES if status in TERMINAL and after != "-"
    }
    assert left == {("completed", "retry"), ("failed", "retry")}


@pytest.mark.parametrize(
    ("status", "event", "fix"),
    [
        ("cancelled", "retry", "cancelled is for good"),
        ("running", "retry", "wait until it has finished"),
        ("completed", "cancel", "completed is an end: create a new experiment"),
        ("paused", "pause", "an experiment that is queued or running can pause"),
        ("queued", "resume", "an experiment that is paused can resume"),
    ],
)
def test_a_refusal_says_what_to_do_instead(status, event, fix):
    assert move(status, event).fix.startswith(fix)


def test_without_a_reason_there_is_none():
    assert move("queued", "start") == Moved("running", None)
