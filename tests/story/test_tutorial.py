"""The tutorial is a transcript: each of its commands, run in order, prints what it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs/tutorial/first-experiment.md"
BLOCK = re.compile(
    r"^```(?P<kind>console|\w+ title=(?P<title>\S+))\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
READY_SECONDS = 60


def pattern(expected: str) -> re.Pattern[str]:
    """A line of the page as a pattern: ``…`` is any text, runs of blanks are one."""
    parts = [r"\s+".join(map(re.escape, part.split(" "))) for part in squeezed(expected).split("…")]
    return re.compile(".*?".join(parts))


def squeezed(line: str) -> str:
    return re.sub(r"\s+", " ", line.strip())


def transcript(text: str) -> list[tuple[str, list[str]]]:
    """The commands of a block, each with the lines that it prints."""
    steps: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            steps.append((line[2:], []))
        elif line.strip():
            steps[-1][1].append(line)
    return steps


@pytest.mark.model
@pytest.mark.timeout(600)
def test_the_tutorial_prints_what_it_says(tmp_path):
    environment = {**os.environ, "LAB_DATA_DIR": str(tmp_path / "lab"), "COLUMNS": "200"}
    environment |= {
        "LAB_PORT": "0",
        "LAB_API_METRICS_PORT": "0",
        "LAB_RUNNER_METRICS_PORT": "0",
        "LAB_OPS_PORT": "0",
    }
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    served: list[subprocess.Popen[bytes]] = []
    ran = 0
    try:
        for block in BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
            if block["title"]:
                (tmp_path / block["title"]).write_text(block["text"], encoding="utf-8")
                continue
            for written, expected in transcript(block["text"]):
                ran += 1
                if written == "lab up":
                    served.append(up(environment, tmp_path))
                    continue
                command = follow_ids(written, environment)
                answer = subprocess.run(
                    ["sh", "-c", command],
                    cwd=tmp_path,
                    env=environment,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                printed = [squeezed(line) for line in answer.stdout.splitlines() if line.strip()]
                wanted = [pattern(line) for line in expected]
                told = f"{command}\n{answer.stdout}{answer.stderr}"
                assert len(printed) == len(wanted), told
                for line, form in zip(printed, wanted, strict=True):
                    assert form.fullmatch(line), f"{form.pattern}\n{told}"
                remember_ids(answer.stdout, environment)
    finally:
        for process in served:
            process.terminate()
            process.wait(30)
    assert ran >= 8
    assert shutil.which("lab", path=environment["PATH"])


def up(environment: dict[str, str], where: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        ["lab", "up"],
        cwd=where,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + READY_SECONDS
    while subprocess.run(
        ["lab", "status"], env=environment, capture_output=True, check=False
    ).returncode:
        assert time.monotonic() < end, "the lab was not ready in time"
        time.sleep(0.2)
    return process


def remember_ids(printed: str, environment: dict[str, str]) -> None:
    """The page writes $A and $B for the ids that ``experiment list`` shows: the oldest two."""
    found = sorted(set(re.findall(r"\bexp_[0-9A-Z]{26}\b", printed)))
    if len(found) >= 2:
        environment["A"], environment["B"] = found[:2]


def follow_ids(command: str, environment: dict[str, str]) -> str:
    """``exp_…A`` on the page is the first experiment's id, ``exp_…B`` the second's."""
    for name in ("A", "B"):
        command = command.replace(f"exp_…{name}", environment.get(name, ""))
    return command
