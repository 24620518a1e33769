"""A rule keeps its identity while its group's name, its kind, name and labels stay.

Its expression, its durations and its place may change: the states of its alerts are carried on.
Source: Prometheus, rules/group.go, `CopyState`, which goes by name and labels within a group.
"""

from __future__ import annotations

import hashlib
import json

from llm_research_lab.alerting.rules.read import Group, Rule


def identity(group: Group, rule: Rule) -> str:
    """Digest what identifies the rule: SHA-256, in hexadecimal digits."""
    labels = {**dict(group.labels), **dict(rule.labels)}
    text = json.dumps([group.name, rule.kind, rule.name, sorted(labels.items())])
    return hashlib.sha256(text.encode()).hexdigest()
