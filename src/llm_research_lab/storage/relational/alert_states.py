"""What each alert of a rule is now, by the rule's identity and the alert's labels."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, delete, insert, select

from llm_research_lab.alerting.rules.state import STATES, Alert
from llm_research_lab.storage.relational.tables import alert_states
from llm_research_lab.vocabulary.labels import Labels, labels_of


def held(connection: Connection, rule: str) -> dict[Labels, Alert]:
    """Give the alerts of the rule as they were saved."""
    query = select(alert_states).where(alert_states.c.rule == rule)
    found = {}
    for row in connection.execute(query):
        state = next(one for one in STATES if one == row.state)
        instants = (row.active_at, row.fired_at, row.resolved_at, row.keep_firing_since)
        found[labels_of(json.loads(row.alert))] = Alert(state, *instants)
    return found


def hold(connection: Connection, rule: str, alerts: Mapping[Labels, Alert]) -> None:
    """Save the alerts of the rule; those that are not among them are forgotten."""
    connection.execute(delete(alert_states).where(alert_states.c.rule == rule))
    rows = [
        {
            "rule": rule,
            "alert": json.dumps(dict(labels), sort_keys=True, ensure_ascii=False),
            "state": alert.state,
            "active_at": alert.active_at_ms,
            "fired_at": alert.fired_at_ms,
            "resolved_at": alert.resolved_at_ms,
            "keep_firing_since": alert.keep_firing_since_ms,
        }
        for labels, alert in alerts.items()
    ]
    if rows:
        connection.execute(insert(alert_states), rows)


def forget_others(connection: Connection, rules: Iterable[str]) -> None:
    """Forget the alerts of all rules but these: their rules are gone."""
    connection.execute(delete(alert_states).where(alert_states.c.rule.not_in(list(rules))))
