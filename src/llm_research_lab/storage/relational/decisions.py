"""What was decided of alerts, with its reasons; what receivers know; when each alert fired.

A notification is written in one transaction with the entry of the notification log that it makes:
whoever finds the one finds the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from llm_research_lab.alerting.notifying import Entry, LogKey
from llm_research_lab.storage.relational.tables import (
    decided_alerts,
    decisions,
    firings,
    notification_log,
)
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels, label, labels_of

_KEY = ["group_key", "receiver", "kind", "place"]

CHUNK = 500
"""Rows that one statement asks for or deletes: SQLite binds so many values at least."""


@dataclass(frozen=True, slots=True)
class About:
    """An alert that a decision is about; an end is there when it is over."""

    labels: Labels
    starts_ms: Instant | None = None
    ends_ms: Instant | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision; `reason` is the last reason's type, `why` the whole chain in words."""

    at_ms: Instant
    kind: str
    receiver: str
    integration: str | None
    route: str
    group_key: str
    reason: str
    why: tuple[str, ...]
    alerts: tuple[About, ...] = ()
    page: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FiredFor:
    """An alert fired from an instant to another; `to_ms` None: it fires still."""

    labels: Labels
    from_ms: Instant
    to_ms: Instant | None
    rule: str
    group: str
    file: str

    @property
    def name(self) -> str:
        """The label ``alertname``."""
        return label(self.labels, "alertname")


def record(connection: Connection, decided: Iterable[Decision]) -> None:
    """Write decisions, in their order."""
    written = list(decided)
    if not written:
        return
    made = insert(decisions).returning(decisions.c.id, sort_by_parameter_order=True)
    numbers = connection.scalars(made, [_row(one) for one in written])
    rows = [
        {
            "decision_id": number,
            "place": place,
            "name": label(about.labels, "alertname"),
            "alert": text_of(about.labels),
            "starts_at": about.starts_ms,
            "ends_at": about.ends_ms,
        }
        for number, one in zip(numbers, written, strict=True)
        for place, about in enumerate(one.alerts)
    ]
    if rows:
        connection.execute(insert(decided_alerts), rows)


def entries(connection: Connection) -> dict[LogKey, Entry]:
    """Give the notification log."""
    return {
        (row.group_key, row.receiver, row.kind, row.place): Entry(
            row.at, _label_sets(row.firing), _label_sets(row.resolved)
        )
        for row in connection.execute(select(notification_log))
    }


def enter(connection: Connection, changed: Mapping[LogKey, Entry]) -> None:
    """Write entries of the notification log in place of those before."""
    rows = [
        {
            "group_key": group_key,
            "receiver": receiver,
            "kind": kind,
            "place": place,
            "at": entry.at_ms,
            "firing": [dict(labels) for labels in sorted(entry.firing)],
            "resolved": [dict(labels) for labels in sorted(entry.resolved)],
        }
        for (group_key, receiver, kind, place), entry in changed.items()
    ]
    if rows:
        put = upsert(notification_log)
        fresh = {name: put.excluded[name] for name in ("at", "firing", "resolved")}
        connection.execute(put.on_conflict_do_update(index_elements=_KEY, set_=fresh), rows)


def fire(connection: Connection, fired: Iterable[FiredFor]) -> None:
    """Write that alerts fire, or until when they did; what is known already stays."""
    rows = [
        {
            "name": one.name,
            "alert": text_of(one.labels),
            "from_at": one.from_ms,
            "to_at": one.to_ms,
            "rule": one.rule,
            "rule_group": one.group,
            "file": one.file,
        }
        for one in fired
    ]
    if rows:
        put = upsert(firings)
        to_at = func.coalesce(put.excluded.to_at, firings.c.to_at)
        changed = put.on_conflict_do_update(
            index_elements=["name", "alert", "from_at"], set_={"to_at": to_at}
        )
        connection.execute(changed, rows)


def firing_now(connection: Connection) -> list[FiredFor]:
    """Give the alerts that fire, as far as was written."""
    return _fired(connection.execute(select(firings).where(firings.c.to_at.is_(None))))


def firings_of(connection: Connection, name: str) -> list[FiredFor]:
    """Give all firings of an alert, in the order of time."""
    query = select(firings).where(firings.c.name == name)
    return _fired(connection.execute(query.order_by(firings.c.from_at, firings.c.alert)))


def names(connection: Connection) -> list[str]:
    """Name the alerts that ever fired."""
    return list(connection.scalars(select(firings.c.name).distinct().order_by(firings.c.name)))


def began(connection: Connection) -> Instant | None:
    """Give the instant of the first decision that is kept; None where there is none."""
    first: Instant | None = connection.scalar(select(func.min(decisions.c.at)))
    return first


def about(
    connection: Connection, labels: Labels, from_ms: Instant, before_ms: Instant
) -> list[Decision]:
    """Give what was decided of an alert within a time, in order."""
    theirs = decided_alerts.c.alert == text_of(labels)
    query = (
        select(decisions)
        .join(decided_alerts, decided_alerts.c.decision_id == decisions.c.id)
        .where(theirs, decisions.c.at >= from_ms, decisions.c.at < before_ms)
    )
    return _decided(connection, query.order_by(decisions.c.id))


def of_pages(connection: Connection, pages: Iterable[str]) -> list[Decision]:
    """Give all that was decided of pages, in order."""
    query = select(decisions).where(decisions.c.page.in_(list(pages)))
    return _decided(connection, query.order_by(decisions.c.id))


def between(connection: Connection, from_ms: Instant, to_ms: Instant) -> list[Decision]:
    """Give all decisions within a time, both ends included, in order."""
    query = select(decisions).where(decisions.c.at >= from_ms, decisions.c.at <= to_ms)
    return _decided(connection, query.order_by(decisions.c.id))


def open_pages(connection: Connection) -> list[str]:
    """Name the pages that were opened and are not closed."""
    paged = decisions.c.page.is_not(None)  # by which the index is used: most are of no page
    closed = select(decisions.c.page).where(paged, decisions.c.kind == "closed")
    query = select(decisions.c.page).where(
        paged, decisions.c.kind == "opened", decisions.c.page.not_in(closed)
    )
    return list(connection.scalars(query.order_by(decisions.c.id)))


def forget(connection: Connection, before_ms: Instant, entries_before_ms: Instant) -> int:
    """Forget what is older: decisions and ended firings, and entries of the log; how many rows."""
    old = select(decisions.c.id).where(decisions.c.at < before_ms).limit(CHUNK)
    ids = list(connection.scalars(old))
    if ids:
        connection.execute(delete(decided_alerts).where(decided_alerts.c.decision_id.in_(ids)))
        connection.execute(delete(decisions).where(decisions.c.id.in_(ids)))
    connection.execute(delete(firings).where(firings.c.to_at < before_ms))
    connection.execute(delete(notification_log).where(notification_log.c.at < entries_before_ms))
    return len(ids)


def text_of(labels: Labels) -> str:
    """Write labels as a key of a table: equal labels, equal text."""
    return json.dumps(dict(labels), sort_keys=True, ensure_ascii=False)


def _row(one: Decision) -> dict[str, Any]:
    return {
        "at": one.at_ms,
        "kind": one.kind,
        "receiver": one.receiver,
        "integration": one.integration,
        "route": one.route,
        "group_key": one.group_key,
        "page": one.page,
        "reason": one.reason,
        "why": list(one.why),
        "details": dict(one.details),
    }


def _decided(connection: Connection, query: Any) -> list[Decision]:
    rows = connection.execute(query).all()
    alerts = _about(connection, [row.id for row in rows])
    return [
        Decision(
            row.at,
            row.kind,
            row.receiver,
            row.integration,
            row.route,
            row.group_key,
            row.reason,
            tuple(row.why),
            tuple(alerts.get(row.id, ())),
            row.page,
            row.details,
        )
        for row in rows
    ]


def _about(connection: Connection, ids: list[int]) -> dict[int, list[About]]:
    found: dict[int, list[About]] = {}
    for start in range(0, len(ids), CHUNK):
        theirs = decided_alerts.c.decision_id.in_(ids[start : start + CHUNK])
        query = select(decided_alerts).where(theirs)
        order = (decided_alerts.c.decision_id, decided_alerts.c.place)
        for row in connection.execute(query.order_by(*order)):
            one = About(labels_of(json.loads(row.alert)), row.starts_at, row.ends_at)
            found.setdefault(row.decision_id, []).append(one)
    return found


def _fired(rows: Iterable[Row[Any]]) -> list[FiredFor]:
    return [
        FiredFor(
            labels_of(json.loads(row.alert)),
            row.from_at,
            row.to_at,
            row.rule,
            row.rule_group,
            row.file,
        )
        for row in rows
    ]


def _label_sets(found: Iterable[Mapping[str, str]]) -> frozenset[Labels]:
    return frozenset(labels_of(one) for one in found)
