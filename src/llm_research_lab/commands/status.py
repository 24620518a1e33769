"""What the lab is doing now, in one snapshot."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from sqlalchemy import Connection

from llm_research_lab.commands.access import require
from llm_research_lab.commands.lab import Lab
from llm_research_lab.security import Caller
from llm_research_lab.storage.relational import experiments

VERSION = version("llm-research-lab")


async def status(lab: Lab, caller: Caller) -> dict[str, Any]:
    """Count experiments by status and the samples that wait; name the runners that hold work."""
    await require(lab, caller, "status.read", "lab", "status")
    return await lab.database.read(_status)


def _status(connection: Connection) -> dict[str, Any]:
    return {
        "version": VERSION,
        "experiments": experiments.counts(connection),
        "samples_pending": experiments.samples_pending(connection),
        "runners": [
            {"name": row.worker, "chunks": row.chunks, "samples": int(row.samples)}
            for row in experiments.runners(connection)
        ],
    }
