"""The sample runs on the real model, with all but loopback refused; again, and the cache answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

OFFLINE = Path(__file__).parent / "offline"
COUNTRIES = 190
LOOPBACK_UP = (
    "import fcntl, os, socket, struct, sys; s = socket.socket(); "
    "fcntl.ioctl(s, 0x8914, struct.pack('16sh14s', b'lo', 0x49, b'')); s.close(); "
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)
"""SIOCSIFFLAGS with IFF_UP | IFF_LOOPBACK | IFF_RUNNING: a new network namespace starts with lo down."""


def own_network() -> list[str]:
    """What puts a command into a network of its own, where the kernel allows it."""
    for unshare in (["unshare", "--net"], ["unshare", "--map-root-user", "--net"]):
        try:
            probe = [*unshare, sys.executable, "-c", LOOPBACK_UP, "-c", "pass"]
            if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
                return [*unshare, sys.executable, "-c", LOOPBACK_UP]
        except FileNotFoundError:
            break
    return [sys.executable]


def demo(directory: Path, attempts: Path) -> dict:
    environment = {**os.environ, "PYTHONPATH": str(OFFLINE), "LAB_TEST_ATTEMPTS": str(attempts)}
    environment |= {
        "LAB_PORT": "0",
        "LAB_API_METRICS_PORT": "0",
        "LAB_RUNNER_METRICS_PORT": "0",
        "LAB_OPS_PORT": "0",
    }
    lab = ["-m", "llm_research_lab", "demo", "--json", "--data-dir", str(directory)]
    answer = subprocess.run(
        [*own_network(), *lab], env=environment, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


@pytest.mark.model
@pytest.mark.timeout(900)
def test_the_sample_runs_offline_and_a_second_time_from_the_cache(tmp_path):
    attempts = tmp_path / "attempts"
    first = demo(tmp_path / "lab", attempts)
    assert not attempts.exists(), attempts.read_text()
    assert len(first["experiments"]) == 3
    for experiment in first["experiments"]:
        assert set(experiment) == {
            "id",
            "name",
            "status",
            "samples",
            "scores",
            "latency_seconds",
            "tokens",
            "cost_usd",
            "cache_hits",
            "failures",
        }
        assert experiment["status"] == "completed"
        assert experiment["samples"] >= COUNTRIES
        assert experiment["failures"] == {}
        assert experiment["cost_usd"] == "0"
        assert experiment["tokens"]["output"] > experiment["samples"]
        assert set(experiment["scores"]) == {"contains", "f1"}
        for score in experiment["scores"].values():
            assert 0 < score["low"] <= score["mean"] <= score["high"] < 1
    zero, few = first["experiments"][:2]
    told = first["comparison"]["metrics"]["contains"]
    assert told["won"] + told["lost"] + told["tied"] == told["n"] == zero["samples"]
    difference = few["scores"]["contains"]["mean"] - zero["scores"]["contains"]["mean"]
    assert told["difference"] == pytest.approx(difference)

    started = time.monotonic()
    second = demo(tmp_path / "lab", attempts)
    took = time.monotonic() - started
    assert [one["cache_hits"] for one in second["experiments"]] == [
        one["samples"] for one in second["experiments"]
    ], f"took {took:.0f} s"
    assert [one["scores"] for one in second["experiments"]] == [
        one["scores"] for one in first["experiments"]
    ]
    assert {one["id"] for one in second["experiments"]}.isdisjoint(
        one["id"] for one in first["experiments"]
    )
