"""The one place where the stores, the clock and the ids become a Lab."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from llm_research_lab.commands.lab import Lab
from llm_research_lab.service.ids import new_id
from llm_research_lab.storage import DataDirectory
from llm_research_lab.storage.objects import FileObjects
from llm_research_lab.storage.relational import Database
from llm_research_lab.telemetry.instruments import SILENT, Instruments

if TYPE_CHECKING:
    from llm_research_lab.service.settings import Settings
    from llm_research_lab.vocabulary import Instant


@contextmanager
def open_lab(
    settings: Settings, *, create: bool = True, instruments: Instruments = SILENT
) -> Iterator[Lab]:
    """Open the lab of the data directory, migrated if need be; what is queued is done at the end.

    Takes no lock on the directory: that is the process's business. Raises what opening its parts
    raises.
    """
    directory = DataDirectory.open(settings.data_dir, create=create)
    database = Database.open(directory.database, instruments=instruments)
    try:
        objects = FileObjects(directory.objects, directory.tmp)
        yield Lab(directory, database, objects, now, new_id, instruments=instruments)
    finally:
        database.close()


def now() -> Instant:
    """Read this machine's clock."""
    return time.time_ns() // 1_000_000
