"""Rules' outcomes, routes and rosters that are small enough to be worked out by hand."""

from llm_research_lab.alerting.notifying import read_routes
from llm_research_lab.alerting.rules import Interval
from llm_research_lab.oncall import read_roster
from llm_research_lab.vocabulary.labels import labels_of

MINUTE = 60_000
HOUR = 60 * MINUTE
START = 1_769_990_400_000
"""Monday, 2 February 2026, 00:00 UTC: 01:00 in Berlin."""

ROUTES = """
route:
  receiver: quiet
  group_by: [alertname]
  group_wait: 30s
  group_interval: 1m
  repeat_interval: 1h
  routes:
  - {matchers: [severity="P1"], receiver: pager}
  - {matchers: [severity="P9"], receiver: pager}
receivers:
- name: quiet
  slack_configs: [{api_url: 'https://chat.example.com/', channel: '#quiet'}]
- name: pager
  pagerduty_configs: [{routing_key: k}]
inhibit_rules:
- {source_matchers: [alertname="Down"], target_matchers: [alertname="Slow"]}
"""

ROSTER = """
from: 2026-01-05T00:00:00Z
users:
- {id: ada, name: Ada, time_zone: Europe/Berlin, manager: hedy, contact_methods: [{type: phone}]}
- {id: emmy, name: Emmy, time_zone: Europe/Berlin, contact_methods: [{type: phone}]}
- {id: hedy, name: Hedy, time_zone: Europe/Berlin, contact_methods: [{type: phone}]}
- {id: noor, name: Noor, time_zone: Europe/Berlin}
schedules:
- id: first
  time_zone: Europe/Berlin
  schedule_layers:
  - {users: [ada], rotation_virtual_start: 2026-01-05T09:00:00, rotation_turn_length: 7d}
escalation_policies:
- name: all
  num_loops: 0
  escalation_rules:
  - escalation_delay_in_minutes: 10
    targets: [{type: schedule_reference, id: first}, {type: user_reference, id: noor}]
  - escalation_delay_in_minutes: 20
    targets: [{type: user_reference, id: emmy}]
escalation_matrix:
- {severity: P1, escalation_policy: all, acknowledgement_timeout_in_minutes: 30}
"""


def routes(text=ROUTES):
    configuration, findings = read_routes(text, where="routes")
    assert configuration is not None, findings
    return configuration


def roster(text=ROSTER):
    found, findings = read_roster(text, "roster")
    assert found is not None, findings
    return found


def interval(rule, start, end, *, state="firing", group="g", **labels):
    """An alert that is in a state from one minute of the start to another."""
    until = None if end is None else START + round(end * MINUTE)
    named = labels_of({"alertname": rule, **labels})
    return Interval(group, rule, named, state, START + start * MINUTE, until)
