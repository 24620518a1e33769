"""What rules gave is remembered by what it depends on: a second replay computes what changed.

A circle of rules is known by a digest of its rules, of the circles that it reads, of the history
and of the range: equal digests give equal samples. What was remembered and is not asked for again
is forgotten. A file that cannot be read is computed anew.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from llm_research_lab import __version__
from llm_research_lab.alerting.rules import (
    Asked,
    Failure,
    Group,
    Interval,
    Past,
    evaluate_past,
    intervals,
)
from llm_research_lab.alerting.rules.graph import Circle, circles
from llm_research_lab.promql import Columns, Need
from llm_research_lab.promql.printing import print_expr
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import METRIC_NAME, Labels, label, labels_of
from llm_research_lab.vocabulary.matchers import accepts

FORM = 2
"""Raised when what is remembered is written otherwise."""

DIGITS = 64
"""Of a name: SHA-256 in hexadecimal."""

Said = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What rules gave over a range."""

    intervals: tuple[Interval, ...]
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Series that share times; `at` is where their values are, one series after the other."""

    labels: tuple[Labels, ...]
    times: str
    at: str
    stale: str | None


Told = tuple[list[Interval], list[Failure], list[Part]]
"""What a circle gave: states, failures, and where its series are."""


@dataclass(slots=True)
class Given:
    """What earlier circles wrote: read from disk when a rule asks for it, and no sooner."""

    named: dict[str, list[tuple[Path, Part]]] = field(default_factory=lambda: defaultdict(list))
    loaded: dict[tuple[Path, str], Any] = field(default_factory=dict)

    def add(self, place: Path, parts: Sequence[Part]) -> None:
        """Take what a circle wrote."""
        for part in parts:
            for name in {label(one, METRIC_NAME) for one in part.labels}:
                self.named[name].append((place, part))

    def select(self, need: Need) -> list[Columns]:
        """Give what a need reads."""
        found = []
        for place, part in self._parts(need):
            rows = [row for row, one in enumerate(part.labels) if accepts(need.matchers, one)]
            times = self._load(place, part.times)
            low, high = times.searchsorted((need.from_ms, need.to_ms + 1)).tolist()
            if rows and low < high:
                cut = (rows, slice(low, high))
                values = np.ascontiguousarray(self._load(place, part.at)[cut])
                stale = None if part.stale is None else self._load(place, part.stale)[cut]
                labels = tuple(part.labels[row] for row in rows)
                found.append(Columns(labels, np.asarray(times[low:high]), values, stale))
        return found

    def _parts(self, need: Need) -> list[tuple[Path, Part]]:
        wanted = [one for one in need.matchers if one.name == METRIC_NAME]
        names = [name for name in self.named if all(one.matches(name) for one in wanted)]
        found = [pair for name in names for pair in self.named[name]]
        return list(dict.fromkeys(found))

    def _load(self, place: Path, name: str) -> Any:
        if (place, name) not in self.loaded:
            self.loaded[place, name] = np.load(place / name, mmap_mode="r", allow_pickle=False)
        return self.loaded[place, name]


def remembered(
    asked: Asked,
    past: Past,
    span: tuple[Instant, Instant],
    history: str,
    *,
    place: Path,
    said: Said,
) -> Evaluated:
    """Evaluate all rules over the range; what was evaluated before is taken from `place`.

    `past` is what stood before the range, `history` a digest of the samples that `asked` fetches.
    """
    ordered, given = circles(asked.groups), Given()
    found: list[tuple[tuple[int, int], list[Interval], list[Failure]]] = []
    keys: list[str] = []

    def fetch(need: Need) -> list[Columns]:
        return [*asked.fetch(need), *past.written.select(need), *given.select(need)]

    for number, circle in enumerate(ordered):
        keys.append(_key(asked, circle, [keys[one] for one in sorted(circle.after)], span, history))
        here = place / keys[-1]
        told = _read(here)
        if told is None:
            told = _write(here, *_evaluated(replace(asked, fetch=fetch), circle, span))
        spans, failures, parts = told
        given.add(here, parts)
        found.append(((circle.nodes[0].group, circle.nodes[0].index), spans, failures))
        said(number + 1, len(ordered))
    for path in place.iterdir():
        if path.name not in keys and len(path.name.partition(".")[0]) == DIGITS:
            shutil.rmtree(path, ignore_errors=True)
    found.sort(key=lambda one: one[0])
    return Evaluated(
        tuple(one for _, spans, _ in found for one in spans),
        tuple(one for _, _, failures in found for one in failures),
    )


def _evaluated(
    asked: Asked, circle: Circle, span: tuple[Instant, Instant]
) -> tuple[list[Interval], Past]:
    """Evaluate one circle alone: its groups with no other rules in them."""
    groups: list[Group] = []
    for number in sorted({node.group for node in circle.nodes}):
        rules = tuple(node.rule for node in circle.nodes if node.group == number)
        groups.append(replace(asked.groups[number], rules=rules))
    past = evaluate_past(replace(asked, groups=tuple(groups)), *span)
    return intervals(groups, past), past


def _key(
    asked: Asked, circle: Circle, after: list[str], span: tuple[Instant, Instant], history: str
) -> str:
    rules = []
    for node in circle.nodes:
        group, rule = asked.groups[node.group], node.rule
        about_group = (group.name, group.interval_ms, group.limit, group.query_offset_ms)
        about_rule = (rule.kind, rule.name, print_expr(rule.expr), rule.labels)
        about = (*about_rule, rule.for_ms, rule.keep_firing_for_ms)
        rules.append((node.group, node.index, about_group, group.labels, about))
    plain = {one.name: getattr(asked.options, one.name) for one in fields(asked.options)}
    chosen = {name: one for name, one in plain.items() if isinstance(one, int | str)}
    settings = (asked.default_interval_ms, asked.origin_ms, sorted(chosen.items()))
    text = json.dumps([FORM, __version__, rules, after, span, history, settings])
    return hashlib.sha256(text.encode()).hexdigest()


def _write(place: Path, spans: list[Interval], past: Past) -> Told:
    """Write what a circle gave, whole or not at all; give it as it will be read."""
    tmp = place.with_name(f"{place.name}.tmp")
    shutil.rmtree(tmp, ignore_errors=True)
    tmp.mkdir(parents=True)
    together: dict[bytes, list[Labels]] = defaultdict(list)
    for labels, series in past.written.series.items():
        together[hashlib.sha256(series.times.tobytes()).digest()].append(labels)
    parts: list[Part] = []
    for number, many in enumerate(together.values()):
        rows = [past.written.series[one] for one in many]
        marked = any(one.stale.any() for one in rows)
        np.save(tmp / f"times-{number}.npy", rows[0].times)
        np.save(tmp / f"values-{number}.npy", np.array([one.values for one in rows]))
        if marked:
            np.save(tmp / f"stale-{number}.npy", np.array([one.stale for one in rows]))
        parts.append(_part(number, many, marked=marked))
    told = {
        "parts": [[[dict(one) for one in part.labels], part.stale is not None] for part in parts],
        "intervals": [
            [
                *(one.group, one.rule, dict(one.labels), one.state, one.from_ms, one.to_ms),
                *(list(one.missed), one.forgotten_ms),
            ]
            for one in spans
        ],
        "failures": [[one.rule, one.at_ms, one.why, one.kind] for one in past.failures],
    }
    (tmp / "told.json").write_text(json.dumps(told), encoding="utf-8")
    shutil.rmtree(place, ignore_errors=True)
    tmp.rename(place)
    return spans, past.failures, parts


def _part(number: int, labels: Sequence[Labels], *, marked: bool) -> Part:
    """Name the files of a part."""
    stale = f"stale-{number}.npy" if marked else None
    return Part(tuple(labels), f"times-{number}.npy", f"values-{number}.npy", stale)


def _read(place: Path) -> Told | None:
    """Read what a circle gave; None where it is not there, or not as it was written."""
    try:
        told = json.loads((place / "told.json").read_text(encoding="utf-8"))
        spans = [
            Interval(group, rule, labels_of(labels), state, start, end, tuple(missed), forgotten)
            for group, rule, labels, state, start, end, missed, forgotten in told["intervals"]
        ]
        failures = [
            Failure(rule, at_ms, why, kind=kind) for rule, at_ms, why, kind in told["failures"]
        ]
        parts = [
            _part(number, [labels_of(one) for one in many], marked=marked)
            for number, (many, marked) in enumerate(told["parts"])
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    names = [name for one in parts for name in (one.times, one.at, one.stale) if name]
    return (spans, failures, parts) if all((place / name).is_file() for name in names) else None
