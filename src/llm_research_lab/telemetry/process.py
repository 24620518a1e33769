"""What the kernel and the interpreter know of this process, read at a scrape. Linux's /proc.

Source: proc(5); the names are those of prometheus_client's ProcessCollector and GCCollector.
"""

from __future__ import annotations

import gc
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llm_research_lab import __version__
from llm_research_lab.telemetry.readings import Reading

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_UTIME, _STIME, _THREADS, _STARTTIME, _VSIZE, _RSS = 11, 12, 17, 19, 20, 21
"""Places in /proc/PID/stat behind the command's name, which ends at the last ``)``."""

GENERATIONS = ("0", "1", "2")


class Pauses:
    """Adds up how long each generation's collections took, from `watch` on."""

    def __init__(self) -> None:
        self.seconds = [0.0] * len(GENERATIONS)
        self._began = 0.0

    def watch(self) -> None:
        """Have the collector tell."""
        gc.callbacks.append(self._told)

    def close(self) -> None:
        """Have it tell no more."""
        gc.callbacks.remove(self._told)

    def _told(self, phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
        else:
            self.seconds[info["generation"]] += time.perf_counter() - self._began

    def read(self) -> Iterator[Reading]:
        """Give the sums."""
        for generation, seconds in zip(GENERATIONS, self.seconds, strict=True):
            yield "python_gc_pause_seconds_total", (generation,), seconds


class ProcessReader:
    """Reads this process's numbers; `component` is its name in the spec's two resource metrics."""

    def __init__(self, component: str, proc: Path = Path("/proc")) -> None:
        self._component = component
        self._own = proc / "self"
        self._boot = _boot_time(proc)

    def read(self) -> Iterator[Reading]:
        """Give all that the platform has; nothing of it where there is no /proc."""
        parts = (self._own / "stat").read_bytes().rpartition(b")")[2].split()
        cpu = (int(parts[_UTIME]) + int(parts[_STIME])) / _TICKS
        resident = int(parts[_RSS]) * _PAGE
        yield "process_cpu_seconds_total", (), cpu
        yield "cpu_usage_seconds_total", (self._component,), cpu
        yield "process_resident_memory_bytes", (), resident
        yield "memory_usage_bytes", (self._component,), resident
        yield "process_virtual_memory_bytes", (), int(parts[_VSIZE])
        yield "process_threads", (), int(parts[_THREADS])
        yield "process_start_time_seconds", (), self._boot + int(parts[_STARTTIME]) / _TICKS
        yield "process_open_fds", (), sum(1 for _ in (self._own / "fd").iterdir())
        yield "process_max_fds", (), _max_fds(self._own / "limits")


def read_interpreter() -> Iterator[Reading]:
    """Give what runs, and what its collector did."""
    yield "lab_build_info", (__version__,), 1
    yield "python_info", (platform.python_implementation(), platform.python_version()), 1
    for generation, done in zip(GENERATIONS, gc.get_stats(), strict=True):
        yield "python_gc_collections_total", (generation,), done["collections"]
        yield "python_gc_objects_collected_total", (generation,), done["collected"]
        yield "python_gc_objects_uncollectable_total", (generation,), done["uncollectable"]


def _boot_time(proc: Path) -> float:
    lines = (proc / "stat").read_bytes().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(b"btime "))


def _max_fds(limits: Path) -> float:
    lines = limits.read_bytes().splitlines()
    words = next(line for line in lines if line.startswith(b"Max open files")).split()
    return float("inf") if words[3] == b"unlimited" else float(words[3])
