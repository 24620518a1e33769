"""What an API and a runner have in common: a held directory, a lab, metrics, a parent, an end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from llm_research_lab.service.composition import open_lab
from llm_research_lab.service.parent import Parent
from llm_research_lab.service.process_metrics import Measures, measures
from llm_research_lab.service.reloading import Reload
from llm_research_lab.service.stopping import Stop
from llm_research_lab.service.traces import tracing
from llm_research_lab.storage import DataDirectory, write_private
from llm_research_lab.telemetry.catalog import declaration
from llm_research_lab.telemetry.events import emit
from llm_research_lab.telemetry.exposition import Exposition, expose
from llm_research_lab.telemetry.logs import configure
from llm_research_lab.vocabulary import LabError

if TYPE_CHECKING:
    from llm_research_lab.commands.lab import Lab
    from llm_research_lab.service.settings import Settings
    from llm_research_lab.signals import Process


@dataclass(slots=True)
class Standing:
    """A process that is about to serve; `ready` says that it does, for others to find it."""

    lab: Lab
    measures: Measures
    exposition: Exposition | None
    parent: Parent | None
    stop: Stop
    run_file: Path
    facts: dict[str, Any] = field(default_factory=dict)

    def ready(self, **more: Any) -> None:
        """Write ``run/…json`` (pid, metrics_url and more), and tell the parent."""
        own = {} if self.exposition is None else {"metrics_url": self.exposition.url}
        self.facts = {"pid": os.getpid(), **own, **more}
        write_private(self.run_file, orjson.dumps(self.facts))
        if self.parent is not None:
            self.parent.tell_ready(self.facts)
        emit("process.serving", **self.facts)


@contextmanager
def standing(
    name: Process, settings: Settings, metrics_port: int | None, run_name: str
) -> Iterator[Standing]:
    """Stand up what a process needs, and take it down in turn.

    With `metrics_port` None the process serves its metrics itself.

    A LabError on the way reaches the parent too, so that `lab up` can say it. A process that was
    started alone shares the directory with others that were, and never with a `lab up`.
    """
    stop = Stop()
    stop.listen()
    parent = Parent.of(os.environ)
    configure(
        declaration().sets["service"].start(name)[0],
        settings.log_level,
        levels=settings.log_levels,
        environment=settings.environment,
    )
    Reload(settings.data_dir, stop.ask).listen()
    if parent is not None:
        parent.watch(stop.ask)
    try:
        with ExitStack() as stack:
            directory = DataDirectory.open(settings.data_dir)
            if parent is None or not parent.holds(directory.lock_file):
                stack.enter_context(directory.share())
            measured = stack.enter_context(measures(name, on=settings.telemetry))
            refused = measured.instruments.counter("telemetry_refused_total")[("span",)].inc
            tracer = stack.enter_context(tracing(name, settings, directory, refused=refused))
            opened = open_lab(settings, instruments=measured.instruments)
            lab = replace(stack.enter_context(opened), tracer=tracer)
            measured.follow(lab)
            exposition = None
            if metrics_port is not None:
                exposition = expose(measured.registry, settings.host, metrics_port)
                stack.callback(exposition.close)
                if metrics_port not in {0, exposition.port}:
                    taken = exposition.port
                    emit("process.port_taken", wanted=metrics_port, port=taken, of="metrics")
            run_file = directory.run_file(run_name)
            stack.callback(remove_own, run_file, os.getpid())
            yield Standing(lab, measured, exposition, parent, stop, run_file)
            emit("process.stopped")
    except LabError as error:
        if parent is not None:
            parent.tell_refusal(error)
        raise


def remove_own(run_file: Path, pid: int) -> None:
    """Remove the file if it speaks of that process; another's stays."""
    try:
        if orjson.loads(run_file.read_bytes())["pid"] == pid:
            run_file.unlink()
    except (OSError, ValueError, KeyError, TypeError):
        return
