"""A file of escalation policies is read in PagerDuty's words; what is wrong has its place.

The specification's file (5.4.2) is read as it stands. Besides PagerDuty's keys a policy may have
`delays` (until_next_rule or after_trigger, see policy.py) and `support_hours`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llm_research_lab.documents.fields import Field, Place, Source, read_fields
from llm_research_lab.documents.readers import list_of, mapping_of, one_of, text, whole
from llm_research_lab.documents.yaml import read_yaml
from llm_research_lab.oncall.clock import DAY_MS, MINUTE_MS
from llm_research_lab.oncall.moments import time_of_day, weekday, zone
from llm_research_lab.oncall.policy import (
    AFTER_TRIGGER,
    UNTIL_NEXT_RULE,
    Hours,
    Matrix,
    Policy,
    Rule,
    Severity,
    Target,
    delays_ms,
    reading_of,
)
from llm_research_lab.oncall.rotation import windows_of
from llm_research_lab.vocabulary import Finding

MOST_LOOPS = 9
"""PagerDuty repeats a policy at most nine times."""

MOST_MINUTES = 14 * 24 * 60
HANDOFFS = ("if_has_services", "always", "restrict")
"""PagerDuty's two, and the specification's, which `lab lint` finds."""

SEVERITIES = ("P1", "P2", "P3", "P4")
ITEMS = 1000
NAME = text(200)

Policies = tuple[tuple[Policy, ...], Matrix]


def read_policies(content: str | bytes) -> tuple[Policies | None, tuple[Finding, ...]]:
    """Read policies and matrix; None with the findings when there are any."""
    source, broken = read_yaml(content)
    if source is None:
        return None, broken
    findings: list[Finding] = []
    found = read_fields(source.value, Place(source, findings), POLICY_FIELDS)
    if findings:
        return None, tuple(findings)
    return policies_of(found), ()


def policies_of(found: dict[str, Any]) -> Policies:
    """Give what the two keys were read as."""
    return found.get("escalation_policies", ()), found.get("escalation_matrix") or ()


def placed(place: Place) -> str:
    """Where a value stands."""
    source: Source = place.source
    return source.where(place.path)


def _target(value: Any, place: Place) -> Target | None:
    types = one_of("schedule_reference", "user_reference")
    fields = [Field("type", types, required=True), Field("id", NAME, required=True)]
    found = read_fields(value, place, fields)
    return Target(found.get("type") or "", found.get("id") or "", placed(place))


def _rule(value: Any, place: Place) -> tuple[int | None, Sequence[Target], str]:
    fields = [
        Field("escalation_delay_in_minutes", whole(0, MOST_MINUTES), required=True),
        Field("targets", list_of(_target, 1, ITEMS), required=True),
    ]
    found = read_fields(value, place, fields)
    return found.get("escalation_delay_in_minutes"), found.get("targets") or (), placed(place)


def _hours(value: Any, place: Place) -> Hours | None:
    """PagerDuty's support_hours of a service."""
    fields = [
        Field("type", one_of("fixed_time_per_day")),
        Field("time_zone", zone, required=True),
        Field("start_time", time_of_day, required=True),
        Field("end_time", time_of_day, required=True),
        Field("days_of_week", list_of(weekday, 1, 7), required=True),
    ]
    before = len(place.findings)
    found = read_fields(value, place, fields)
    if len(place.findings) > before:
        return None
    start, end = found["start_time"], found["end_time"]
    length = (end - start) % DAY_MS or DAY_MS
    days = found["days_of_week"]
    return Hours(found["time_zone"], windows_of([(day * DAY_MS + start, length) for day in days]))


def _policy(value: Any, place: Place) -> Policy | None:
    fields = [
        Field("name", NAME, required=True),
        Field("description", text(10_000, least=0)),
        Field("num_loops", whole(0, MOST_LOOPS)),
        Field("on_call_handoff_notifications", one_of(*HANDOFFS)),
        Field("delays", one_of(UNTIL_NEXT_RULE, AFTER_TRIGGER)),
        Field("support_hours", _hours, nullable=True),
        Field("escalation_rules", list_of(_rule, 1, ITEMS), required=True),
    ]
    before = len(place.findings)
    found = read_fields(value, place, fields)
    if len(place.findings) > before:
        return None
    rules = found["escalation_rules"]
    minutes = tuple(rule[0] for rule in rules)
    delays = found.get("delays") or reading_of(minutes)
    _check_delays(minutes, delays, place)
    waits = delays_ms(minutes, delays)
    return Policy(
        found["name"],
        tuple(Rule(wait, tuple(rule[1]), rule[2]) for wait, rule in zip(waits, rules, strict=True)),
        found.get("num_loops", 0),
        found.get("on_call_handoff_notifications", HANDOFFS[0]),
        delays,
        "delays" in found,
        minutes,
        found.get("support_hours"),
        placed(place),
    )


def _check_delays(minutes: tuple[int, ...], delays: str, place: Place) -> None:
    """Refuse numbers that cannot be meant as they are read."""
    at = place.at("escalation_rules")
    for index, one in enumerate(minutes):
        here = at.at(index).at("escalation_delay_in_minutes")
        if delays == UNTIL_NEXT_RULE and one < 1:
            message = "a rule waits at least 1 minute for the next"
            here.find("delay", message, "write 1 or more, or delays: after_trigger")
        if delays == AFTER_TRIGGER and one < max(minutes[:index], default=0):
            message = f"{one} minutes after the page, but the rule before is due later"
            here.find("delay", message, "order the rules by their minutes")


def _policies(value: Any, place: Place) -> tuple[Policy, ...]:
    """All policies; a name stands once."""
    policies = list_of(_policy, 0, ITEMS)(value, place)
    once([None if one is None else one.name for one in policies], "policy", place)
    return tuple(one for one in policies if one is not None)


def once(names: Sequence[str | None], what: str, place: Place) -> None:
    """Note every name that stands twice."""
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name is not None and name in seen:
            place.at(index).find(f"duplicate-{what}", f"{name} stands twice", "keep one of them")
        seen.add(name or "")


def _severity(value: Any, place: Place) -> Severity:
    fields = [
        Field("severity", one_of(*SEVERITIES), required=True),
        Field("escalation_policy", NAME, required=True),
        Field("acknowledgement_timeout_in_minutes", whole(1, MOST_MINUTES), nullable=True),
        Field("manager_after_minutes", whole(1, MOST_MINUTES), nullable=True),
    ]
    found = read_fields(value, place, fields)
    acknowledged = found.get("acknowledgement_timeout_in_minutes", 30)
    manager = found.get("manager_after_minutes")
    return Severity(
        found.get("severity") or "",
        found.get("escalation_policy") or "",
        None if acknowledged is None else acknowledged * MINUTE_MS,
        None if manager is None else manager * MINUTE_MS,
        placed(place),
    )


def _matrix(value: Any, place: Place) -> Matrix:
    """All rows; a severity stands once."""
    rows: tuple[Severity, ...] = list_of(_severity, 0, len(SEVERITIES))(value, place)
    once([row.severity or None for row in rows], "severity", place)
    return rows


POLICY_FIELDS = [
    Field("escalation_policies", _policies, required=True),
    Field("escalation_matrix", _matrix),
]

__all__ = [
    "POLICY_FIELDS",
    "Policies",
    "mapping_of",
    "once",
    "placed",
    "policies_of",
    "read_policies",
]
