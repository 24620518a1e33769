"""What every process says of itself: its instruments, and what is read at each scrape."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from sqlalchemy import Connection, select

from llm_research_lab.storage.relational.tables import datasets
from llm_research_lab.telemetry import events, logs
from llm_research_lab.telemetry.catalog import declaration
from llm_research_lab.telemetry.host import read_host
from llm_research_lab.telemetry.instruments import REFUSED, SILENT, Instruments
from llm_research_lab.telemetry.log_lines import LineCounter
from llm_research_lab.telemetry.panics import Panics
from llm_research_lab.telemetry.process import Pauses, ProcessReader, read_interpreter

if TYPE_CHECKING:
    from llm_research_lab.commands.lab import Lab
    from llm_research_lab.signals import Process
    from llm_research_lab.telemetry.readings import Reading

LIVE = 100
"""Dataset versions whose size is shown: the newest. Source: design.md, `dataset_version`."""


@dataclass(frozen=True, slots=True)
class Measures:
    """A process's metrics. `instruments` are silent when telemetry is off; the registry is not."""

    process: Process
    registry: CollectorRegistry
    instruments: Instruments
    panics: Panics

    def follow(self, lab: Lab) -> None:
        """Read the lab's stores at every scrape, too."""
        self.instruments.read_at_scrape(lambda: _read_database(lab), lab.tracer.readings, _read_log)
        if self.process == "ops":
            self.instruments.read_at_scrape(read_host)
        if self.process == "api":
            self.instruments.read_at_scrape(lambda: _read_files(lab), lambda: _read_datasets(lab))


@contextmanager
def measures(process: Process, *, on: bool) -> Iterator[Measures]:
    """Measure this process until the end of the block."""
    registry = CollectorRegistry()
    made = Instruments.of(declaration(), process, registry)
    with ExitStack() as stack:
        pauses = Pauses()
        pauses.watch()
        stack.callback(pauses.close)
        made.read_at_scrape(ProcessReader(process).read, read_interpreter, pauses.read)
        panics = Panics(made)
        panics.watch()
        stack.callback(panics.close)
        service = declaration().sets["service"].start(process)[0]
        out = logs.output()
        if out is not None:
            out.counted = LineCounter(made, service).count
            stack.callback(setattr, out, "counted", None)
        events.on_refused(made[REFUSED][("event",)].inc)
        stack.callback(events.on_refused, None)
        yield Measures(process, registry, made if on else SILENT, panics)


def _read_log() -> Iterator[Reading]:
    out = logs.output()
    yield "log_lines_dropped_total", (), 0 if out is None else out.lost


def _read_database(lab: Lab) -> Iterator[Reading]:
    now = lab.database.statistics()
    yield "db_writes_waiting", (), now.writes_waiting
    yield "db_connection_pool_size", (), now.connections
    yield "db_connection_pool_idle", (), now.connections_idle


def _read_files(lab: Lab) -> Iterator[Reading]:
    path = lab.directory.database
    log = path.with_name(f"{path.name}-wal")
    yield "db_size_bytes", (), path.stat().st_size
    yield "db_wal_size_bytes", (), log.stat().st_size if log.exists() else 0


def _read_datasets(lab: Lab) -> Iterator[Reading]:
    sizes, newest = lab.database.read_now(_datasets)
    for name, ordinal, size in sizes:
        yield "dataset_size_bytes", (name, f"v{ordinal}"), size
    if newest is not None:
        yield "dataset_last_update_timestamp_seconds", (), newest / 1000


def _datasets(connection: Connection) -> tuple[list[tuple[str, int, int]], int | None]:
    columns = datasets.c
    query = select(columns.name, columns.ordinal, columns.bytes, columns.created_at)
    rows = connection.execute(query.order_by(columns.id.desc()).limit(LIVE)).all()
    newest = max((row.created_at for row in rows), default=None)
    return [(row.name, row.ordinal, row.bytes) for row in rows], newest
