"""Which series a rule writes is known beforehand: by its name and the labels that it gives."""

from __future__ import annotations

from llm_research_lab.alerting.rules.read import Group, Rule
from llm_research_lab.vocabulary.labels import METRIC_NAME
from llm_research_lab.vocabulary.matchers import Matcher

Writes = tuple[Matcher, ...]
"""What accepts a rule's series; the name comes first."""


def writes(group: Group, rule: Rule) -> list[Writes]:
    """Give what accepts the series of a rule: an alert has them under two names."""
    if rule.kind == "alert":
        named = Matcher("alertname", "=", rule.name)
        names = ("ALERTS", "ALERTS_FOR_STATE")
        return [(Matcher(METRIC_NAME, "=", name), named) for name in names]
    static = {**dict(group.labels), **dict(rule.labels)}
    labels = (Matcher(name, "=", value) for name, value in static.items())
    return [(Matcher(METRIC_NAME, "=", rule.name), *labels)]
