"""An experiment is created exact, moved by its owner along its lifecycle, and read by all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy import Connection, Row

from llm_research_lab.audit import created, updated
from llm_research_lab.commands import views
from llm_research_lab.commands.access import origin_of, require
from llm_research_lab.commands.exacting import Exact, exact
from llm_research_lab.commands.lab import Lab
from llm_research_lab.commands.once import Made, Once, replayed
from llm_research_lab.commands.once import once as do_once
from llm_research_lab.commands.paging import Page, cursor_of, cut, read_cursor
from llm_research_lab.commands.prices import unpriced
from llm_research_lab.commands.refusals import refused
from llm_research_lab.commands.results import comparison, results
from llm_research_lab.commands.trail import ended
from llm_research_lab.cost import to_pico
from llm_research_lab.documents.fields import Source
from llm_research_lab.experiments.read import read_specification, specification_to_json
from llm_research_lab.security import Action, Caller
from llm_research_lab.storage.relational import audit_log, experiments, now_ms
from llm_research_lab.telemetry.context import ids, learn
from llm_research_lab.telemetry.running import count_end
from llm_research_lab.telemetry.spans import handed_on, note

__all__ = [
    "cancel",
    "comparison",
    "create",
    "get",
    "listing",
    "pause",
    "results",
    "resume",
    "retry",
]

_Verb = Literal["cancel", "pause", "resume", "retry"]

_ACTIONS: Mapping[_Verb, tuple[Action, str]] = {
    "cancel": ("experiments.cancel", "cancelled"),
    "pause": ("experiments.pause", "paused"),
    "resume": ("experiments.resume", "resumed"),
    "retry": ("experiments.retry", "retried"),
}
"""What the role must hold, and what the new status's reason says before ``by ann``."""


async def create(lab: Lab, caller: Caller, body: dict[str, Any], once: Once) -> Made:
    """Queue an experiment on exact versions. InvalidError has all that is wrong with it."""
    user = caller.principal.user
    await require(lab, caller, "experiments.create", "experiment", str(body.get("name")))
    before = await replayed(lab, caller, once)
    if before is not None:
        return before
    specification, findings = read_specification(Source(body))
    if specification is None or findings:
        raise refused(findings)
    found = await exact(lab, specification, user)
    priced = not await unpriced(lab, [found.model.id])
    experiment_id = lab.new_id("exp")
    note("experiment_id", experiment_id)
    learn(experiment_id=experiment_id)
    trace = handed_on()

    def work(connection: Connection) -> dict[str, Any]:
        now = now_ms(connection)
        row = experiments.add(
            connection,
            {
                **_columns(found, experiment_id, user, now),
                "traceparent": None if trace is None else str(trace),
                "request_id": ids().get("request_id"),
            },
        )
        about = {"name": row.name, "samples": row.samples}
        origin = origin_of(caller)
        audit_log.append(connection, created(now, origin, "experiment", experiment_id, about))
        return views.experiment(row, priced=priced)

    return await do_once(lab, caller, once, work)


async def listing(
    lab: Lab, caller: Caller, page: Page, status: str | None = None, owner: str | None = None
) -> dict[str, Any]:
    """List experiments, newest first."""
    await require(lab, caller, "experiments.read", "experiment", "*")
    kind = f"experiments {status or ''} {owner or ''}"
    mark = read_cursor(page.cursor, kind, str)
    before = mark[0] if mark else None
    rows = await lab.database.read(
        lambda c: experiments.page(
            c, status=status, owner=owner, before=before, limit=page.limit + 1
        )
    )
    costless = await unpriced(lab, {row.model_id for row in rows})
    return cut(
        rows,
        page,
        lambda row: views.experiment(row, priced=row.model_id not in costless),
        lambda row: cursor_of(kind, row.id),
    )


async def get(lab: Lab, caller: Caller, experiment_id: str) -> dict[str, Any]:
    """Show one experiment: what it runs, how far it is, its summary."""
    await require(lab, caller, "experiments.read", "experiment", experiment_id)
    row = await lab.database.read(lambda c: experiments.get(c, experiment_id))
    return views.experiment(row, priced=not await unpriced(lab, [row.model_id]))


async def cancel(lab: Lab, caller: Caller, experiment_id: str, once: Once) -> Made:
    """End an experiment for good; what is done stays."""
    return await _move(lab, caller, experiment_id, once, "cancel")


async def pause(lab: Lab, caller: Caller, experiment_id: str, once: Once) -> Made:
    """Begin no further call until it is resumed."""
    return await _move(lab, caller, experiment_id, once, "pause")


async def resume(lab: Lab, caller: Caller, experiment_id: str, once: Once) -> Made:
    """Let a paused experiment go on."""
    return await _move(lab, caller, experiment_id, once, "resume")


async def retry(lab: Lab, caller: Caller, experiment_id: str, once: Once) -> Made:
    """Run the failed samples of a finished experiment again."""
    return await _move(lab, caller, experiment_id, once, "retry")


async def _move(lab: Lab, caller: Caller, experiment_id: str, once: Once, event: _Verb) -> Made:
    """Move the experiment, or raise ConflictError with the reason; audited with both statuses."""
    action, done = _ACTIONS[event]
    row = await lab.database.read(lambda c: experiments.get(c, experiment_id))
    learn(experiment_id=experiment_id)
    await require(lab, caller, action, "experiment", experiment_id, row.owner)
    priced = not await unpriced(lab, [row.model_id])
    why = f"{done} by {caller.principal.user}"
    moved: list[Row[Any]] = []

    def work(connection: Connection) -> dict[str, Any]:
        now = now_ms(connection)
        before = experiments.get(connection, experiment_id)
        after = experiments.set_status(connection, before, event, now=now, why=why)
        about = {"event": event, "from": before.status, "to": after.status}
        origin = origin_of(caller)
        audit_log.append(connection, updated(now, origin, "experiment", experiment_id, about))
        moved.append(after)
        return views.experiment(after, priced=priced)

    made = await do_once(lab, caller, once, work, status=200)
    for after in moved:
        if after.status == "cancelled":
            ended(lab, after, after.status)
            began = after.started_at
            seconds = None if began is None else max(0, after.finished_at - began) / 1000
            kind, samples = after.experiment_type, after.samples
            count_end(lab.instruments, after.status, kind, samples, seconds)
    return made


def _columns(found: Exact, experiment_id: str, user: str, now: int) -> dict[str, Any]:
    specification = found.specification
    cap = specification.cap_usd
    return {
        "id": experiment_id,
        "name": specification.name,
        "owner": user,
        "experiment_type": specification.experiment_type,
        "specification": specification_to_json(specification),
        "dataset_id": found.dataset.id,
        "prompt_id": found.prompt.id,
        "model_id": found.model.id,
        "priority": specification.priority,
        "samples": found.samples,
        "cap_picousd": None if cap is None else to_pico(cap),
        "created_at": now,
    }
