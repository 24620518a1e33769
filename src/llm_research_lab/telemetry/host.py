"""What the host does, under node_exporter's names, so that the embedded default needs no exporter.

Source: prometheus/node_exporter, collector/*_linux.go; psutil's documentation for the units.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import psutil

from llm_research_lab.telemetry.readings import Reading

MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")

MS_IN_SECOND = 1000

MEGABIT_BYTES = 125_000

PSEUDO = frozenset({"squashfs", "overlay", "tmpfs", "devtmpfs", "fuse.snapfuse"})
"""File systems of no disk. The root is shown whatever it is: in a container it is an overlay."""


def read_host() -> Iterator[Reading]:
    """Read processors, memory, file systems, disks and interfaces once."""
    yield from _processors()
    memory = psutil.virtual_memory()
    yield "node_memory_MemTotal_bytes", (), float(memory.total)
    yield "node_memory_MemAvailable_bytes", (), float(memory.available)
    yield "node_boot_time_seconds", (), float(psutil.boot_time())
    yield from _file_systems()
    yield from _disks()
    yield from _interfaces()


def _processors() -> Iterator[Reading]:
    for number, times in enumerate(psutil.cpu_times(percpu=True)):
        for mode in MODES:
            yield "node_cpu_seconds_total", (str(number), mode), float(getattr(times, mode, 0.0))
    yield "node_load1", (), os.getloadavg()[0]


def _file_systems() -> Iterator[Reading]:
    for one in psutil.disk_partitions(all=True):
        if one.mountpoint != "/" and (not one.device.startswith("/") or one.fstype in PSEUDO):
            continue
        try:
            found = os.statvfs(one.mountpoint)
        except OSError:  # not ours to see, or gone since
            continue
        values = (one.device, one.fstype, one.mountpoint)
        yield "node_filesystem_size_bytes", values, float(found.f_blocks * found.f_frsize)
        yield "node_filesystem_avail_bytes", values, float(found.f_bavail * found.f_frsize)
        yield "node_filesystem_files_free", values, float(found.f_ffree)
        yield "node_filesystem_readonly", values, float(bool(found.f_flag & os.ST_RDONLY))


def _disks() -> Iterator[Reading]:
    for device, counted in (psutil.disk_io_counters(perdisk=True) or {}).items():
        busy_ms = getattr(counted, "busy_time", 0)
        yield "node_disk_io_time_seconds_total", (device,), busy_ms / MS_IN_SECOND
        yield "node_disk_read_bytes_total", (device,), float(counted.read_bytes)
        yield "node_disk_written_bytes_total", (device,), float(counted.write_bytes)


def _interfaces() -> Iterator[Reading]:
    speeds = psutil.net_if_stats()
    for interface, counted in psutil.net_io_counters(pernic=True).items():
        values = (interface,)
        yield "node_network_receive_bytes_total", values, float(counted.bytes_recv)
        yield "node_network_transmit_bytes_total", values, float(counted.bytes_sent)
        yield "node_network_receive_errs_total", values, float(counted.errin)
        yield "node_network_transmit_errs_total", values, float(counted.errout)
        stats = speeds.get(interface)
        if stats is not None and stats.speed > 0:
            yield "node_network_speed_bytes", values, float(stats.speed * MEGABIT_BYTES)
