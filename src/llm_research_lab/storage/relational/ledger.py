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

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from llm_research_lab.cost import Purse, Refused, from_pico, reserve, to_pico
from llm_research_lab.experiments.model_entry import Limits
from llm_research_lab.experiments.pacing import Bucket, take
from llm_research_lab.experiments.result import SampleResult
from llm_research_lab.storage.relational.database import now_ms
from llm_research_lab.storage.relational.tables import (
    calls,
    chunks,
    experiments,
    rates,
    responses,
    results,
    scores,
)
from llm_research_lab.telemetry.crash import crash_point

SLOT_POLL_MS = 20
CAP_POLL_MS = 50
"""When a call that must wait for another's end asks again: about a commit or two."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A call about to be made: for which sample, under which lease, at most how dear.

    `shared` says that all runners together share the limit of concurrency; a model that runs
    inside the runner has its slots to itself.
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
    """Whether the call may be made: ``go``; ``wait`` so many ms; ``stop``: not any more;
    ``over_cap``: never under this cap."""  # noqa: D205, D209

    outcome: Literal["go", "wait", "stop", "over_cap"]
    reason: str
    wait_ms: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result to be stored under a lease.

    `reserved_picousd` is what the call that gave it had reserved (None: there was no call),
    `charged_picousd` what that call cost; `response_key` names the cache entry to write, None for
    none; `last` says that its chunk is then complete.
    """

    chunk_id: int
    fence: int
    experiment_id: str
    result: SampleResult
    reserved_picousd: int | None
    charged_picousd: int
    response_key: str | None
    last: bool


@dataclass(frozen=True, slots=True)
class Retraction:
    """A call that ended without an answer, and what it may have cost all the same."""

    intent: Intent
    paid_picousd: int


def admit(connection: Connection, intents: Sequence[Intent]) -> list[Admission]:
    """Decide on each call, in order, and write down those that may go."""
    now = now_ms(connection)
    alive = _alive(connection, {(i.chunk_id, i.fence) for i in intents})
    ledgers = _ledgers(connection, {i.experiment_id for i in intents})
    lanes = {
        key: _Lane.load(connection, key, now) for key in {intent.limit_key for intent in intents}
    }
    answers = [
        _admit_one(i, (i.chunk_id, i.fence) in alive, ledgers[i.experiment_id], lanes[i.limit_key])
        for i in intents
    ]
    going = [i for i, a in zip(intents, answers, strict=True) if a.outcome == "go"]
    _write_down(connection, going, now)
    for lane in lanes.values():
        lane.store(connection, now)
    _store_money(connection, ledgers.values())
    crash_point("ledger.admitted")
    return answers


@dataclass(slots=True)
class _Account:
    """An experiment's status and purse while one batch is decided."""

    experiment_id: str
    status: str
    purse: Purse
    added: int = 0


@dataclass(slots=True)
class _Lane:
    """What all runners together have in flight with one provider, and its token buckets."""

    key: str
    in_flight: int
    now: int
    buckets: dict[str, Bucket]

    @classmethod
    def load(cls, connection: Connection, key: str, now: int) -> _Lane:
        in_flight = connection.scalar(
            select(func.count()).select_from(calls).where(calls.c.limit_key == key)
        )
        rows = connection.execute(
            select(rates).where(rates.c.name.in_((f"{key} requests", f"{key} tokens")))
        )
        buckets = {row.name: Bucket(row.tokens, row.updated_at) for row in rows}
        return cls(key, in_flight or 0, now, buckets)

    def admit(self, intent: Intent) -> Admission | None:
        """None when there is room in every limit; then all are taken."""
        limits = intent.limits
        if intent.shared and self.in_flight >= limits.concurrency:
            return Admission("wait", f"{self.in_flight} calls in flight", SLOT_POLL_MS)
        taken = dict(self.buckets)
        for name, amount, limit in (
            (f"{self.key} requests", 1, limits.requests_per_minute),
            (f"{self.key} tokens", intent.tokens, limits.tokens_per_minute),
        ):
            if limit is None:
                continue
            taken[name], wait_ms = take(taken.get(name), self.now, amount, limit)
            if wait_ms > 0:
                return Admission("wait", f"{name} per minute: {limit}", wait_ms)
        self.buckets = taken
        self.in_flight += 1
        return None

    def store(self, connection: Connection, now: int) -> None:
        for name, bucket in self.buckets.items():
            values = {"tokens": bucket.tokens, "updated_at": now}
            connection.execute(
                upsert(rates)
                .values(name=name, **values)
                .on_conflict_do_update(index_elements=["name"], set_=values)
            )


def _admit_one(intent: Intent, alive: bool, account: _Account, lane: _Lane) -> Admission:
    if not alive:
        return Admission("stop", "another runner holds the chunk")
    if account.status != "running":
        return Admission("stop", f"the experiment is {account.status}")
    purse, answer = reserve(account.purse, intent.ceiling_picousd)
    if isinstance(answer, Refused):
        outcome: Literal["over_cap", "wait"] = "over_cap" if answer.final else "wait"
        reason = f"the call may cost {usd(answer.amount)}, the cap leaves {usd(answer.left)}"
        return Admission(outcome, reason, CAP_POLL_MS)
    waits = lane.admit(intent)
    if waits is not None:
        return waits
    account.purse = purse
    account.added += intent.ceiling_picousd
    return Admission("go", "within every limit")


def usd(pico: int) -> str:
    """Render for a person: ``0.000123 USD``."""
    return f"{from_pico(pico)} USD"


def _alive(connection: Connection, held: Iterable[tuple[int, int]]) -> frozenset[tuple[int, int]]:
    """Return those ``(chunk_id, fence)`` whose lease still holds."""
    wanted = frozenset(held)
    rows = connection.execute(
        select(chunks.c.id, chunks.c.fence).where(
            chunks.c.state == "leased", chunks.c.id.in_([chunk for chunk, _ in wanted])
        )
    )
    return wanted & {(row.id, row.fence) for row in rows}


def _ledgers(connection: Connection, ids: Iterable[str]) -> dict[str, _Account]:
    rows = connection.execute(
        select(
            experiments.c.id,
            experiments.c.status,
            experiments.c.cap_picousd,
            experiments.c.reserved_picousd,
            experiments.c.spent_picousd,
        ).where(experiments.c.id.in_(tuple(ids)))
    )
    return {
        row.id: _Account(
            row.id,
            row.status,
            Purse(row.cap_picousd, row.reserved_picousd, row.spent_picousd),
        )
        for row in rows
    }


def _write_down(connection: Connection, going: Sequence[Intent], now: int) -> None:
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


def _store_money(connection: Connection, ledgers: Iterable[_Account]) -> None:
    for account in ledgers:
        if account.added:
            connection.execute(
                update(experiments)
                .where(experiments.c.id == account.experiment_id)
                .values(reserved_picousd=experiments.c.reserved_picousd + account.added)
            )


def retract(connection: Connection, retractions: Sequence[Retraction]) -> None:
    """Take back calls that ended without an answer: the reservation goes, what was paid stays.

    Under a lost lease nothing changes: whoever took the chunk has accounted for its calls.
    """
    alive = _alive(connection, {(r.intent.chunk_id, r.intent.fence) for r in retractions})
    for retraction in retractions:
        intent = retraction.intent
        if (intent.chunk_id, intent.fence) in alive:
            _settle(connection, intent.experiment_id, [(intent.sample, intent.ceiling_picousd)])
            _charge(connection, intent.experiment_id, retraction.paid_picousd)
    crash_point("ledger.retracted")


_FORGET_CALL = delete(calls).where(
    calls.c.experiment_id == bindparam("of_experiment"), calls.c.sample == bindparam("of_sample")
)


def _settle(connection: Connection, experiment_id: str, made: Sequence[tuple[int, int]]) -> None:
    """Delete the calls ``(sample, reserved)`` and release what they had reserved."""
    if not made:
        return
    connection.execute(
        _FORGET_CALL, [{"of_experiment": experiment_id, "of_sample": sample} for sample, _ in made]
    )
    reserved = sum(amount for _, amount in made)
    if reserved:
        connection.execute(
            update(experiments)
            .where(experiments.c.id == experiment_id)
            .values(reserved_picousd=experiments.c.reserved_picousd - reserved)
        )


def _charge(connection: Connection, experiment_id: str, paid: int) -> None:
    if paid:
        connection.execute(
            update(experiments)
            .where(experiments.c.id == experiment_id)
            .values(spent_picousd=experiments.c.spent_picousd + paid)
        )


def record(connection: Connection, outcomes: Sequence[Outcome]) -> list[bool]:
    """Store the results whose leases still hold; False for the others, which change nothing."""
    now = now_ms(connection)
    alive = _alive(connection, {(o.chunk_id, o.fence) for o in outcomes})
    kept = [o for o in outcomes if (o.chunk_id, o.fence) in alive]
    by_experiment: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in kept:
        by_experiment[outcome.experiment_id].append(outcome)
    for experiment_id, batch in by_experiment.items():
        made = [
            (o.result.sample, o.reserved_picousd) for o in batch if o.reserved_picousd is not None
        ]
        _settle(connection, experiment_id, made)
        _count(connection, experiment_id, batch)
    _insert(connection, kept, now)
    finished = [o.chunk_id for o in kept if o.last]
    if finished:
        connection.execute(
            update(chunks)
            .where(chunks.c.id.in_(finished))
            .values(state="done", lease_expires_at=None)
        )
    crash_point("ledger.recorded")
    return [(o.chunk_id, o.fence) in alive for o in outcomes]


def _count(connection: Connection, experiment_id: str, batch: Sequence[Outcome]) -> None:
    connection.execute(
        update(experiments)
        .where(experiments.c.id == experiment_id)
        .values(
            done=experiments.c.done + len(batch),
            failed=experiments.c.failed + sum(o.result.failure is not None for o in batch),
            spent_picousd=experiments.c.spent_picousd + sum(o.charged_picousd for o in batch),
        )
    )


def _insert(connection: Connection, kept: Sequence[Outcome], now: int) -> None:
    if not kept:
        return
    connection.execute(insert(results), [_result_row(o, now) for o in kept])
    measured = [
        {
            "experiment_id": o.experiment_id,
            "metric": metric,
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


def _result_row(outcome: Outcome, now: int) -> dict[str, Any]:
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


def _response_row(key: str, result: SampleResult, now: int) -> dict[str, Any]:
    usage = result.usage
    return {
        "digest": key,
        "answer": result.answer,
        "input_tokens": usage.input_tokens if usage else 0,
        "output_tokens": usage.output_tokens if usage else 0,
        "latency_ms": result.latency_ms or 0.0,
        "created_at": now,
    }
