"""Groups of rules that read one another, and samples for them to read: the same for the same seed.

Groups stand in layers. All of a layer are evaluated at one phase of the second, so that a group may
read what a lower layer wrote some tenths of a second before; those of one layer do not read each
other. Names of groups are searched for, since the phase is their hash.
Source: Prometheus, rules/group.go, `EvalTimestamp`.
"""

from __future__ import annotations

import math
import random
import struct
from dataclasses import dataclass, field

import numpy as np

from llm_research_lab.promql.hashing import hash_of
from llm_research_lab.storage.timeseries import Batch
from llm_research_lab.vocabulary.labels import labels_of

STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
SCRAPE_MS = 500
PHASES_MS = (100, 400, 700)
"""When the layers are evaluated within a second: what is left is for asking how it went."""


@dataclass(slots=True)
class Chain:
    """A group: its number is in the names of its rules. `reads` are the groups that it reads."""

    number: int
    layer: int
    interval_ms: int
    rules: list
    reads: tuple = ()
    limit: int = 0
    circular: bool = False
    """Whether a group that it reads reads it."""
    name: str = ""

    @property
    def written(self):
        """The group as a rule file has it: around its rules stands what tells its ticks."""
        own = {"chain": str(self.number)}
        seen = [
            {
                "record": "chain:seen",
                "expr": f'timestamp(chain:done{{chain="{one}"}})',
                "labels": {**own, "of": str(one)},
            }
            for one in self.reads
        ]
        first = {"record": "chain:tick", "expr": "time()", "labels": own}
        last = {"record": "chain:done", "expr": "time()", "labels": own}
        return {
            "name": self.name,
            "interval": f"{self.interval_ms}ms",
            "limit": self.limit,
            "rules": [first, *seen, *self.rules, last],
        }


def named(chains, path):
    """Give each group a name whose hash places it at its layer's phase."""
    open_places = {}
    for one in chains:
        key = one.interval_ms, PHASES_MS[one.layer]
        open_places.setdefault(key, []).append(one)
    number = 0
    while any(open_places.values()):
        name = f"n{number}"
        told = hash_of((("file", str(path)), ("name", name)))
        for (interval, phase), waiting in open_places.items():
            if waiting and told % (interval * 1_000_000) // 1_000_000 == phase:
                waiting.pop().name = name
                break
        number += 1
    return chains


def samples(seed, from_ms, to_ms):
    """Make the series that the rules read: four targets, gaps, markers, resets, odd values."""
    chance = random.Random(seed)
    rows = []
    for job, instance in (("a", "1"), ("a", "2"), ("b", "1"), ("b", "3")):
        target = {"job": job, "instance": instance}
        times = list(range(from_ms + chance.choice([0, 130, 370]), to_ms, SCRAPE_MS))
        for name, labels, values in _of_target(chance, len(times)):
            pairs = labels_of({"__name__": name, **target, **labels})
            rows += _holed(chance, pairs, times, values)
    rows.sort(key=lambda row: row[1])
    return Batch(
        tuple(row[0] for row in rows),
        np.array([row[1] for row in rows], np.int64),
        np.array([STALE if row[3] else row[2] for row in rows], np.float64),
        np.array([row[3] for row in rows], np.bool_),
    )


def _of_target(chance, n):
    flapping, level, total = 1.0, 3.0, 0.0
    up, load, count = [], [], []
    for _ in range(n):
        flapping = 1 - flapping if chance.random() < 0.15 else flapping
        level += chance.choice([-1, -0.5, 0, 0, 0.5, 1])
        total = 0.0 if chance.random() < 0.04 else total + chance.randrange(5)
        up.append(flapping)
        load.append(level)
        count.append(total)
    yield "up", {}, up
    yield "load", {"kind": chance.choice(["x", "y"])}, load
    yield "c_total", {"status": "200"}, count
    yield "c_total", {"status": "500"}, [v // 3 for v in count]
    odd = [math.nan, math.inf, -math.inf, -0.0, 1e300, 5e-324, 1.0, 2.0]
    yield "odd", {}, [chance.choice(odd) for _ in range(n)]
    for bound, part in (("0.1", 0.3), ("1", 0.7), ("+Inf", 1.0)):
        yield "h_bucket", {"le": bound}, [float(math.floor(v * part)) for v in count]


def _holed(chance, pairs, times, values):
    hole, marked = 0, chance.random() < 0.6
    for time, value in zip(times, values, strict=True):
        if hole:
            hole -= 1
        elif chance.random() < 0.03:
            hole = chance.choice([2, 5, 9])
            if marked:
                yield pairs, time, 0.0, True
        else:
            yield pairs, time, value, False


def chains(seed, count):
    """Make groups."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        layer = number * len(PHASES_MS) // count
        below = [one.number for one in made if one.layer < layer]
        reads = tuple(chance.sample(below, min(len(below), chance.choice([1, 2, 2]))))
        interval = chance.choice([1000, 1000, 2000])
        writer = _Writer(chance, number, reads)
        rules = [writer.rule(place) for place in range(chance.randrange(3, 8))]
        limit = chance.choice([0, 0, 0, 2, 3])
        made.append(Chain(number, layer, interval, rules, reads, limit))
    return made


RAW = (
    "up",
    "up",
    "load",
    "c_total",
    "odd",
    'up{job="a"}',
    'load{kind="x"}',
    'c_total{status="500"}',
    'h_bucket{le="+Inf"}',
    '{__name__=~"up|load"}',
    "nothing",
)
LABELS = (
    {},
    {},
    {},
    {"sev": "page"},
    {"job": "same"},
    {"job": ""},
    {"team": "t-{{ $labels.job }}"},
    {"at": "{{ $externalLabels.region }}"},
    {"v": "{{ $value }}"},
    {"v": "{{ $value | humanize }}", "sev": "p"},
    {"gone": "{{ $labels.missing }}"},
    {"instance": "{{ if gt $value 1.0 }}high{{ else }}low{{ end }}"},
    {"broken": "{{ $value | parseDuration }}"},
    {"many": '{{ query "count(up)" | first | value }}'},
)
ANNOTATIONS = (
    {},
    {"plain": "x"},
    {"summary": "{{ $labels.job }} on {{ $labels.instance }} is {{ $value }}"},
    {"name": "{{ $labels.__name__ }} {{ .ExternalLabels.region }} {{ $externalURL }}"},
    {"how": '{{ printf "%.3f" $value }} {{ humanize $value }} {{ humanizePercentage $value }}'},
    {
        "who": '{{ range query "sum by (instance) (up)" | sortByLabel "instance" }}{{ .Labels.instance }}={{ .Value }} {{ end }}'
    },
    {"none": '{{ query "nothing" | first | value }}'},
    {"wrong": '{{ query "sum(" }}'},
    {"link": '{{ $labels.job | toUpper | title }} {{ reReplaceAll "(.)" "<$1>" $labels.job }}'},
)
NUMBERS = ("0", "1", "2", "0.5", "3.25")
SPANS = ("1s", "2s", "2500ms", "4s")


@dataclass(slots=True)
class _Writer:
    chance: random.Random
    number: int
    reads: tuple
    records: list = field(default_factory=list)

    def rule(self, place):
        one = self.chance.random
        if one() < 0.5:
            name = f"g{self.number}:r{place if one() < 0.85 else max(0, place - 1)}"
            rule = {"record": name, "expr": self.scalar() if one() < 0.08 else self.vector(2)}
            if one() < 0.3:
                rule["labels"] = self.chance.choice(LABELS)
            return rule
        name = f"G{self.number}A{place if one() < 0.85 else max(0, place - 1)}"
        return {
            "alert": name,
            "expr": self.condition(),
            "for": self.chance.choice(["0s", "0s", "1s", "2s", "1500ms", "3s"]),
            "keep_firing_for": self.chance.choice(["0s", "0s", "0s", "1s", "2s", "2500ms"]),
            "labels": self.chance.choice(LABELS),
            "annotations": self.chance.choice(ANNOTATIONS),
        }

    def selector(self):
        chance, own = self.chance, self.number
        kind = chance.random()
        if kind < 0.4:
            return chance.choice(RAW)
        group = chance.choice([own, own, *self.reads, *self.reads])
        if kind < 0.75:
            return f"g{group}:r{chance.randrange(6)}"
        if kind < 0.8:
            return f'{{__name__=~"g{group}:.*"}}'
        name = chance.choice(["ALERTS", "ALERTS", "ALERTS_FOR_STATE"])
        state = chance.choice(["", ',alertstate="firing"', ',alertstate="pending"'])
        state = state if name == "ALERTS" else ""
        which = chance.choice([f'="G{group}A{chance.randrange(6)}"', f'=~"G{group}A.*"'])
        return f"{name}{{alertname{which}{state}}}"

    def moved(self):
        chance = self.chance
        where = chance.choice(["", "", "", " offset 1s", " offset 1700ms", " @ end()"])
        return f"{self.selector()}{where}"

    def ranged(self):
        chance = self.chance
        if chance.random() < 0.2:
            return (
                f"({self.vector(1)})[{chance.choice(SPANS)}:{chance.choice(['500ms', '1s', ''])}]"
            )
        where = chance.choice(["", "", " offset 1s"])
        return f"{self.selector()}[{chance.choice(SPANS)}]{where}"

    def vector(self, depth):
        chance = self.chance
        if depth == 0 or chance.random() < 0.15:
            return self.moved()
        inner = lambda: self.vector(depth - 1)  # noqa: E731 - drawn anew each time
        by = chance.choice(
            ["by (job)", "by (job, instance)", "without (instance)", "", "by (alertname)"]
        )
        number = chance.choice(NUMBERS)
        return chance.choice(
            [
                lambda: (
                    f"{chance.choice(['sum', 'max', 'min', 'count', 'avg', 'group'])} {by} ({inner()})"
                ),
                lambda: f"{chance.choice(OVER_TIME)}({self.ranged()})",
                lambda: f"{chance.choice(OVER_TIME)}({self.ranged()})",
                lambda: (
                    f"({inner()}) {chance.choice(['>', '<=', '==', '!='])} {chance.choice(['', 'bool '])}{number}"
                ),
                lambda: f"({inner()}) {chance.choice('+-*/')} {number}",
                lambda: f"({inner()}) {chance.choice(['or', 'unless', 'and'])} ({inner()})",
                lambda: (
                    f"({inner()}) {chance.choice(['or', 'unless', 'and'])} on (job) ({inner()})"
                ),
                lambda: f"({inner()}) + on (job, instance) group_left () ({inner()})",
                lambda: f"({inner()}) * on (job) group_right () sum by (job) ({inner()})",
                lambda: f"absent({self.moved()})",
                lambda: f"timestamp({self.moved()}) - 1.7e9",
                lambda: f'label_replace({inner()}, "to", "$1", "instance", "(.*)")',
                lambda: f'count_values("v", {inner()})',
                lambda: f"clamp({inner()}, 0, {number})",
                lambda: f"vector({number})",
                lambda: (
                    f"histogram_quantile(0.9, sum by (le, job) (rate(h_bucket[{chance.choice(SPANS)}])))"
                ),
            ]
        )()

    def scalar(self):
        inner = self.vector(1)
        return self.chance.choice(
            ["1", "time() - 1.7e9", f"scalar({inner})", f"scalar({inner}) > bool 1"]
        )

    def condition(self):
        chance = self.chance
        number = chance.choice(NUMBERS)
        return chance.choice(
            [
                lambda: f"{self.moved()} {chance.choice(['>', '<', '==', '!='])} {number}",
                lambda: f"({self.vector(1)}) {chance.choice(['>', '<', '==', '!='])} {number}",
                lambda: self.vector(2),
                lambda: f"{self.moved()}",
                lambda: f"absent({self.moved()})",
            ]
        )()


OVER_TIME = (
    "rate",
    "increase",
    "sum_over_time",
    "count_over_time",
    "max_over_time",
    "last_over_time",
    "avg_over_time",
    "changes",
    "resets",
    "delta",
    "present_over_time",
    "absent_over_time",
    "deriv",
)
