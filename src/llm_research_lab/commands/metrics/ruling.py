"""Groups of rules are evaluated live: each on its interval, its samples stored, its states saved.

A tick is the same piece of work as one of `evaluate_past`: live differs in the clock alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection

from llm_research_lab.alerting.rules import (
    Alert,
    Asked,
    Group,
    Outage,
    Past,
    Rule,
    Templates,
    Timing,
    answer,
    evaluate_past,
    identity,
    read_rules,
    restored,
)
from llm_research_lab.alerting.rules.expanding import expanding
from llm_research_lab.alerting.rules.spans import Spans
from llm_research_lab.alerting.rules.written import DUPLICATE
from llm_research_lab.commands.alerting.evaluated import Evaluated, Heard, Standing, unheard
from llm_research_lab.commands.lab import Lab
from llm_research_lab.commands.metrics.taken import Taken
from llm_research_lab.commands.metrics.written import Pending, batch_of
from llm_research_lab.promql import Options, print_expr
from llm_research_lab.promql.floats import format_float
from llm_research_lab.storage.private import explained
from llm_research_lab.storage.relational import alert_states
from llm_research_lab.storage.timeseries import SeriesStore
from llm_research_lab.telemetry.events import emit
from llm_research_lab.templates import check_annotation
from llm_research_lab.vocabulary import Finding, Instant, InvalidError, rfc3339
from llm_research_lab.vocabulary.labels import Labels, labels_of

ALONE = (0, 0)
"""Where a rule stands that is evaluated alone."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A group, and the file that it stands in."""

    file: str
    group: Group


def load_rules(paths: Sequence[Path]) -> list[Loaded]:
    """Read all files. Raises InvalidError with the findings of all of them."""
    loaded: list[Loaded] = []
    findings: list[Finding] = []
    for path in paths:
        try:
            read, found = read_rules(path.read_bytes(), check_template=check_annotation)
        except OSError as error:
            raise explained(error, path) from error
        findings += [Finding(f"{path}:{one.where}", one.law, one.message, one.fix) for one in found]
        if read is not None:
            loaded += [Loaded(str(path), group) for group in read.groups]
    if findings:
        first = findings[0]
        raise InvalidError(
            first.where, first.law, first.message, first.fix, tuple(findings[:20]), len(findings)
        )
    return loaded


@dataclass(slots=True)
class Running:
    """A group that is evaluated: what it carries from tick to tick, and how the last one went."""

    loaded: Loaded
    interval_ms: int
    pasts: list[Past] = field(default_factory=list)
    """What each rule carries."""
    last_ms: Instant | None = None
    seconds: float = 0.0
    errors: Mapping[int, str] = field(default_factory=dict)
    """Why rules failed at the last tick, by their place: a name may stand twice in a group."""
    missed: int = 0


class Ruling:
    """All groups, each a task. `restore` first, then `run`; `groups` shows them at any time."""

    def __init__(
        self,
        lab: Lab,
        store: SeriesStore,
        loaded: Sequence[Loaded],
        options: Options,
        *,
        default_interval_ms: int,
        external_labels: Mapping[str, str] = MappingProxyType({}),
        external_url: str = "",
        heard: Heard = unheard,
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self._lab = lab
        self._store = store
        self._options = options
        self._external_labels = external_labels
        self._external_url = external_url
        self._heard = heard
        self._sleep = sleep
        self._annotations: dict[int, dict[Labels, dict[str, str]]] = {}
        self._saved: dict[str, Mapping[Labels, Alert]] = {}
        self.running = [
            Running(
                one,
                one.group.interval_ms or default_interval_ms,
                [Past() for _ in one.group.rules],
            )
            for one in loaded
        ]

    async def restore(self, down_at_ms: Instant) -> None:
        """Take up the states that were saved; forget those of rules that are gone.

        `down_at_ms` is when the lab last did anything: what was down does not count as waiting.
        """
        outage = Outage(down_at_ms, self._lab.now())

        def work(connection: Connection) -> None:
            known = []
            for one in self.running:
                for place, rule in enumerate(one.loaded.group.rules):
                    if rule.kind != "alert":
                        continue
                    name = identity(one.loaded.group, rule)
                    known.append(name)
                    alerts = alert_states.held(connection, name)
                    self._saved[name] = dict(alerts)
                    timing = Timing(rule.for_ms, rule.keep_firing_for_ms)
                    one.pasts[place].alerts[ALONE] = restored(alerts, timing, outage)
            alert_states.forget_others(connection, known)

        await self._lab.database.write(work)

    async def run(self) -> None:
        """Evaluate every group on its interval, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for one in self.running:
                tasks.create_task(self._over_and_over(one), name=f"rules {one.loaded.group.name}")

    async def _over_and_over(self, one: Running) -> None:
        tick = self._next(one)
        while True:
            if tick - self._lab.now() > one.interval_ms:  # the clock was set back
                tick = self._next(one)
            await self._sleep(max(0.0, (tick - self._lab.now()) / 1000))
            await self.tick(one, tick)
            late = max(0, (self._lab.now() - tick) // one.interval_ms - 1)
            self._miss(one, int(late))
            tick += one.interval_ms * (1 + int(late))

    def _next(self, one: Running) -> Instant:
        """Give the next whole interval since 1970."""
        return (self._lab.now() // one.interval_ms + 1) * one.interval_ms

    def _miss(self, one: Running, ticks: int) -> None:
        if ticks:
            one.missed += ticks
            self._lab.instruments.counter("rule_group_iterations_missed_total")[()].inc(ticks)
            emit("rules.missed", group=one.loaded.group.name, ticks=ticks)

    async def tick(self, one: Running, at: Instant) -> None:
        """Evaluate the group at an instant; what cannot be stored is said, and tried anew later."""
        started = time.perf_counter()
        try:
            await asyncio.to_thread(self._evaluate, one, at)
            await self._save(one)
        except Exception as error:  # noqa: BLE001 - told, and shown; else no alert would fire again
            one.errors = dict.fromkeys(range(len(one.pasts)), str(error))
            emit("rules.failed", group=one.loaded.group.name, why=str(error))
        one.last_ms, one.seconds = at, time.perf_counter() - started
        if self._heard is not unheard:
            await self._heard(self._evaluated(one, at))

    def _evaluate(self, one: Running, at: Instant) -> None:
        errors: dict[int, str] = {}
        taken, pending = Taken(), Pending(self._store)
        templates = Templates(expanding(at), self._external_labels, self._external_url)
        for place, (rule, past) in enumerate(zip(one.loaded.group.rules, one.pasts, strict=True)):
            asked = Asked(
                (replace(one.loaded.group, rules=(rule,)),),
                pending.select,
                self._options,
                one.interval_ms,
                templates=templates,
                origin_ms=at,  # a tick is one, whenever it comes
            )
            past.failures.clear()
            past.spans = Spans()  # what a range would be drawn from: live it would only grow
            evaluate_past(asked, at, at, past)
            errors.update((place, failed.why) for failed in past.failures)
            batch = batch_of(past)
            self._annotate(rule, past, asked, at)  # before they can see what the rule has written
            if batch is not None:
                batch, refused = taken.sift(batch)
                past.seen[ALONE] = past.seen.get(ALONE, frozenset()) - refused
                pending.add(batch)
                if refused:
                    errors[place] = DUPLICATE
        pending.append()
        one.errors = errors
        counters = self._lab.instruments.counter("rule_evaluations_total")
        counters[("ok",)].inc(len(one.loaded.group.rules) - len(errors))
        counters[("failed",)].inc(len(errors))

    def _annotate(self, rule: Rule, past: Past, asked: Asked, at: Instant) -> None:
        """Expand the annotations of the rule's alerts; those that saw no sample keep theirs."""
        told = past.told.get(ALONE, {})
        query = answer(asked, past, at)
        before = self._annotations.get(id(past), {})
        self._annotations[id(past)] = {
            labels: before[labels]
            if seen.at_ms < at and labels in before
            else {
                name: asked.templates.expanded(
                    text, dict(seen.labels), seen.value, query, now_ms=at, name=rule.name
                )
                for name, text in rule.annotations
            }
            for labels, seen in told.items()
        }

    def standing(self, at: Instant) -> list[Evaluated]:
        """Give the alerts of all groups as they stand, evaluated last at an instant."""
        return [self._evaluated(one, at) for one in self.running]

    def _evaluated(self, one: Running, at: Instant) -> Evaluated:
        """Give the group's alerts; those of rules that failed are left out, as not sent."""
        group = one.loaded.group
        alerts = [
            Standing(
                rule.name,
                labels_of({**self._external_labels, **dict(labels)}),
                alert,
                self._annotations.get(id(past), {}).get(labels, {}),
            )
            for place, (rule, past) in enumerate(zip(group.rules, one.pasts, strict=True))
            if rule.kind == "alert" and one.errors.get(place, DUPLICATE) == DUPLICATE
            for labels, alert in past.alerts.get(ALONE, {}).items()
        ]
        return Evaluated(one.loaded.file, group.name, one.interval_ms, at, tuple(alerts))

    async def _save(self, one: Running) -> None:
        """Save the alerts that have changed, in one transaction."""
        changed: dict[str, Mapping[Labels, Alert]] = {}
        for place, rule in enumerate(one.loaded.group.rules):
            if rule.kind == "alert":
                name = identity(one.loaded.group, rule)
                alerts = dict(one.pasts[place].alerts.get(ALONE, {}))
                if alerts != self._saved.get(name, {}):
                    changed[name] = alerts
        if not changed:
            return

        def work(connection: Connection) -> None:
            for name, alerts in changed.items():
                alert_states.hold(connection, name, alerts)

        await self._lab.database.write(work)
        self._saved.update(changed)

    def groups(self) -> list[dict[str, Any]]:
        """Show the groups in the shape of Prometheus's /api/v1/rules."""
        return [
            {
                "name": one.loaded.group.name,
                "file": one.loaded.file,
                "interval": one.interval_ms / 1000,
                "limit": one.loaded.group.limit,
                "evaluationTime": one.seconds,
                "lastEvaluation": _instant(one.last_ms),
                "rules": [
                    self._shown(one, place, rule)
                    for place, rule in enumerate(one.loaded.group.rules)
                ],
            }
            for one in self.running
        ]

    def _shown(self, one: Running, place: int, rule: Rule) -> dict[str, Any]:
        error = one.errors.get(place, "")
        health = "unknown" if one.last_ms is None else "err" if error else "ok"
        shown: dict[str, Any] = {
            "name": rule.name,
            "query": print_expr(rule.expr),
            "health": health,
            "evaluationTime": one.seconds,
            "lastEvaluation": _instant(one.last_ms),
            "labels": dict(rule.labels),
            "type": "recording",
        }
        if error:
            shown["lastError"] = error
        if rule.kind != "alert":
            return shown
        past = one.pasts[place]
        told, annotations = past.told.get(ALONE, {}), self._annotations.get(id(past), {})
        alerts = [
            {
                "labels": dict(labels),
                "annotations": annotations.get(labels, {}),
                "state": alert.state,
                "activeAt": rfc3339(alert.active_at_ms),
                "value": format_float(told[labels].value, "e") if labels in told else "",
            }
            for labels, alert in sorted(past.alerts.get(ALONE, {}).items())
            if alert.state != "inactive"
        ]
        states = {alert["state"] for alert in alerts}
        state = next((state for state in ("firing", "pending") if state in states), "inactive")
        return shown | {
            "type": "alerting",
            "state": state,
            "duration": rule.for_ms / 1000,
            "keepFiringFor": rule.keep_firing_for_ms / 1000,
            "annotations": dict(rule.annotations),
            "alerts": alerts,
        }


def _instant(at: Instant | None) -> str:
    return "0001-01-01T00:00:00Z" if at is None else rfc3339(at)
