"""A lock has one holder, and is free when the holder and all who inherited it are gone."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from llm_research_lab.storage.lock import held, holder, take
from llm_research_lab.vocabulary import ConflictError, InvalidError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lock"


def test_a_second_taker_is_refused_and_told_who_holds_it(path):
    with take(path), pytest.raises(ConflictError) as refused:
        take(path)
    assert f"pid {os.getpid()}" in refused.value.got
    take(path).release()


def test_a_taker_waits_as_long_as_it_was_told(path):
    with take(path):
        began = time.monotonic()
        with pytest.raises(ConflictError):
            take(path, wait_seconds=0.12)
        assert 0.1 < time.monotonic() - began < 10


def test_the_record_says_who_took_it_last_even_when_it_is_free_again(path):
    assert holder(path) is None
    take(path).release()
    found = holder(path)
    assert found is not None
    assert found.pid == os.getpid()
    assert abs(found.started_at - time.time() * 1000) < 5_000


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"pid": "x", "started_at": 1}', "\x00" * 2000])
def test_a_broken_record_is_nobodys_and_the_lock_still_refuses(path, text):
    with take(path):
        path.write_text(text)
        assert holder(path) is None
        with pytest.raises(ConflictError, match="another process"):
            take(path)


def test_releasing_twice_is_releasing_once(path):
    lock = take(path)
    lock.release()
    lock.release()
    assert not held(path)


def test_an_heir_holds_on_after_its_parent_let_go(path):
    lock = take(path)
    heir = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[lock.descriptor]
    )
    lock.release()
    with pytest.raises(ConflictError):
        take(path)
    heir.communicate(b"\n", timeout=10)
    take(path).release()


def test_a_process_that_was_not_given_it_does_not_hold_it(path):
    lock = take(path)
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    lock.release()
    take(path).release()
    other.communicate(b"\n", timeout=10)


def test_whether_it_is_held_is_known_without_taking_it(path):
    assert not held(path)
    with take(path):
        assert held(path)
    with take(path, shared=True):
        assert held(path)
    assert not held(path)


def test_a_lock_that_is_shared_later_bears_sharers(path):
    lock = take(path)
    lock.share()
    with take(path, shared=True), pytest.raises(ConflictError):
        take(path)
    lock.release()


def test_a_place_that_is_no_directory_is_the_users_mistake(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InvalidError):
        take(tmp_path / "file" / "lock")
