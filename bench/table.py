"""A measurement is a row: what, the goal, what was got, and, for a miss, what limits it."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import llm_research_lab


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `verdict` is ``met``, ``missed`` or ``said`` (no goal)."""

    what: str
    goal: str
    got: str
    verdict: str
    note: str = ""
    conditions: str = ""
    """Knobs and load of the machine, where they differ from row to row."""


def verdict(met: bool) -> str:
    return "met" if met else "missed"


def percentile(values: list[float], share: float) -> float:
    """The nearest-rank percentile of at least one value."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def peak_gib() -> float:
    """The most memory that this process held.

    getrusage's figure is the larger of it and what the parent held when it started the process.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 2**20


def machine() -> str:
    """The machine's kind, never its name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return (
        f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, {platform.system()}, "
        f"Python {platform.python_version()}, lab {llm_research_lab.__version__}"
    )


def render(rows: list[Row]) -> str:
    lines = ["| What | Goal | Got | | Note |", "|---|---|---|---|---|"]
    lines += [f"| {r.what} | {r.goal} | {r.got} | {r.verdict} | {r.note} |" for r in rows]
    return "\n".join(lines)
