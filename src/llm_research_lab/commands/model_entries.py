"""A model entry is checked, then kept as an immutable version; a secret is named, never held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row

from llm_research_lab.commands import versioned, views
from llm_research_lab.commands.access import require
from llm_research_lab.commands.lab import Lab
from llm_research_lab.commands.once import Made, Once, Said
from llm_research_lab.commands.once import once as do_once
from llm_research_lab.commands.paging import Page, cut
from llm_research_lab.commands.prices import prices_of
from llm_research_lab.commands.refusals import refused
from llm_research_lab.documents.fields import Source
from llm_research_lab.experiments.entries import entry_to_json, read_entry
from llm_research_lab.security import Action, Caller
from llm_research_lab.storage.relational.tables import models
from llm_research_lab.vocabulary import checked_name, digest


async def add(lab: Lab, caller: Caller, body: dict[str, Any], once: Once) -> Made:
    """Keep an entry: 201, or 200 when a version has it already. Naming a secret is the admin's."""
    name = checked_name(body["name"], "/name")
    given = {part: value for part, value in body.items() if part != "name" and value is not None}
    action: Action = "models.create_with_secret" if "secret" in given else "models.create"
    await require(lab, caller, action, "model", name)
    entry, findings = read_entry(Source(given))
    if entry is None or findings:
        raise refused(findings)
    content = entry_to_json(entry)
    version_id = lab.new_id("md")
    [(price, why)] = await prices_of(lab, [entry])

    def work(connection: Connection) -> Said:
        row, status = versioned.add(
            connection,
            caller,
            models,
            version_id=version_id,
            name=name,
            digest=digest(content),
            own={"content": content},
        )
        return Said(views.model(row, entry, price, why), status)

    return await do_once(lab, caller, once, work)


async def listing(lab: Lab, caller: Caller, page: Page, owner: str | None = None) -> dict[str, Any]:
    """List versions, newest first."""
    await require(lab, caller, "models.read", "model", "*")
    rows, kind = await versioned.rows_of(lab, models, page, owner)
    shown = await _shown(lab, rows)
    return cut(rows, page, lambda row: shown[row.id], lambda row: versioned.mark_of(kind, row))


async def get(lab: Lab, caller: Caller, reference: str) -> dict[str, Any]:
    """Show one version, with its price of today."""
    await require(lab, caller, "models.read", "model", reference)
    row = await versioned.find(lab, caller, models, reference)
    return (await _shown(lab, [row]))[row.id]


async def _shown(lab: Lab, rows: Sequence[Row[Any]]) -> dict[str, dict[str, Any]]:
    entries = [views.entry(row) for row in rows]
    prices = await prices_of(lab, entries)
    return {
        row.id: views.model(row, entry, price, why)
        for row, entry, (price, why) in zip(rows, entries, prices, strict=True)
    }
