"""What a child says is taken many lines at a time, and each line stays whole."""

from __future__ import annotations

import os
import threading

from llm_research_lab.service.children import GATHERED_BYTES, LONGEST_LINE, Child, gathered
from llm_research_lab.service.restarts import Policy


def taken(*pieces):
    """What is gathered from a pipe that is written so."""
    ours, theirs = os.pipe()

    def write():
        with os.fdopen(theirs, "wb", buffering=0) as pipe:
            for piece in pieces:
                pipe.write(piece)

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(ours, "rb") as pipe:
        found = list(gathered(pipe))
    writer.join()
    return found


def test_every_line_is_given_whole_and_in_order():
    lines = [b"%d " % number * (number % 50) + b"\n" for number in range(3_000)]
    found = taken(b"".join(lines)[:70_001], b"".join(lines)[70_001:])
    assert b"".join(found) == b"".join(lines)
    assert all(one.endswith(b"\n") for one in found)
    assert len(found) < len(lines) / 10
    assert all(len(one) <= GATHERED_BYTES + 1_000 for one in found)


def test_the_last_words_are_given_without_their_end():
    assert b"".join(taken(b"one\n", b"tw")) == b"one\ntw"


def test_a_line_without_an_end_is_not_kept_in_memory():
    found = taken(b"x" * (2 * LONGEST_LINE + 5))
    assert sum(map(len, found)) == 2 * LONGEST_LINE + 5
    assert all(len(one) <= LONGEST_LINE + GATHERED_BYTES for one in found)


class Stillborn:
    """A birth that breaks as nobody expected."""

    name = "api"

    def start(self, line):
        raise ZeroDivisionError("unexpected")


def test_whatever_ends_the_keeping_of_a_child_is_told_and_never_passes_in_silence():
    heard = []
    child = Child(Stillborn(), Policy(0.5, 30, 60), lambda: heard.append(child.failure))
    child.start()
    assert child.join(10)
    assert heard == [child.failure]
    assert "unexpected" in child.failure.got
