"""A call is written down before it is made, and settled in the transaction of its result.

So a crash loses no result, knows which calls may have been paid twice, and parallel calls cannot
overshoot a cap: what is in flight is reserved. Every function runs inside one ``Database.write``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from llm_research_lab.cost import Purse, Refused, from_pico, reserve, to_pico
from llm_research_lab.experiments.model_entry import Limits
from llm_research_lab.experiments.result import SampleResult
from llm_research_lab.storage.relational import limits, queue
from llm_research_lab.storage.relational.clock import now_ms
from llm_research_lab.storage.relational.tables import (
    calls,
    experiments,
    responses,
    results,
    scores,
)
from llm_research_lab.storage.relational.tallies import tally
from llm_research_lab.telemetry.crash import crash_point
from llm_research_lab.vocabulary import Instant, usd_text

CAP_POLL_MS = 50
"""When a call that must wait for another's settlement asks again: about a commit or two."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A call about to be made: for which sample, under which lease, at most how dear.

    `tokens` is the most that it may use. `shared` says that all runners together share the limit of
    concurrency; a model that runs inside the runner has its slots to itself.
    """

    experiment_id: str
    chunk_id: int
    fence: int
    sample: int
    limit_key: str
    limits: Limits
    ceiling_picousd: int
    tokens: int
    shared: bool = True


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether the call may be made: ``go``; ``wait`` so many ms, for the provider's `limit` or the
    cap; ``stop``: not any more; ``over_cap``: never under this cap."""  # noqa: D205, D209

    outcome: Literal["go", "wait", "stop", "over_cap"]
    reason: str
    wait_ms: int = 0
    limit: limits.Name | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result to be stored under a lease.

    `reserved_picousd` is what the call that gave it had reserved (None: there was no call),
    `charged_picousd` what that call cost; `response_key` names the cache entry to write, None for
    none; `last` says that its chunk should then be complete; `intent` is the call's, None for none.
    """

    chunk_id: int
    fence: int
    experiment_id: str
    result: SampleResult
    reserved_picousd: int | None
    charged_picousd: int
    response_key: str | None
    last: bool
    intent: Intent | None = None


@dataclass(frozen=True, slots=True)
class Retraction:
    """A call that ended without an answer, or was not made; what it may have cost all the same."""

    intent: Intent
    paid_picousd: int


def admit(connection: Connection, intents: Sequence[Intent]) -> list[Admission]:
    """Decide on each call, in order, and write down those that may go."""
    now = now_ms(connection)
    alive = queue.alive(connection, ((i.chunk_id, i.fence) for i in intents))
    accounts = _accounts(connection, {i.experiment_id for i in intents})
    lanes = _lanes(connection, intents, now)
    answers = [
        _admit_one(
            i, (i.chunk_id, i.fence) in alive, accounts[i.experiment_id], lanes.get(i.limit_key)
        )
        for i in intents
    ]
    going = [i for i, a in zip(intents, answers, strict=True) if a.outcome == "go"]
    _write_down(connection, going, now)
    for lane in lanes.values():
        lane.store(connection)
    for account in accounts.values():
        _book(connection, account.experiment_id, reserved=account.added)
    crash_point("ledger.admitted")
    return answers


@dataclass(slots=True)
class _Account:
    """An experiment's status and purse while one batch is decided."""

    experiment_id: str
    status: str
    purse: Purse
    added: int = 0


def _lanes(
    connection: Connection, intents: Sequence[Intent], now: Instant
) -> dict[str, limits.Lane]:
    wanted = {(i.limit_key, i.shared) for i in intents if limits.limited(i.limits, shared=i.shared)}
    return limits.load(connection, wanted, now)


def _admit_one(
    intent: Intent, alive: bool, account: _Account, lane: limits.Lane | None
) -> Admission:
    if not alive:
        return Admission("stop", "another runner holds the chunk")
    if account.status != "running":
        return Admission("stop", f"the experiment is {account.status}")
    purse, answer = reserve(account.purse, intent.ceiling_picousd)
    if isinstance(answer, Refused):
        outcome: Literal["over_cap", "wait"] = "over_cap" if answer.final else "wait"
        reason = f"the call may cost {usd(answer.amount)}, the cap leaves {usd(answer.left)}"
        return Admission(outcome, reason, CAP_POLL_MS)
    if lane is not None:
        waits = lane.admit(intent.limits, intent.tokens, shared=intent.shared)
        if waits is not None:
            return Admission("wait", *waits)
    account.purse = purse
    account.added += intent.ceiling_picousd
    return Admission("go", "within every limit")


def usd(pico: int) -> str:
    """Render for a person: ``0.000123 USD``."""
    return f"{usd_text(from_pico(pico))} USD"


def _accounts(connection: Connection, ids: Iterable[str]) -> dict[str, _Account]:
    columns = experiments.c
    rows = connection.execute(
        select(
            columns.id,
            columns.status,
            columns.cap_picousd,
            columns.reserved_picousd,
            columns.spent_picousd,
        ).where(columns.id.in_(tuple(ids)))
    )
    return {
        row.id: _Account(
            row.id, row.status, Purse(row.cap_picousd, row.reserved_picousd, row.spent_picousd)
        )
        for row in rows
    }


def _write_down(connection: Connection, going: Sequence[Intent], now: Instant) -> None:
    if not going:
        return
    connection.execute(
        insert(calls),
        [
            {
                "experiment_id": intent.experiment_id,
                "sample": intent.sample,
                "chunk_id": intent.chunk_id,
                "fence": intent.fence,
                "limit_key": intent.limit_key,
                "reserved_picousd": intent.ceiling_picousd,
                "started_at": now,
            }
            for intent in going
        ],
    )


def _book(
    connection: Connection,
    experiment_id: str,
    *,
    reserved: int = 0,
    spent: int = 0,
    done: int = 0,
    failed: int = 0,
) -> None:
    """Add to the experiment's sums; the one place where results and calls change them."""
    added = {"reserved_picousd": reserved, "spent_picousd": spent, "done": done, "failed": failed}
    if any(added.values()):
        connection.execute(
            _BOOK,
            {f"more_{name}": amount for name, amount in added.items()} | {"of": experiment_id},
        )


_BOOK = (
    update(experiments)
    .where(experiments.c.id == bindparam("of"))
    .values(
        {
            name: experiments.c[name] + bindparam(f"more_{name}")
            for name in ("reserved_picousd", "spent_picousd", "done", "failed")
        }
    )
)

_FORGET_CALL = delete(calls).where(
    calls.c.experiment_id == bindparam("of_experiment"), calls.c.sample == bindparam("of_sample")
)


def retract(connection: Connection, retractions: Sequence[Retraction]) -> None:
    """Take back calls that ended without an answer: the reservation goes, what was paid stays.

    Under a lost lease nothing changes: whoever took the chunk has accounted for its calls.
    """
    alive = queue.alive(connection, ((r.intent.chunk_id, r.intent.fence) for r in retractions))
    kept = [r for r in retractions if (r.intent.chunk_id, r.intent.fence) in alive]
    _forget(connection, [(r.intent.experiment_id, r.intent.sample) for r in kept])
    for retraction in kept:
        intent = retraction.intent
        _book(
            connection,
            intent.experiment_id,
            reserved=-intent.ceiling_picousd,
            spent=retraction.paid_picousd,
        )
    # what was perhaps paid was perhaps counted by the provider, too
    _give_back(connection, [(r.intent, r.intent.tokens if r.paid_picousd else 0) for r in kept])
    crash_point("ledger.retracted")


def _forget(connection: Connection, made: Sequence[tuple[str, int]]) -> None:
    """Delete the calls ``(experiment, sample)``."""
    if made:
        connection.execute(
            _FORGET_CALL,
            [{"of_experiment": experiment, "of_sample": sample} for experiment, sample in made],
        )


def _give_back(connection: Connection, ended: Sequence[tuple[Intent, int]]) -> None:
    """Return to the providers' buckets what calls were granted and did not use."""
    counted = [(i, used) for i, used in ended if i.limits.tokens_per_minute is not None]
    if not counted:
        return
    lanes = limits.load(connection, {(i.limit_key, False) for i, _ in counted}, now_ms(connection))
    for intent, used in counted:
        lanes[intent.limit_key].settle(intent.limits, intent.tokens, used)
    for lane in lanes.values():
        lane.store(connection)


def record(connection: Connection, outcomes: Sequence[Outcome]) -> list[bool]:
    """Store the results whose leases still hold; False for the others, which change nothing."""
    now = now_ms(connection)
    alive = queue.alive(connection, ((o.chunk_id, o.fence) for o in outcomes))
    kept = [o for o in outcomes if (o.chunk_id, o.fence) in alive]
    by_experiment: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in kept:
        by_experiment[outcome.experiment_id].append(outcome)
    for experiment_id, batch in by_experiment.items():
        _count(connection, experiment_id, batch)
    made = [(o.experiment_id, o.result.sample) for o in kept if o.reserved_picousd is not None]
    _forget(connection, made)
    _give_back(connection, [(o.intent, _used(o)) for o in kept if o.intent is not None])
    _insert(connection, kept, now)
    finished = [o.chunk_id for o in kept if o.last]
    if finished:
        queue.complete(connection, finished)
        tally(connection, queue.LEASES, ("completed",), len(finished))
    crash_point("ledger.recorded")
    return [(o.chunk_id, o.fence) in alive for o in outcomes]


def _used(outcome: Outcome) -> int:
    """Tokens that the provider counted; without an answer, what it may have counted."""
    usage = outcome.result.usage
    if usage is not None:
        return usage.input_tokens + usage.output_tokens
    granted = 0 if outcome.intent is None else outcome.intent.tokens
    return granted if outcome.charged_picousd else 0


def _count(connection: Connection, experiment_id: str, batch: Sequence[Outcome]) -> None:
    _book(
        connection,
        experiment_id,
        reserved=-sum(o.reserved_picousd or 0 for o in batch),
        spent=sum(o.charged_picousd for o in batch),
        done=len(batch),
        failed=sum(o.result.failure is not None for o in batch),
    )


def _insert(connection: Connection, kept: Sequence[Outcome], now: Instant) -> None:
    if not kept:
        return
    connection.execute(insert(results), [_result_row(o, now) for o in kept])
    measured = [
        {
            "experiment_id": o.experiment_id,
            "metric": metric,
            "cached": o.result.cached,
            "value": value,
            "sample": o.result.sample,
        }
        for o in kept
        for metric, value in o.result.scores.items()
    ]
    if measured:
        connection.execute(insert(scores), measured)
    answered = {o.response_key: o.result for o in kept if o.response_key is not None}
    if answered:
        connection.execute(
            upsert(responses).on_conflict_do_nothing(),
            [_response_row(key, result, now) for key, result in answered.items()],
        )


def _result_row(outcome: Outcome, now: Instant) -> dict[str, Any]:
    result = outcome.result
    usage, failure = result.usage, result.failure
    return {
        "experiment_id": outcome.experiment_id,
        "sample": result.sample,
        "messages": [{"role": m.role, "content": m.content} for m in result.messages],
        "answer": result.answer,
        "input_tokens": usage.input_tokens if usage else None,
        "output_tokens": usage.output_tokens if usage else None,
        "latency_ms": result.latency_ms,
        "cost_picousd": _pico(result.cost_usd),
        "scores": dict(result.scores),
        "failure_kind": failure.kind if failure else None,
        "failure_message": failure.message if failure else None,
        "cached": result.cached,
        "attempts": result.attempts,
        "finished_at": now,
    }


def _pico(money: Decimal | None) -> int | None:
    return None if money is None else to_pico(money)


def _response_row(key: str, result: SampleResult, now: Instant) -> dict[str, Any]:
    usage = result.usage
    return {
        "digest": key,
        "answer": result.answer,
        "input_tokens": usage.input_tokens if usage else 0,
        "output_tokens": usage.output_tokens if usage else 0,
        "latency_ms": result.latency_ms or 0.0,
        "created_at": now,
    }
