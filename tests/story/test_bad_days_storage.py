"""A store that is locked or full says so, takes nothing half, and goes on by itself afterwards."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.servers.absent import absent
from tests.servers.bad_days import (
    Lab,
    begin,
    check_whole,
    ended,
    lab,
    own_mounts,
    show,
    sow,
    until,
)

SLOW = {"provider": "echo", "id": "echo", "script": {"delay_ms": 40}, "limits": {"concurrency": 2}}
PROMPT = {"name": "during", "text": "x"}


@contextmanager
def locked(database):
    """Hold the write lock as another process would: a connection of nobody's."""
    connection = sqlite3.connect(database, isolation_level=None)
    try:
        until(lambda: _taken(connection))
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        connection.close()


def _taken(connection):
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    return True


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    with lab(tmp_path_factory.mktemp("storage") / "data") as found:
        yield found


def problem(answer):
    """A 503 that says what to do and when to come again."""
    assert answer.status_code == 503, answer.text
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert int(answer.headers["Retry-After"]) >= 1
    found = answer.json()
    assert found["fix"]
    return f"{found['expected']} {found['got']} {found['fix']}"


def test_a_lock_of_a_moment_is_waited_for(one):
    with one.client() as client:
        sow(client, "moment", 1, SLOW)
        answers = []
        with locked(one.root / "lab.db"):
            body = {"name": "moment", "text": "waited for"}
            asking = threading.Thread(
                target=lambda: answers.append(client.post("/v1/prompts", json=body))
            )
            asking.start()
            time.sleep(1.0)
            assert answers == []
        asking.join(20)
        assert [answer.status_code for answer in answers] == [201]


@pytest.mark.parametrize(
    "seconds",
    [7, pytest.param(25, marks=pytest.mark.long)],  # over the patience; over two leases
)
def test_a_lock_that_stays_is_503_and_the_experiment_goes_on_after_it(one, seconds):
    with one.client() as client:
        body = sow(client, f"locked-{seconds}", 100, SLOW)
        experiment_id = begin(client, body)
        until(lambda: show(client, experiment_id)["done"] > 10)
        with locked(one.root / "lab.db"):
            began = time.monotonic()
            told = problem(client.post("/v1/prompts", json={"name": "during", "text": f"{began}"}))
            assert "lock" in told
            assert time.monotonic() - began < 10
            again = client.get("/v1/experiments/" + experiment_id)
            assert again.status_code in {200, 503}
            until(lambda: one.readiness() == 503, 5)
            time.sleep(max(0.0, seconds - (time.monotonic() - began)))
        found = ended(client, experiment_id)
        assert (found["status"], found["failed"]) == ("completed", 0), found["reason"]
        assert client.get("/v1/prompts/during").status_code == 404, "a refused request was done"
        until(lambda: one.readiness() == 200, 10)
    check_whole(one.root / "lab.db", experiment_id, 100)


TMPFS_BYTES = 120_000_000


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A lab on a file system of its own, with 120 MB in all; it is gone with its last process."""
    flags = own_mounts()
    if flags is None:
        absent("neither root nor a user namespace may mount a tmpfs here")
    root = tmp_path_factory.mktemp("small") / "data"
    root.mkdir()
    script = f'mount -t tmpfs -o size={TMPFS_BYTES} tmpfs "{root}" && exec "$@"'
    one = Lab(root)
    process = one.start("up", "unshare", flags, "sh", "-c", script, "sh")
    one.via = Path(f"/proc/{process.pid}/root{root}")
    try:
        yield one.ready()
    finally:
        one.end()


@contextmanager
def full(directory):
    """Leave no byte on the file system; freed at the end."""
    filler = directory / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                with_room = True
                while with_room:
                    try:
                        with_room = file.write(b"x" * size) == size
                    except OSError:
                        with_room = False
        yield filler
    finally:
        filler.unlink()


def test_a_full_disk_is_503_in_words_and_all_goes_on_when_there_is_room(small, tmp_path):
    with small.client() as client:
        body = sow(client, "full", 150, SLOW)
        experiment_id = begin(client, body)
        until(lambda: show(client, experiment_id)["done"] > 10)
        with full(small.via):
            until(lambda: small.readiness() == 503, 10)
            told = until(
                lambda: refused(client, {"name": "during", "text": os.urandom(30_000).hex()}), 20
            )
            assert "disk" in told
            answer = client.post("/v1/datasets/during?format=csv", content=rows(20_000_000))
            assert "disk" in problem(answer)
            before = show(client, experiment_id)["done"]
            time.sleep(1.5)
            assert client.get("/healthz/live").status_code == 200
        found = ended(client, experiment_id)
        assert (found["status"], found["failed"]) == ("completed", 0), found["reason"]
        assert found["done"] == 150 > before
        assert client.get("/v1/datasets/during").status_code == 404
        assert list((small.via / "tmp").iterdir()) == []
        assert client.post("/v1/datasets/during?format=csv", content=rows(2_000)).status_code == 201
        until(lambda: small.readiness() == 200, 10)
        assert all(process.poll() is None for process in small.processes)
    check_whole(copied(small.via, tmp_path), experiment_id, 150)


def copied(directory, to):
    """The database of a lab that rests: SQLite itself finds no way into another's mounts."""
    names = ["lab.db", "lab.db-wal"]

    def state():
        return [(directory / name).stat().st_mtime_ns for name in names]

    def same():
        before = state()
        for name in names:
            shutil.copy(directory / name, to / name)
        return state() == before

    until(same)
    return to / "lab.db"


def refused(client, body):
    """What a write is told once even the log has no room; None while it still found some."""
    answer = client.post("/v1/prompts", json=body)
    return problem(answer) if answer.status_code != 201 else None


def rows(size):
    yield b"a\n"
    for _ in range(size // 1_000):
        yield (b"x" * 99 + b"\n") * 10


def test_a_disk_that_fills_during_an_upload_keeps_nothing_of_it(small):
    with small.client() as client:
        entered, go_on = threading.Event(), threading.Event()

        def slowly():
            yield from rows(3_000_000)
            entered.set()
            go_on.wait(30)
            yield from list(rows(30_000_000))[1:]

        answers = []
        sending = threading.Thread(
            target=lambda: answers.append(
                client.post("/v1/datasets/filling?format=csv", content=slowly())
            )
        )
        sending.start()
        assert entered.wait(30)
        with full(small.via):
            go_on.set()
            sending.join(60)
        assert "disk" in problem(answers[0])
        assert client.get("/v1/datasets/filling").status_code == 404
        assert list((small.via / "tmp").iterdir()) == []
        assert (
            client.post("/v1/datasets/filling?format=csv", content=rows(9_000)).status_code == 201
        )
