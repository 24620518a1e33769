"""A prompt is checked, then kept as an immutable version of its name."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from llm_research_lab.commands import versioned, views
from llm_research_lab.commands.access import require
from llm_research_lab.commands.lab import Lab
from llm_research_lab.commands.once import Made, Once, Said
from llm_research_lab.commands.once import once as do_once
from llm_research_lab.commands.paging import Page, cut
from llm_research_lab.commands.refusals import refused
from llm_research_lab.documents.fields import Source
from llm_research_lab.experiments.prompt import prompt_to_json, read_prompt
from llm_research_lab.security import Caller
from llm_research_lab.storage.relational.tables import prompts
from llm_research_lab.vocabulary import checked_name, digest


async def add(lab: Lab, caller: Caller, body: dict[str, Any], once: Once) -> Made:
    """Keep ``{name, text}`` or ``{name, messages}``: 201, or 200 when a version has it already."""
    name = checked_name(body["name"], "/name")
    await require(lab, caller, "prompts.create", "prompt", name)
    given = {part: body[part] for part in ("text", "messages") if body.get(part)}
    prompt, findings = read_prompt(Source(given))
    if prompt is None or findings:
        raise refused(findings)
    content = prompt_to_json(prompt)
    version_id = lab.new_id("pr")

    def work(connection: Connection) -> Said:
        row, status = versioned.add(
            connection,
            caller,
            prompts,
            version_id=version_id,
            name=name,
            digest=digest(content),
            own={"content": content},
        )
        return Said(views.prompt(row), status)

    return await do_once(lab, caller, once, work)


async def listing(lab: Lab, caller: Caller, page: Page, owner: str | None = None) -> dict[str, Any]:
    """List versions, newest first."""
    await require(lab, caller, "prompts.read", "prompt", "*")
    rows, kind = await versioned.rows_of(lab, prompts, page, owner)
    return cut(rows, page, views.prompt, lambda row: versioned.mark_of(kind, row))


async def get(lab: Lab, caller: Caller, reference: str) -> dict[str, Any]:
    """Show one version."""
    await require(lab, caller, "prompts.read", "prompt", reference)
    return views.prompt(await versioned.find(lab, caller, prompts, reference))
