"""A store that is filled tick by tick under a clock of its own, and the processes that live on it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from tests.contract.commands.labs import NOW, new_lab

from llm_research_lab.commands.alerting.deciding import Deciding
from llm_research_lab.commands.metrics.ruling import Ruling, load_rules
from llm_research_lab.commands.replay.inputs import read_configuration, read_inputs, read_people
from llm_research_lab.commands.replay.running import Span, replay_history
from llm_research_lab.promql import Options
from llm_research_lab.storage.relational import decisions
from llm_research_lab.storage.timeseries import Batch, MemorySeries
from llm_research_lab.vocabulary.labels import labels_of

MINUTE = 60_000
TICK = 15_000
HOUR = 60 * MINUTE
RULES = """
groups:
  - name: services
    interval: {first}
    rules:
      - alert: Down
        expr: up == 0
        for: 1m
        labels: {{severity: P1}}
      - alert: Slow
        expr: seconds > 1
        for: 30s
        labels: {{severity: P2}}
      - alert: Odd
        expr: up == 0
        labels: {{severity: P3}}
  - name: sites
    interval: {second}
    rules:
      - alert: SiteDown
        expr: sum by (site) (up) == 0
        labels: {{severity: P1}}
      - alert: Told
        expr: vector(1)
        labels: {{severity: none}}
"""
ROUTES = """
route:
  receiver: team
  group_by: [alertname, site]
  group_wait: 30s
  group_interval: 2m
  repeat_interval: 20m
  routes:
    - matchers: [severity="P1"]
      receiver: pager
    - matchers: [severity="P3"]
      receiver: nobody
receivers:
  - name: team
    webhook_configs: [{url: 'http://127.0.0.1:1/'}, {url: 'http://127.0.0.1:2/', send_resolved: false}]
  - name: pager
    pagerduty_configs: [{routing_key: k}]
  - name: nobody
inhibit_rules:
  - source_matchers: [alertname="SiteDown"]
    target_matchers: [alertname=~"Down|Slow"]
    equal: [site]
"""
ROSTER = """
from: 2026-01-05T09:00
time_zone: Etc/UTC
users:
  - {id: ann, name: Ann Arendt, contact_methods: [{type: phone, address: "1"}]}
  - {id: ben, name: Ben Bell, contact_methods: [{type: phone, address: "2"}]}
schedules:
  - id: primary
    schedule_layers:
      - {name: weeks, users: [ann], rotation_turn_length: weekly}
escalation_policies:
  - name: grave
    num_loops: 0
    escalation_rules:
      - {escalation_delay_in_minutes: 3, targets: [{type: schedule_reference, id: primary}]}
      - {escalation_delay_in_minutes: 3, targets: [{type: user_reference, id: ben}]}
escalation_matrix:
  - {severity: P1, escalation_policy: grave}
"""


def noise(seed):
    """Give a value by series and tick: services that break, are slow, and mend."""
    random = np.random.default_rng(seed)
    states = {}

    def value(name, tick):
        held = states.get(name)
        if held is None or random.random() < 0.04:
            held = states[name] = bool(random.random() < 0.6)
        return held

    return value


SERIES = [
    labels_of({"__name__": name, "site": site, "instance": f"{site}{number}"})
    for name in ("up", "seconds")
    for site in ("a", "b")
    for number in range(2)
]


class World:
    """A store that is filled tick by tick, and the processes that live on it one after another."""

    def __init__(self, folder, kind, *, tick=TICK, seed=7):
        self.now, self.last, self.every = NOW, NOW, tick
        self.lab = replace(new_lab(folder / "lab", kind), now=lambda: self.now)
        self.store = MemorySeries()
        self.value = noise(seed)
        first, second = {TICK: ("15s", "1m"), MINUTE: ("1m", "2m")}[tick]
        (folder / "rules.yml").write_text(RULES.format(first=first, second=second))
        (folder / "alertmanager.yml").write_text(ROUTES)
        (folder / "roster.yaml").write_text(ROSTER)
        self.folder = folder

    async def begin(self, *, roster=True):
        """Start a process; the one before was killed."""
        loaded = load_rules([self.folder / "rules.yml"])
        self.deciding = Deciding(
            self.lab,
            read_configuration(self.folder / "alertmanager.yml"),
            {(one.file, one.group.name): one.group.interval_ms for one in loaded},
            roster=read_people(self.folder / "roster.yaml") if roster else None,
        )
        self.ruling = Ruling(
            self.lab,
            self.store,
            loaded,
            Options(default_step_ms=MINUTE),
            default_interval_ms=MINUTE,
            heard=lambda one: self.deciding.heard(one),  # noqa: PLW0108 - who hears may be killed
        )
        await self.ruling.restore(self.last)
        await self.deciding.restore(self.ruling.standing(self.last))

    async def tick(self, values=None):
        """Let the next tick come: samples, then all groups that are due."""
        self.now += self.every
        self.last = self.now
        if values is None:
            values = [
                float(self.value(labels, self.now)) * (1 if labels[0][1] == "up" else 2)
                for labels in SERIES
            ]
        times = np.full(len(SERIES), self.now, np.int64)
        self.store.append(Batch(tuple(SERIES), times, np.array(values)))
        for one in self.ruling.running:
            if self.now % one.interval_ms == 0:
                await self.ruling.tick(one, self.now)
        await self.deciding.advance()

    async def quiet(self, ticks):
        """Let all be well for a while."""
        for _ in range(ticks):
            await self.tick([1.0 if labels[0][1] == "up" else 0.0 for labels in SERIES])

    def recorded(self, *kinds):
        found = self.lab.database.read_now(lambda c: decisions.between(c, 0, 1 << 62))
        return [one for one in found if not kinds or one.kind in kinds]

    def fired(self):
        def work(connection):
            return [
                one
                for name in decisions.names(connection)
                for one in decisions.firings_of(connection, name)
            ]

        return self.lab.database.read_now(work)

    def replayed(self):
        names = ("rules.yml", "alertmanager.yml", "roster.yaml")
        inputs = read_inputs(*(self.folder / name for name in names))
        return replay_history(inputs, self.store, Span(NOW + 1, self.now))
