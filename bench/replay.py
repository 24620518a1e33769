"""Replay: the demonstration to its report, one threshold changed, a year of alerts, growth.

The demonstration replays two sets of files and writes the report; its history is made before.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.table import Row, verdict
from llm_research_lab.alerting.notifying import course, read_routes
from llm_research_lab.alerting.rules import Interval
from llm_research_lab.commands.replay.demo import World
from llm_research_lab.commands.replay.demonstration import CORRECTED, made
from llm_research_lab.oncall import read_roster
from llm_research_lab.stories.replay import Responders, arrivals, firings, replay
from llm_research_lab.vocabulary.labels import labels_of

DAYS = (7, 30, 90)
RUN = """
import sys
from llm_research_lab.cli.application import main
try:
    main()
finally:
    said = open("/proc/self/status").read()
    peak = next(one for one in said.splitlines() if one.startswith("VmHWM"))
    print("PEAK", peak, file=sys.stderr)
"""
EVENTS = 100_000
SERIES = 2_000
YEAR_MS = 365 * 86_400_000


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        places = {days: Path(folder, str(days)) for days in DAYS}
        for days, place in places.items():
            made(place, World(days))
        _run(places[7], 7)  # compiled kernels are on the disk, files in the page cache
        times = {days: _run(place, days) for days, place in places.items()}
        took, peak = times[90]
        changed = _changed(places[90])
    year = _year()
    slope = np.polyfit(np.log(DAYS), np.log([times[days][0] for days in DAYS]), 1)[0]
    figures = ", ".join(f"{days} d {times[days][0]:.1f} s" for days in DAYS)
    return [
        Row(
            "`lab replay demo`, 90 days, two sets of files, to the report",
            "60 s, < 2 GB",
            f"{took:.1f} s, {peak:.2f} GiB",
            verdict(took <= 60 and peak < 2),
            "526 series a minute apart, 68 M samples",
        ),
        Row(
            "the same with one threshold changed",
            "5 s",
            f"{changed:.1f} s",
            verdict(changed <= 5),
            "what the other rules gave is remembered",
        ),
        Row(
            "a year of routing and escalation, 100,000 alert events",
            "10 s",
            f"{year:.1f} s",
            verdict(year <= 10),
        ),
        Row("growth from 7 to 90 days", "power 1", f"{slope:.2f}", verdict(slope <= 1.1), figures),
    ]


def _run(place: Path, days: int) -> tuple[float, float]:
    """Replay the demonstration without anything remembered: seconds, and GiB at the most."""
    for kept in place.glob("remembered"):
        kept.rename(place / "forgotten")
    given = ["replay", "demo", "--days", str(days), "--keep", str(place)]
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", RUN, *given, "--report", str(place / "report.html")],
        capture_output=True,
        text=True,
        check=True,
    )
    took = time.perf_counter() - began
    found = re.search(r"PEAK VmHWM:\s+([0-9]+) kB", done.stderr)
    assert found is not None, done.stderr
    return took, int(found[1]) / 2**20


def _changed(place: Path) -> float:
    rules = place / CORRECTED / "rules" / "alerts.yml"
    text = rules.read_text()
    rules.write_text(
        text.replace("node:memory_utilization:percent > 85", "node:memory_utilization:percent > 70")
    )
    assert rules.read_text() != text
    began = time.perf_counter()
    given = ["replay", "demo", "--days", "90", "--keep", str(place)]
    subprocess.run(
        [sys.executable, "-c", RUN, *given, "--report", str(place / "report.html")],
        capture_output=True,
        check=True,
    )
    return time.perf_counter() - began


def _year() -> float:
    """Route and escalate a year: half the events fire, half resolve."""
    chance = np.random.default_rng(7)
    demo = Path(__file__).parent.parent / "src/llm_research_lab/catalog/demo"
    start = 1_769_990_400_000
    configuration, _ = read_routes((demo / CORRECTED / "alertmanager.yml").read_text(), where="r")
    roster, _ = read_roster((demo / "roster.yaml").read_text(), "r")
    assert configuration is not None
    assert roster is not None
    found = []
    for place in range(SERIES):
        name, grave = place % 40, int(chance.choice([1, 2, 3, 4], p=[0.02, 0.08, 0.6, 0.3]))
        labels = {
            "alertname": f"Alert{name}",
            "severity": f"P{grave}",
            "service": "llm-research-lab",
            "instance": f"node-{place}",
        }
        begins = np.sort(chance.choice(YEAR_MS // 1_800_000, EVENTS // 2 // SERIES, replace=False))
        lengths = np.minimum(chance.exponential(8 * 60_000, len(begins)) + 30_000, 1_500_000)
        for begin, length in zip(begins * 1_800_000, lengths.astype(np.int64), strict=True):
            from_ms = start + int(begin)
            found.append(
                Interval(
                    "g", f"Alert{name}", labels_of(labels), "firing", from_ms, from_ms + int(length)
                )
            )
    began = time.perf_counter()
    sent = arrivals(firings(found), start + YEAR_MS)
    told = course(configuration, sent, (), start, start + YEAR_MS)
    count = sum(1 for _ in replay(told, roster, Responders(), start + YEAR_MS))
    assert count > 0
    return time.perf_counter() - began
