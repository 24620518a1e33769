"""A runner that is killed at any point loses no result, doubles none, and counts what it repeats."""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from tests.contract.commands.labs import ANN, BOB, add_dataset, add_model, add_prompt, create

from llm_research_lab.service.composition import open_lab
from llm_research_lab.service.settings import Settings

SOURCE = Path(__file__).parents[2] / "src/llm_research_lab"
ROOMS = ("commands/execution/*.py", "service/runner.py", "storage/relational/*.py")
"""Where a runner's process passes. A new point there is tested without being named here."""

POINTS = sorted(
    name
    for room in ROOMS
    for file in SOURCE.glob(room)
    for name in re.findall(r'crash_point\("([^"]+)"\)', file.read_text(encoding="utf-8"))
)
SLOTS = 4
PRICE = {"input_usd_per_million": "1", "output_usd_per_million": "2"}


class Crashing:
    """A directory with two experiments, the runners that are killed on it, and what that left."""

    def __init__(self, directory: Path, samples: int, delay_ms: float) -> None:
        self.directory, self.samples = directory / "lab", samples
        self.answers = directory / "answers"
        self.answers.touch()
        self.in_flight: dict[tuple, tuple[str, int]] = {}
        asyncio.run(self._stock(delay_ms))

    async def _stock(self, delay_ms: float) -> None:
        data = b"country,capital\n" + b"".join(
            f"land {i},town {i}\n".encode() for i in range(self.samples)
        )
        with open_lab(Settings(data_dir=self.directory)) as lab:
            for who in (ANN, BOB):
                await add_dataset(lab, who, data=data)
                await add_prompt(lab, who)
                failures = [
                    {"kind": "rate_limited", "every": 7, "times": 1, "retry_after_ms": 1},
                    {"kind": "refused", "every": 10},
                ]
                script = {"delay_ms": delay_ms, "failures": failures}
                limits = {"concurrency": SLOTS}
                user = who.principal.user
                await add_model(lab, who, id=user, price=PRICE, limits=limits, script=script)
                await create(lab, who, name=user)

    def start(self, crash_at: str = "", poison: str = "") -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [
                sys.executable,
                str(Path(__file__).with_name("one_runner.py")),
                str(self.directory),
                str(self.answers),
            ],
            env={**os.environ, "LAB_CRASH_AT": crash_at, "LAB_TEST_POISON": poison},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        return process

    def killed(self, process: subprocess.Popen[str]) -> None:
        """Note what was in flight, and let the time of the leases pass."""
        assert process.wait(30) == -signal.SIGKILL
        query = "SELECT chunk_id, fence, sample, experiment_id, reserved_picousd FROM calls"
        with closing(self._open()) as database:
            for *call, name, reserved in database.execute(query):
                self.in_flight[tuple(call)] = (name, reserved)
            database.execute("UPDATE chunks SET lease_expires_at = 1 WHERE state = 'leased'")

    def finish(self) -> None:
        process = self.start()
        assert process.wait(60) == 0

    def ask(self, sql: str, *values: str) -> list[tuple]:
        with closing(self._open()) as database:
            return database.execute(sql, values).fetchall()

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.directory / "lab.db", isolation_level=None, timeout=5)

    def check(self) -> None:
        """One result a sample; sums that are the results'; what was repeated was in flight."""
        names = self.ask("SELECT id, name FROM experiments")
        assert len(names) == 2
        for name, model in names:
            self._check_results(name)
            self._check_sums(name)
            self._check_repeats(name, model)
        assert self.ask("SELECT count(*) FROM calls") == [(0,)]
        assert self.ask("SELECT DISTINCT state FROM chunks") == [("done",)]

    def _check_results(self, name: str) -> None:
        samples = self.ask("SELECT sample FROM results WHERE experiment_id = ? ORDER BY 1", name)
        assert [sample for (sample,) in samples] == list(range(self.samples))
        kinds = dict(
            self.ask(
                "SELECT failure_kind, count(*) FROM results WHERE experiment_id = ? GROUP BY 1",
                name,
            )
        )
        refused = self.samples // 10 - self.samples // 70  # every tenth, those apart that wait once
        assert set(kinds) == {None, "refused"}
        assert kinds["refused"] >= refused
        scored = self.ask("SELECT sample FROM scores WHERE experiment_id = ?", name)
        assert len(scored) == len(set(scored)) == kinds[None]

    def _cut(self, name: str) -> list[int]:
        """What the calls had reserved that were in flight at a kill."""
        return [reserved for one, reserved in self.in_flight.values() if one == name]

    def _check_sums(self, name: str) -> None:
        ((status, done, failed, reserved, spent, repeated),) = self.ask(
            "SELECT status, done, failed, reserved_picousd, spent_picousd, calls_repeated "
            "FROM experiments WHERE id = ?",
            name,
        )
        ((failures, cost),) = self.ask(
            "SELECT count(failure_kind), sum(cost_picousd) FROM results WHERE experiment_id = ?",
            name,
        )
        assert (status, done, failed, reserved) == ("completed", self.samples, failures, 0)
        assert repeated == len(self._cut(name))
        assert spent == cost + sum(self._cut(name))
        entries = self.ask(
            "SELECT outcome FROM audit WHERE action = 'execute' AND resource_id = ?", name
        )
        assert entries == [("partial_success",)]

    def _check_repeats(self, name: str, model: str) -> None:
        """An answer that was given twice was in flight at a crash: its result was not stored."""
        given = Counter(
            line for line in self.answers.read_text().splitlines() if line.startswith(f"{model} ")
        )
        assert sum(given.values()) - len(given) <= len(self._cut(name))


@pytest.fixture
def crashing(tmp_path):
    return Crashing(tmp_path, samples=70, delay_ms=4)


def test_the_scan_finds_the_points_of_every_room():
    assert {name.split(".")[0] for name in POINTS} >= {
        "runner",
        "ledger",
        "queue",
        "writer",
        "finishing",
    }
    assert len(set(POINTS)) == len(POINTS)


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_a_named_point_is_made_good(crashing, point):
    if point == "queue.reclaimed":  # passed by whoever comes after a kill
        crashing.killed(crashing.start("ledger.recorded"))
    process = crashing.start(point)
    if point == "queue.handed_back":  # passed by who is asked to stop
        while not crashing.ask("SELECT 1 FROM results LIMIT 1"):
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
    crashing.killed(process)
    crashing.finish()
    crashing.check()


@pytest.mark.long
@pytest.mark.parametrize("passing", [2, 3, 5])
@pytest.mark.parametrize("point", [p for p in POINTS if not p.startswith(("queue.", "finishing."))])
def test_a_kill_at_a_later_passing_is_made_good(crashing, point, passing):
    crashing.killed(crashing.start(f"{point}:{passing}"))
    crashing.finish()
    crashing.check()


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.long)])
def test_random_kills_are_made_good(tmp_path, kills):
    crashing = Crashing(tmp_path, samples=140 * kills, delay_ms=4)
    moments = random.Random(kills)
    for _ in range(kills):
        process = crashing.start()
        time.sleep(moments.uniform(0.0, 0.25))
        process.kill()
        crashing.killed(process)
    crashing.finish()
    crashing.check()


def test_a_sample_that_kills_its_runner_is_failed_as_poison_and_all_others_have_their_result(
    tmp_path,
):
    crashing = Crashing(tmp_path, samples=12, delay_ms=2)
    deaths = 0
    while (process := crashing.start(poison="ann 5")).wait(30) != 0:
        crashing.killed(process)
        deaths += 1
    failed = crashing.ask("SELECT sample FROM results WHERE failure_kind = 'poison'")
    assert failed == [(5,)]
    assert crashing.ask("SELECT count(*) FROM results") == [(24,)]
    assert 5 <= deaths <= 7  # three together, two alone; one more when it was not the one in flight
