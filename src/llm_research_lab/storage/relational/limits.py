"""What all runners together ask of one provider stays within its limits, kept in the database."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.sqlite import insert as upsert

from llm_research_lab.experiments.model_entry import Limits
from llm_research_lab.experiments.pacing import Bucket, give_back, take
from llm_research_lab.storage.relational.tables import calls, rates
from llm_research_lab.vocabulary import Instant

Name = Literal["concurrency", "requests", "tokens"]

SLOT_POLL_MS = 20
"""When a call that must wait for another's end asks again: about a commit or two."""


@dataclass(slots=True)
class Lane:
    """A provider while one batch is decided: calls in flight, and its token buckets."""

    key: str
    now: Instant
    in_flight: int = 0
    buckets: dict[str, Bucket] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)

    @classmethod
    def load(cls, connection: Connection, key: str, now: Instant, *, shared: bool) -> Lane:
        """Read what is in flight (where it is shared) and the buckets that were used before."""
        lane = cls(key, now)
        if shared:
            query = select(func.count()).select_from(calls).where(calls.c.limit_key == key)
            lane.in_flight = connection.execute(query).scalar_one()
        names = (lane.requests, lane.tokens)
        for row in connection.execute(select(rates).where(rates.c.name.in_(names))):
            lane.buckets[row.name] = Bucket(row.tokens, row.updated_at)
        return lane

    @property
    def requests(self) -> str:
        """The name of the bucket of requests."""
        return f"{self.key} requests"

    @property
    def tokens(self) -> str:
        """The name of the bucket of tokens."""
        return f"{self.key} tokens"

    def admit(self, limits: Limits, tokens: int, *, shared: bool) -> tuple[str, int, Name] | None:
        """Take a call's share of every limit: None; or of none: why, how long, for which."""
        if shared and self.in_flight >= limits.concurrency:
            return f"{self.in_flight} calls in flight", SLOT_POLL_MS, "concurrency"
        taken: dict[str, Bucket] = {}
        asked: tuple[tuple[Name, str, int, int | None], ...] = (
            ("requests", self.requests, 1, limits.requests_per_minute),
            ("tokens", self.tokens, tokens, limits.tokens_per_minute),
        )
        for which, name, amount, limit in asked:
            if limit is None:
                continue
            taken[name], wait_ms = take(self.buckets.get(name), self.now, amount, limit)
            if wait_ms > 0:
                return f"{name} per minute: {limit}", wait_ms, which
        self.buckets |= taken
        self.changed |= taken.keys()
        self.in_flight += 1
        return None

    def settle(self, limits: Limits, granted: int, used: int) -> None:
        """Give back what of the tokens was granted and not used."""
        bucket = self.buckets.get(self.tokens)
        if bucket is None or limits.tokens_per_minute is None or granted == used:
            return
        self.buckets[self.tokens] = give_back(bucket, granted - used, limits.tokens_per_minute)
        self.changed.add(self.tokens)

    def store(self, connection: Connection) -> None:
        """Write the buckets that changed. One that did not goes on filling from when it did."""
        rows = [
            {"name": name, "tokens": bucket.tokens, "updated_at": bucket.updated_at}
            for name, bucket in self.buckets.items()
            if name in self.changed
        ]
        if rows:
            put = upsert(rates)
            fresh = {"tokens": put.excluded.tokens, "updated_at": put.excluded.updated_at}
            connection.execute(put.on_conflict_do_update(index_elements=["name"], set_=fresh), rows)


def limited(limits: Limits, *, shared: bool) -> bool:
    """Whether a call has any limit that the database keeps."""
    per_minute = (limits.requests_per_minute, limits.tokens_per_minute)
    return shared or any(limit is not None for limit in per_minute)


def load(
    connection: Connection, keys: Collection[tuple[str, bool]], now: Instant
) -> dict[str, Lane]:
    """Read the lanes of the keys; the second value says whether concurrency is shared."""
    shared = {key for key, is_shared in keys if is_shared}
    return {
        key: Lane.load(connection, key, now, shared=key in shared)
        for key in {key for key, _ in keys}
    }
