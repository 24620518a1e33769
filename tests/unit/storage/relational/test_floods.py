"""A queue that is full refuses: being slow for all is worse than saying so to some."""

from __future__ import annotations

import threading
from concurrent.futures import Future

import pytest

from llm_research_lab.storage.relational import readers, writer
from llm_research_lab.storage.relational.connections import Line, engine_over, raw
from llm_research_lab.storage.relational.readers import Readers
from llm_research_lab.storage.relational.unit import Unit
from llm_research_lab.storage.relational.writer import Writer
from llm_research_lab.vocabulary import UnavailableError


def opened():
    return Line(engine_over(lambda: raw(":memory:")))


@pytest.fixture(params=["writer", "readers"])
def queue(request):
    if request.param == "writer":
        made = Writer(opened, committed=lambda _: None, idle=lambda *_: None, rest_seconds=0)
    else:
        made = Readers(opened, lambda _: None)
    yield made
    made.close()


def unit(run):
    return Unit(run, Future(), None, 0.0)


def test_a_full_queue_refuses_and_what_it_took_is_done(queue):
    leave = threading.Event()
    holders = [unit(lambda _: leave.wait(10)) for _ in range(readers.READERS)]
    for holder in holders:
        queue.put(holder)
    with pytest.raises(UnavailableError, match="waiting already"):  # noqa: PT012 - one will be
        for _ in range(max(writer.QUEUE_LIMIT, readers.QUEUE_LIMIT) + 5):
            queue.put(unit(lambda _: None))
    leave.set()
    assert holders[0].future.result(10) is True
    queue.close()
    assert queue.waiting == 0
