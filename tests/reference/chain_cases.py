"""Worlds for a whole chain, from rules to receivers: the same for the same seed.

Hundreds of rules read one set of samples; a world is a subtree of the routes, told apart by the
label `case`. Rules are evaluated at two phases of the second, groups are flushed at two others
(`WAITS`), silences begin and end at a fifth: so no two things that matter fall together.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field

from tests.reference.chains import Chain

LAYERS = (0, 2)
"""Those of `chains.PHASES_MS` at which rules are evaluated: at 100 and at 700 ms."""
EDGE_MS = 550
"""When in a second silences begin and end: flushes are at 300 and at 900 ms."""
WAITS = ("1200ms", "1200ms", "2200ms")
EVERY = ("1s", "2s", "3s")
REPEATS = ("2500ms", "4500ms", "1h")
SEVERITIES = ("critical", "warning", "info")
CONDITIONS = (
    "up == 0",
    "up == 0",
    'up{job="a"} == 0',
    "up",
    "load > 4",
    "load > 2 < 5",
    'load{kind="x"} < 3',
    "sum by (job) (up) < 2",
    "max by (instance) (load) > 4",
    'rate(c_total{status="500"}[3s]) > 0.4',
    'absent(up{job="b",instance="3"}) and on () group(load)',
    "odd > 1",
    "changes(up[3s]) > 1",
    "count by (job) (up == 1) > 1",
    'h_bucket{le="+Inf"} > 10 < 40',
    'up{job="b"} offset 1s == 0',
)
LABELS = (
    {},
    {},
    {},
    {"instance": ""},
    {"job": "same"},
    {"v": "{{ $value }}"},
    {"at": "{{ if gt $value 1.0 }}high{{ else }}low{{ end }}"},
)


@dataclass(slots=True)
class Worlds:
    """Groups of rules, routes with their receivers, inhibitions, silences and signals by second."""

    chains: list = field(default_factory=list)
    routes: list = field(default_factory=list)
    receivers: list = field(default_factory=list)
    inhibit_rules: list = field(default_factory=list)
    silences: list = field(default_factory=list)
    signals: list = field(default_factory=list)
    """Labels of a series `signal`, and the seconds from which to which it is there."""

    def config(self, url, time_intervals):
        """Write the alertmanager.yml whose receivers are below the url."""
        receivers = [
            {
                "name": name,
                "webhook_configs": [
                    {"url": f"{url}/{name}/{index}", "send_resolved": sends}
                    for index, sends in enumerate(integrations)
                ],
            }
            for name, integrations in self.receivers
        ]
        root = {"receiver": "rest", "group_by": ["case"], "routes": self.routes}
        return json.dumps(
            {
                "route": root,
                "receivers": [{"name": "rest"}, *receivers],
                "inhibit_rules": self.inhibit_rules,
                "time_intervals": time_intervals,
            }
        )

    def add(self, case, rules, *, limit=0, layer=0, interval_ms=1000):
        """Add a group of alerts to a world."""
        own = [{**one, "labels": {"case": case, **one.get("labels", {})}} for one in rules]
        self.chains.append(Chain(len(self.chains), layer, interval_ms, own, limit=limit))


def generated(seed, count, layers=LAYERS):
    """Make worlds by chance."""
    worlds = Worlds()
    for number in range(count):
        _world(random.Random(f"{seed} {number}"), f"c{number}", worlds, layers)
    return worlds


def _world(dice, case, worlds, layers):
    names = [f"{case}-{letter}" for letter in "abc"]
    for name in names:
        sends = [dice.random() < 0.8 for _ in range(dice.choice([1, 1, 2]))]
        worlds.receivers.append((name, sends))
    children = [_child(dice, names, one) for one in _matchers(dice)]
    own = {"matchers": [f'case="{case}"'], "receiver": names[0]}
    worlds.routes.append({**own, "routes": children, **_timers(dice)})
    # What two groups fire at one phase comes in any order.
    for layer in dice.sample(layers, min(len(layers), dice.choice([1, 1, 2]))):
        worlds.add(
            case,
            [_alert(dice, number) for number in range(dice.choice([1, 2, 3]))],
            layer=layer,
            interval_ms=dice.choice([1000, 1000, 2000]),
        )
    for _ in range(dice.choice([0, 0, 1, 2])):
        worlds.inhibit_rules.append(_inhibition(dice, f'case="{case}"'))
    if dice.random() < 0.4:
        worlds.silences.append(_silence(dice, case))


def _alert(dice, number):
    return {
        "alert": f"A{number % 2}",
        "expr": dice.choice(CONDITIONS),
        "for": dice.choice(["0s", "0s", "1s", "1500ms", "2s"]),
        "keep_firing_for": dice.choice(["0s", "0s", "1s", "2s"]),
        "labels": {"severity": dice.choice(SEVERITIES), **dice.choice(LABELS)},
    }


def _timers(dice):
    found = {
        "group_wait": dice.choice(WAITS),
        "group_interval": dice.choice(EVERY),
        "repeat_interval": dice.choice(REPEATS),
    }
    group_by = dice.choice([["case"], ["case", "alertname"], ["..."], ["severity"], ["job"]])
    return {**found, "group_by": group_by}


def _matchers(dice):
    """Matchers of siblings: no two alike, since routes of one key share a log and race for it."""
    severity = dice.choice(SEVERITIES)
    known = [
        f'severity="{severity}"',
        f'severity!="{severity}"',
        'severity=~"c.*|info"',
        'alertname="A0"',
        'job=~"a|same"',
    ]
    return dice.sample(known, dice.choice([0, 1, 2, 3]))


def _child(dice, names, matcher):
    route = {"matchers": [matcher], "receiver": dice.choice(names)}
    if dice.random() < 0.4:
        route["continue"] = True
    if dice.random() < 0.5:
        route |= _timers(dice)
    if dice.random() < 0.25:
        key = dice.choice(["mute_time_intervals", "active_time_intervals"])
        route[key] = dice.sample(["always", "never", "before", "after"], dice.choice([1, 1, 2]))
    return route


def _inhibition(dice, me):
    source = dice.choice(['severity="critical"', 'alertname="A0"', 'instance="1"'])
    target = dice.choice(['severity=~"warning|info"', 'alertname="A0"', 'severity!=""'])
    equal = dice.choice([[], ["alertname"], ["case", "job"], ["instance"]])
    return {"source_matchers": [me, source], "target_matchers": [me, target], "equal": equal}


def _silence(dice, case):
    starts = dice.choice([0, 0, 3, 6])
    other = dice.choice(
        [None, None, ("severity", "!=", "info"), ("job", "=~", "a|same"), ("alertname", "!~", "A1")]
    )
    matchers = [("case", "=", case), *([other] if other else [])]
    return matchers, starts, starts + dice.choice([3, 6, 60])
