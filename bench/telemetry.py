"""What observing costs: API requests/s with all telemetry on against all of it off.

Two labs stand side by side; short rounds of the same requests go to one and the other in turn, so
that whatever else the machine does befalls both. The loss is the median of the rounds'. Beside it
stands the processor time of the API's process a request, which wanders less.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
from dataclasses import dataclass
from pathlib import Path

from bench.labs import Running, lab, null_experiment
from bench.load import Request, closed_loop
from bench.table import Row, verdict

ROUNDS, SECONDS, CLIENTS = 15, 1.5, 8
GOAL = 15.0


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two labs, and the experiment that its requests ask for."""

    running: Running
    experiment: str

    @property
    def api(self) -> int:
        return int(json.loads((self.running.directory / "run/api.json").read_text())["pid"])


@dataclass(frozen=True, slots=True)
class Round:
    rate: float
    cpu_us: float


def measure() -> list[Row]:
    with lab(telemetry=True) as on, lab(telemetry=False) as off:
        sides = [Side(one, _prepared(one)) for one in (on, off)]
        for side in sides:
            _round(side)  # warm
        turns = [
            [_round(side) for side in (sides if turn % 2 else sides[::-1])]
            for turn in range(ROUNDS)
        ]
    pairs = [pair if turn % 2 else pair[::-1] for turn, pair in enumerate(turns)]
    losses = [100 * (1 - with_it.rate / without.rate) for with_it, without in pairs]
    loss, quartiles = statistics.median(losses), statistics.quantiles(losses, n=4)
    rates = [statistics.median(one.rate for one in side) for side in zip(*pairs, strict=True)]
    cpus = [statistics.median(one.cpu_us for one in side) for side in zip(*pairs, strict=True)]
    return [
        Row(
            f"API requests/s, {CLIENTS} clients, reads: all telemetry on against all off",
            f"at most {GOAL:.0f} % lost",
            f"{loss:.1f} % lost ({rates[0]:.0f} against {rates[1]:.0f} requests/s)",
            verdict(loss <= GOAL),
            f"{ROUNDS} rounds in turn, half of them lost {quartiles[0]:.1f} to "
            f"{quartiles[2]:.1f} %; processor time of the API {cpus[0]:.0f} against "
            f"{cpus[1]:.0f} µs a request",
        )
    ]


def _prepared(running: Running) -> str:
    with running.client() as client:
        return null_experiment(client, 100)


def _round(side: Side) -> Round:
    """Requests a second that were answered well, and what each cost."""
    headers = {"Authorization": f"Bearer {side.running.key}"}
    paths = (
        f"/v1/experiments/{side.experiment}",
        f"/v1/experiments/{side.experiment}/results?limit=10",
        "/v1/prompts",
        "/v1/status",
    )

    def make(number: int) -> Request:
        return Request("read", "GET", paths[number // CLIENTS % len(paths)])

    pid, url = side.api, side.running.url
    before = _cpu_seconds(pid)
    done = asyncio.run(closed_loop(url, headers, make, clients=CLIENTS, seconds=SECONDS))
    spent = _cpu_seconds(pid) - before
    assert all(one.status == 200 for one in done)
    return Round(len(done) / SECONDS, 1e6 * spent / len(done))


def _cpu_seconds(pid: int) -> float:
    """User and system time. Source: proc(5), /proc/pid/stat, utime and stime."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
