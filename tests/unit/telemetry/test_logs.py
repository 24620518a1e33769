"""A line is JSON with its fields to a program, readable to a person, and never a secret."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import threading
from pathlib import Path

import pytest

from llm_research_lab import __version__
from llm_research_lab.service.secret import Secret
from llm_research_lab.telemetry import context, logs
from llm_research_lab.telemetry.catalog import declaration
from llm_research_lab.telemetry.events import emit
from llm_research_lab.telemetry.tracing import Tracer

KEY = "lab_" + "a" * 43


def test_every_line_has_its_fields_in_order_whoever_wrote_it(log):
    log.configure(environment="staging")
    emit("process.ready", url="http://x")
    logging.getLogger("two").warning("so did %s", "that")
    ours, library = log.lines
    declared = list(declaration().line)
    for line in (ours, library):
        known = [name for name in line if name in declared]
        assert known == [name for name in declared if name in line]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line["timestamp"])
        assert (line["service"], line["version"]) == ("llm-research-lab-api", __version__)
        assert (line["environment"], line["thread"]) == ("staging", "MainThread")
        assert isinstance(line["line"], int)
    assert (ours["level"], ours["event"], ours["message"]) == ("info", "process.ready", "Ready")
    assert ours["logger"] == __name__
    assert ours["file"] == Path(__file__).name
    assert (library["level"], library["event"], library["text"]) == (
        "warn",
        "library.message",
        "so did that",
    )
    assert library["logger"] == "two"


def test_a_file_is_named_from_its_package_on():
    assert logs.file_of(logs.__file__) == "llm_research_lab/telemetry/logs.py"
    assert logs.file_of(pytest.__file__) == "pytest/__init__.py"
    assert logs.file_of("/somewhere/else.py") == "else.py"


def test_the_ids_of_the_work_and_of_its_trace_are_on_the_line(log):
    log.configure()
    work = context.begin(request_id="r1")
    with Tracer().root("http_request", {}) as span:
        context.learn(user_id="ann", session_id="key_1")
        with context.bound(experiment_id="exp_1"):
            logging.getLogger("two").warning("inside")
        logging.getLogger("two").warning("outside")
    context.end(work)
    logging.getLogger("two").warning("after")
    inside, outside, after = log.lines
    ids = {"request_id": "r1", "user_id": "ann", "session_id": "key_1", "trace_id": span.trace}
    assert inside.items() >= {**ids, "experiment_id": "exp_1", "span_id": span.id}.items()
    assert outside.items() >= ids.items()
    assert not {*ids, "experiment_id", "span_id"} & after.keys()
    assert "experiment_id" not in outside


def test_less_than_the_level_is_not_said(log):
    log.configure("warn")
    said = logging.getLogger("one")
    for level in (logging.INFO, logging.WARNING, logging.CRITICAL):
        said.log(level, "x")
    emit("process.stopped")
    assert [line["level"] for line in log.lines] == ["warn", "critical"]


def test_a_logger_has_a_level_of_its_own_and_both_change_while_the_process_runs(log):
    log.configure("warn", levels={"one.inner": "debug"})
    inner, outer = logging.getLogger("one.inner.most"), logging.getLogger("one")
    for turn, (level, levels) in enumerate(
        [(None, None), ("info", {}), ("error", {"one": "info"})]
    ):
        if level is not None:
            logs.set_levels(level, levels)
        inner.debug("%d inner debug", turn)
        inner.info("%d inner info", turn)
        outer.info("%d outer info", turn)
        logging.getLogger("other").warning("%d other warn", turn)
    assert [line["text"] for line in log.lines] == [
        "0 inner debug",
        "0 inner info",
        "0 other warn",
        "1 inner info",
        "1 outer info",
        "1 other warn",
        "2 inner info",
        "2 outer info",
    ]


def test_a_chatty_library_is_heard_from_warnings_on_unless_asked_for(log):
    log.configure("debug")
    httpx = logging.getLogger("httpx")
    httpx.info("GET")
    httpx.warning("slow")
    logs.set_levels("debug", {"httpx": "info"})
    httpx.info("asked for")
    assert [line["text"] for line in log.lines] == ["slow", "asked for"]


@pytest.mark.parametrize("name", ["sqlalchemy.engine", "sqlalchemy.engine.Engine", "httpcore"])
def test_a_library_that_shows_rows_or_headers_at_debug_is_never_heard_so(log, name):
    log.configure("debug", levels={name: "debug"})
    logging.getLogger(name).debug("private")
    logging.getLogger(f"{name}.inner").debug("private")
    logging.getLogger(name).info("shown")
    assert [line["text"] for line in log.lines] == ["shown"]


def test_an_exception_stays_on_its_line(log):
    log.configure()
    try:
        int("inside")
    except ValueError as error:
        logging.getLogger("one").exception("broke")
        emit("process.panic", where="task", exception=error)
    for line in log.lines:
        assert line["exception"].startswith("Traceback")
        assert line["exception"].endswith(
            "ValueError: invalid literal for int() with base 10: 'inside'"
        )


def test_a_librarys_broken_message_is_told_and_not_raised(log):
    log.configure()
    logging.getLogger("one").warning("%d of them", "many")
    assert log.lines[0]["text"] == "%d of them (TypeError in its arguments)"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("make", [io.StringIO, Terminal])
def test_no_secret_is_ever_written(log, make):
    del log
    out = make()
    logs.configure("api", "debug", out)
    entry = {
        "user_agent": f"with {KEY} inside",
        "metadata": {"Authorization": "hush", "api_key": "hush", "token": Secret("hush"), "k": 1},
    }
    emit("audit.login", audit_log={**entry, "password": "hush", "host": "shown"})
    logging.getLogger("two").warning("provider said %s", "sk-proj-" + "h" * 30)
    logging.getLogger("two").warning("sent Authorization: Bearer hush.hush")
    try:
        secret = "hush"  # noqa: F841 - a local, which a traceback must not show
        int(f"no {KEY}")
    except ValueError:
        logging.getLogger("two").exception("broke")
    written = out.getvalue()
    assert "hush" not in written
    assert KEY not in written
    assert "sk-proj" not in written
    assert "shown" in written


def test_a_person_reads_words(log):
    del log
    out = Terminal()
    logs.configure("up", "info", out)
    emit("process.port_taken", wanted=1, port=2, of="api")
    written = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())
    assert "Port taken" in written
    assert "process.port_taken" in written
    assert "wanted=1" in written
    assert "version" not in written
    assert not written.startswith("{")


def test_what_json_cannot_carry_is_written_all_the_same(log):
    log.configure()
    emit("process.ready", url="half \ud83d")
    emit("process.ready", url=f"{2**70}")
    emit("audit.login", audit_log={"n": 2**70, "what": object})
    assert log.lines[0]["url"] == "half \ud83d"
    assert log.lines[2]["audit_log"]["n"] == 2**70


def test_a_line_that_cannot_be_written_is_counted_and_nobody_else_hears_of_it(log):
    class Full(io.StringIO):
        def write(self, _):
            raise OSError(28, "No space left on device")

    del log
    out = logs.configure("api", "info", Full())
    emit("process.stopped")
    assert out.lost == 1


def test_a_line_is_counted_under_its_level_whoever_wrote_it(log):
    counted = []
    log.configure().counted = counted.append
    emit("process.stopped")
    logging.getLogger("two").log(35, "between")
    logging.getLogger("two").critical("last")
    assert counted == ["info", "warn", "critical"]
    assert logs.word_of(3) == "debug"


def test_lines_of_many_threads_reach_a_pipe_whole(log):
    del log
    ours, theirs = os.pipe()
    with os.fdopen(theirs, "w") as stream:
        logs.configure("api", "info", stream)
        long = "x" * 10_000  # more than a pipe takes at once

        def say():
            for _ in range(20):
                emit("process.ready", url=long)

        threads = [threading.Thread(target=say, name=f"t{n}") for n in range(4)]
        with os.fdopen(ours) as read:
            for thread in threads:
                thread.start()
            lines = [json.loads(read.readline()) for _ in range(80)]
            for thread in threads:
                thread.join()
    assert {line["url"] for line in lines} == {long}
    assert {line["thread"] for line in lines} == {"t0", "t1", "t2", "t3"}
