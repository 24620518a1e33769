"""A model's price is looked up off the event loop, and what has none is said, never free."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, select

from llm_research_lab.commands.lab import Lab
from llm_research_lab.cost import PriceReason, price_of
from llm_research_lab.experiments.entries import entry_from_json
from llm_research_lab.experiments.model_entry import ModelEntry, Price
from llm_research_lab.storage.relational import Database
from llm_research_lab.storage.relational.tables import models

KNOWN_MOST = 10_000
"""Model versions of which a process remembers whether they have a price."""

_priced: WeakKeyDictionary[Database, dict[str, bool]] = WeakKeyDictionary()


async def prices_of(
    lab: Lab, entries: Sequence[ModelEntry]
) -> list[tuple[Price | None, PriceReason]]:
    """Price the entries as of now. The first look into the list of prices takes half a second."""
    now = lab.now()
    if any(entry.price is None and entry.provider == "openai" for entry in entries):
        return await asyncio.to_thread(lambda: [price_of(entry, now) for entry in entries])
    return [price_of(entry, now) for entry in entries]


async def unpriced(lab: Lab, model_ids: Iterable[str]) -> frozenset[str]:
    """Tell which of the model versions (ids) have no price. One query for all not yet known."""
    known = _priced.setdefault(lab.database, {})
    wanted = frozenset(model_ids)
    missing = [model_id for model_id in wanted if model_id not in known]
    if missing:
        entries = await lab.database.read(lambda c: _entries(c, missing))
        prices = await prices_of(lab, list(entries.values()))
        if len(known) + len(missing) > KNOWN_MOST:
            known.clear()
        known.update((i, p is not None) for i, (p, _) in zip(entries, prices, strict=True))
        return frozenset(i for i in wanted if not known.get(i, False))
    return frozenset(i for i in wanted if not known[i])


def _entries(connection: Connection, model_ids: Sequence[str]) -> dict[str, ModelEntry]:
    query = select(models.c.id, models.c.content).where(models.c.id.in_(model_ids))
    return {row.id: entry_from_json(row.content) for row in connection.execute(query)}
