"""A late loop, an exception that nobody caught, and a line of the log are each observed."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
import time

import pytest
from prometheus_client import CollectorRegistry

from llm_research_lab.telemetry.catalog import declaration
from llm_research_lab.telemetry.instruments import Instruments
from llm_research_lab.telemetry.log_lines import LineCounter
from llm_research_lab.telemetry.loop_lag import watch_loop
from llm_research_lab.telemetry.panics import Panics


@pytest.fixture
def api():
    registry = CollectorRegistry()
    return Instruments.of(declaration(), "api", registry, strict=True), registry.get_sample_value


async def test_what_holds_the_loop_shows_as_lag(api):
    instruments, value = api
    task = asyncio.create_task(watch_loop(instruments))
    await asyncio.sleep(0.05)
    time.sleep(0.3)  # noqa: ASYNC251 - this is what is to be seen
    await asyncio.sleep(0.15)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert value("event_loop_lag_seconds_count") >= 1
    assert value("event_loop_lag_seconds_sum") >= 0.2


@pytest.fixture
def panics(api):
    quiet = sys.excepthook, threading.excepthook
    sys.excepthook, threading.excepthook = lambda *_: None, lambda _: None
    one = Panics(api[0])
    one.watch()
    yield one
    one.close()
    sys.excepthook, threading.excepthook = quiet


def test_an_exception_that_ends_a_thread_or_the_process_is_a_panic(api, panics):
    value = api[1]

    def broken():
        raise ValueError

    thread = threading.Thread(target=broken)
    thread.start()
    thread.join()
    assert value("panic_total") == 1
    sys.excepthook(ValueError, ValueError(), None)
    assert value("panic_total") == 2
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert value("panic_total") == 2


async def test_an_exception_that_ends_a_task_unasked_is_a_panic(api, panics, caplog):
    loop = asyncio.get_running_loop()
    panics.watch_loop(loop)
    loop.call_exception_handler({"message": "broken", "exception": ValueError()})
    loop.call_exception_handler({"message": "only said"})
    assert api[1]("panic_total") == 1


@pytest.mark.parametrize("word", ["debug", "info", "warn", "error", "critical"])
def test_a_line_is_counted_under_the_specs_word(api, word):
    instruments, value = api
    counter = LineCounter(instruments, "llm-research-lab-api")
    counter.count(word)
    labels = {"level": word, "service": "llm-research-lab-api"}
    assert value("log_lines_total", labels) == 1


async def test_a_panic_is_a_line_of_the_log_where_there_is_one_and_shown_nowhere_else(
    panics, log, capsys
):
    log.configure()
    secret = "lab_" + "s" * 43

    def broken():
        raise ValueError(secret)

    thread = threading.Thread(target=broken)
    thread.start()
    thread.join()
    loop = asyncio.get_running_loop()
    panics.watch_loop(loop)
    loop.call_exception_handler({"message": "broken", "exception": ValueError(secret)})
    sys.excepthook(ValueError, ValueError(secret), None)
    said = [(line["event"], line["level"], line["where"]) for line in log.lines]
    assert said == [("process.panic", "critical", where) for where in ("thread", "task", "process")]
    assert all("ValueError: ***" in line["exception"] for line in log.lines)
    assert capsys.readouterr() == ("", "")
