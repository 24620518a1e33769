"""A live run's record of an alert, in the shape that a replay's has: `explaining` reads both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from llm_research_lab.commands.alerting.explaining import Explained, Row, chosen, explain, unknown
from llm_research_lab.commands.replay.telling import wall
from llm_research_lab.storage.relational import decisions
from llm_research_lab.storage.relational.decisions import Decision, FiredFor
from llm_research_lab.storage.relational.readonly import has_table
from llm_research_lab.vocabulary import Instant, rfc3339
from llm_research_lab.vocabulary.labels import label

FAR_MS = 1 << 62


def explain_live(
    connection: Connection, alert: str, at_ms: Instant, labels: Mapping[str, str]
) -> Explained:
    """Explain an alert by what `lab ops` has recorded. Raises NotFoundError."""
    if not has_table(connection, "firings"):
        raise unknown(alert, ())
    fired = decisions.firings_of(connection, alert)
    if not fired:
        raise unknown(alert, decisions.names(connection))
    rows = {_at(one): one for one in fired}
    wanted = chosen([_row(one) for one in fired], at_ms, labels)
    there = [rows[row["place"]] for row in wanted.there]
    found = [_heard(connection, one, fired) for one in there]
    pages = decisions.of_pages(connection, {page for row in found for page in row["pages"]})
    others = [_row(one) for one in fired if one not in there]
    first_ms = decisions.began(connection)
    record = {
        "head": {} if first_ms is None else {"from": rfc3339(first_ms)},
        "alerts": [*found, *({**row, "heard": []} for row in others)],
        **_pages(pages),
    }
    return explain(record, alert, at_ms, labels)


def _at(one: FiredFor) -> tuple[Any, ...]:
    return one.labels, one.from_ms


def _row(one: FiredFor) -> dict[str, Any]:
    return {
        "alert": one.name,
        "labels": dict(one.labels),
        "from": rfc3339(one.from_ms),
        "to": None if one.to_ms is None else rfc3339(one.to_ms),
        "rule": one.rule,
        "group": one.group,
        "file": one.file,
        "place": _at(one),
    }


def _heard(connection: Connection, one: FiredFor, fired: Sequence[FiredFor]) -> dict[str, Any]:
    """Give a firing with what was decided of it, up to when it fires anew."""
    again = (each.from_ms for each in fired if each.labels == one.labels)
    before_ms = min((at_ms for at_ms in again if at_ms > one.from_ms), default=FAR_MS)
    decided = decisions.about(connection, one.labels, one.from_ms, before_ms)
    return {
        **_row(one),
        "heard": [_told(each) for each in decided if each.kind in {"notified", "withheld"}],
        "unpaged": [each.why[-1] for each in decided if each.kind == "unpaged"],
        "pages": list(dict.fromkeys(each.page for each in decided if each.page is not None)),
    }


def _told(one: Decision) -> dict[str, Any]:
    return {
        "at": rfc3339(one.at_ms),
        "receiver": one.receiver,
        "integration": one.integration,
        "told": one.kind == "notified",
        "why": list(one.why),
    }


def _pages(decided: Sequence[Decision]) -> dict[str, list[Row]]:
    """Give pages, and what their escalation did, in the shape of a replay's."""
    kinds: dict[str, list[Decision]] = {}
    for one in decided:
        kinds.setdefault(one.kind, []).append(one)
    closed = {one.page: rfc3339(one.at_ms) for one in kinds.get("closed", ())}
    return {
        "pages": [
            {
                "page": one.page,
                "opened": rfc3339(one.at_ms),
                "severity": one.details["severity"],
                "policy": one.details["policy"],
                "alerts": sorted({label(each.labels, "alertname") for each in one.alerts}),
                "receiver": one.receiver,
                "acknowledged": None,
                "by": None,
                "after_seconds": None,
                "closed": closed.get(one.page),
                "why": list(one.why),
            }
            for one in kinds.get("opened", ())
        ],
        "woken": [
            {
                "at": rfc3339(one.at_ms),
                "local": wall(one.at_ms, one.details["time_zone"]),
                "page": one.page,
                "why": list(one.why),
                **one.details,
            }
            for one in kinds.get("woken", ())
        ],
        **{
            kind: [
                {
                    "at": rfc3339(one.at_ms),
                    "page": one.page,
                    "why": one.why[-1],
                    "target": one.details.get("target", one.page),
                }
                for one in kinds.get(kind, ())
            ]
            for kind in ("not_reached", "waiting", "ended")
        },
    }
