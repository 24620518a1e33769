"""An event is written as declared; what is not raises under test, and is counted otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from llm_research_lab.telemetry import context, events
from llm_research_lab.telemetry.catalog import declaration
from llm_research_lab.telemetry.events import emit, made
from llm_research_lab.telemetry.strict import STRICT

REQUEST = {"method": "GET", "path": "/v1/x", "status": 200, "duration_ms": 1.5, "user_agent": "me"}
START = {"experiment_type": "evaluation", "dataset_name": "ann/x@v1"}


def test_tests_are_strict():
    assert STRICT


@pytest.mark.parametrize(
    ("name", "fields", "what"),
    [
        ("no.such", {}, "is not declared"),
        ("process.ready", {"url": "x", "more": 1}, "more is not declared"),
        ("process.ready", {}, "url is missing"),
        ("process.ready", {"url": 3}, "url is no text"),
        ("process.port_taken", {"wanted": True, "port": 1, "of": "api"}, "wanted is no integer"),
        ("process.port_taken", {"wanted": 1, "port": 1, "of": "tea"}, "of is none of"),
        ("api.request", REQUEST, "request_id is missing"),
    ],
)
def test_what_is_not_as_declared_raises_even_when_its_level_is_not_written(log, name, fields, what):
    log.configure("critical")
    with pytest.raises(ValueError, match=what):
        emit(name, **fields)


def test_an_event_has_its_own_fields_and_the_declared_words(log):
    log.configure()
    with context.bound(request_id="r1"):
        emit("api.request", **{**REQUEST, "user_agent": None})
    [line] = log.lines
    assert (line["event"], line["level"]) == ("api.request", "info")
    assert line["message"] == declaration().events["api.request"].message
    assert {name: line.get(name) for name in REQUEST} == {**REQUEST, "user_agent": None}
    assert "user_agent" not in line  # what is not known is not there


def test_a_line_that_is_made_knows_where_it_was_said_and_is_written_later(log):
    log.configure()
    with context.bound(request_id="r1", trace_id="t1"):
        line = made("experiment.start", {"experiment_id": "e1", "user_id": "ann"}, **START)
    assert log.lines == []
    events.write(line)
    [written] = log.lines
    assert written.items() >= {**START, "request_id": "r1", "experiment_id": "e1"}.items()
    assert (written["user_id"], written["file"]) == ("ann", Path(__file__).name)


def test_nothing_is_made_below_the_level(log):
    log.configure("warn")
    with context.bound(request_id="r1"):
        assert made("api.request", **REQUEST) is None


def test_where_nobody_said_where_lines_go_only_what_is_grave_is_told(caplog):
    emit("process.stopped")
    emit("process.port_taken", wanted=1, port=2, of="api")
    assert [record.getMessage() for record in caplog.records] == [
        "Port taken: {'wanted': 1, 'port': 2, 'of': 'api'}"
    ]


LENIENT = """
from llm_research_lab.telemetry import events, logs
counted = []
logs.configure("api", "info")
events.on_refused(lambda: counted.append(1))
events.emit("process.ready", more=1)
events.emit("no.such", text="x")
print(len(counted))
"""


def test_outside_tests_it_is_counted_and_written_all_the_same():
    told = subprocess.run(
        [sys.executable, "-c", LENIENT],
        env={**os.environ, "LAB_STRICT_SIGNALS": ""},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert '"event":"process.ready"' in told[0]
    assert '"more":1' in told[0]
    assert '"event":"no.such"' in told[1]
    assert told[2] == "2"
