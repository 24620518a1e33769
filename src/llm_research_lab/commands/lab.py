"""What every command stands on, made once by the composition root and handed down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llm_research_lab.telemetry.instruments import SILENT, Instruments
from llm_research_lab.telemetry.tracing import OFF, Tracer
from llm_research_lab.vocabulary import Instant

if TYPE_CHECKING:
    from llm_research_lab.storage.directory import DataDirectory
    from llm_research_lab.storage.objects import ObjectStore
    from llm_research_lab.storage.relational import Database


@dataclass(frozen=True, slots=True)
class Lab:
    """The stores, the clock and the source of ids. `new_id("exp")` gives ``exp_`` and a ULID."""

    directory: DataDirectory
    database: Database
    objects: ObjectStore
    now: Callable[[], Instant]
    new_id: Callable[[str], str]
    tracer: Tracer = field(default=OFF)
    instruments: Instruments = field(default=SILENT)
