"""A line is JSON with its fields to a program, readable to a person, and never a secret."""

from __future__ import annotations

import io
import json
import logging
import re

import pytest
import structlog

from llm_research_lab import __version__
from llm_research_lab.service.logs import Handler, configure, masked
from llm_research_lab.service.secret import Secret

KEY = "lab_" + "a" * 43


@pytest.fixture
def stream():
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


class Terminal(io.StringIO):
    def isatty(self):
        return True


def lines(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_its_fields_first_whoever_wrote_it(stream):
    configure("api", "info", stream)
    structlog.get_logger("one").info("it happened", port=3)
    logging.getLogger("two").warning("so did %s", "that")
    first, second = lines(stream)
    order = ["timestamp", "level", "event", "service", "version", "logger"]
    assert list(first)[:6] == order
    assert list(second)[:6] == order
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", first["timestamp"])
    assert (first["level"], first["event"], first["logger"], first["port"]) == (
        "info",
        "it happened",
        "one",
        3,
    )
    assert (second["level"], second["event"]) == ("warn", "so did that")
    assert (second["service"], second["version"]) == ("api", __version__)


def test_less_than_the_level_is_not_said(stream):
    configure("api", "warn", stream)
    log = structlog.get_logger("one")
    log.info("no")
    log.warning("yes")
    log.critical("and yes")
    assert [line["level"] for line in lines(stream)] == ["warn", "critical"]


def test_an_exception_stays_on_its_line(stream):
    configure("api", "info", stream)
    try:
        int("inside")
    except ValueError:
        logging.getLogger("one").exception("broke")
    (line,) = lines(stream)
    assert line["level"] == "error"
    assert "ValueError: invalid literal" in line["exception"]


@pytest.mark.parametrize("make", [io.StringIO, Terminal])
def test_no_secret_is_ever_written(stream, make):
    del stream
    out = make()
    configure("api", "debug", out)
    log = structlog.get_logger("one")
    log.info("with %s inside", KEY, key="hush", headers={"Authorization": "hush", "host": "shown"})
    log.info("sent", text="Authorization: Bearer hush.hush", api_key="hush", held=Secret("hush"))
    logging.getLogger("two").warning("provider said %s", "sk-proj-" + "h" * 30)
    try:
        secret = "hush"  # noqa: F841 - a local, which a traceback must not show
        int(f"no {KEY}")
    except ValueError:
        logging.getLogger("two").exception("broke")
    written = out.getvalue()
    assert "hush" not in written.replace('secret = "hush"', "")
    assert KEY not in written
    assert "sk-proj" not in written
    assert "shown" in written


def test_a_word_that_only_looks_near_a_secret_is_shown():
    text = "task-12 took sk-1, lab_notes, Bearer"
    assert masked(text) == text


def test_a_person_reads_words(stream):
    del stream
    out = Terminal()
    configure("up", "info", out)
    structlog.get_logger("one").info("it happened", port=3)
    written = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())
    assert "it happened" in written
    assert "port=3" in written
    assert not written.startswith("{")


def test_a_line_that_cannot_be_written_is_counted_and_nobody_else_hears_of_it(stream):
    class Full(io.StringIO):
        def write(self, _):
            raise OSError(28, "No space left on device")

    before = Handler.lost
    configure("api", "info", Full())
    structlog.get_logger("one").info("lost")
    assert Handler.lost == before + 1
    assert stream.getvalue() == ""
