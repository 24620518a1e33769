"""What fires is decided live as it is in a replay: the same core, and a clock that really runs.

An instant is decided when all groups of rules that have a tick at it were evaluated, so that a
flush sees what was sent at its instant; a group that takes longer than `HOLD_MS` is not waited for.
What was decided counts when it is written, with the entry of the notification log that it makes, in
one transaction: after a crash nothing is told twice that was written, and nothing is lost.

A second start is a restart of an Alertmanager: groups begin anew, the log stays. Alerts that were
sent before and have not ended are there at once, and nothing is told before every group of rules
was evaluated (alertmanager#4064). What receivers know to fire and no rule knows any more is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from llm_research_lab.alerting.notifying import (
    V0_25,
    Alert,
    Configuration,
    Dispatcher,
    Entry,
    LogKey,
    Notification,
    Told,
)
from llm_research_lab.commands.alerting.evaluated import Evaluated, Standing
from llm_research_lab.commands.alerting.paging import Desk
from llm_research_lab.commands.alerting.recording import decision, outcome
from llm_research_lab.commands.alerting.sending import Sender, held, starts_ms
from llm_research_lab.commands.lab import Lab
from llm_research_lab.oncall import Roster
from llm_research_lab.storage.relational import decisions
from llm_research_lab.storage.relational.decisions import Decision, FiredFor
from llm_research_lab.storage.relational.sayings import say
from llm_research_lab.storage.relational.tallies import tally
from llm_research_lab.telemetry import events
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels

HOLD_MS = 10_000
"""How long an evaluation may hold back what is due: then a slow group's alerts come late."""

LONGEST_DELAY_MS = 5 * 60_000
"""A group that is evaluated more rarely is not waited for at a start: its alerts are remembered."""

SLEEP_SECONDS = (0.05, 1.0)
"""Shortest and longest rest between two looks at what is due."""

FORGET_MS = 3_600_000
"""Between two looks at what is old."""

Group = tuple[str, str]
"""A file and the name of a group in it."""


@dataclass(slots=True)
class Decided:
    """What is to be written in one transaction."""

    told: list[Told] = field(default_factory=list)
    paged: list[Decision] = field(default_factory=list)
    logged: dict[LogKey, Entry] = field(default_factory=dict)
    fired: list[FiredFor] = field(default_factory=list)

    def write(self, connection: Connection) -> None:
        """Write it; what it says and counts is said and counted when it is committed."""
        decisions.fire(connection, self.fired)
        written = [decision(one) for one in self.told] + self.paged
        written.sort(key=lambda one: one.at_ms)
        decisions.record(connection, written)
        decisions.enter(connection, self.logged)
        for one in self.told:
            tally(connection, "alert_decisions_total", (outcome(one),))
            if isinstance(one, Notification):
                say(connection, _said(one))

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.told or self.paged or self.logged or self.fired)


class Deciding:
    """Takes evaluations in and decides. `restore` first, then `run`; `heard` at any time after."""

    def __init__(
        self,
        lab: Lab,
        configuration: Configuration,
        intervals: Mapping[Group, int],
        *,
        roster: Roster | None = None,
        retention_ms: int | None = None,
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self._lab = lab
        self._intervals = dict(intervals)
        self._retention_ms = retention_ms
        self._sleep = sleep
        self._sender = Sender()
        self._inbox: list[Evaluated] = []
        self._lock = asyncio.Lock()
        self._pending = Decided()
        self._forget_at = 0
        self._fires: dict[tuple[Group, str, Labels], FiredFor] = {}
        self._logged: dict[LogKey, Entry] = {}
        self._done: dict[Group, Instant] = {}
        self._dispatcher = self._started(configuration, {}, delay_ms=0)
        self._desk = None if roster is None else Desk(roster, lab.new_id, lab.now())

    async def restore(self, standing: Sequence[Evaluated]) -> None:
        """Take up what was written, and the alerts of the rules as they were evaluated last."""
        entries, firing, paged = await self._lab.database.read(_kept)
        now_ms = self._lab.now()
        known = {one.labels for group in standing for one in group.alerts if _was_sent(one)}
        again = bool(entries or known or firing)
        delay_ms = min(max(self._intervals.values(), default=0), LONGEST_DELAY_MS) if again else 0
        configuration = self._dispatcher.configuration
        self._dispatcher = self._started(configuration, entries, delay_ms=delay_ms)
        self._logged = dict(entries)
        if self._desk is not None:
            self._desk.since_ms = now_ms
            self._desk.restore(paged)
        told = self._dispatcher.arrive(
            [*self._held(standing), *_over(entries, known, now_ms)], now_ms
        )
        self._pending.told += told
        gone = [one for one in firing if one.labels not in known]
        self._pending.fired += [replace(one, to_ms=max(now_ms, one.from_ms)) for one in gone]
        self._fires = {
            ((one.file, one.group), one.rule, one.labels): one
            for one in firing
            if one.labels in known
        }
        await self._write()

    async def heard(self, evaluated: Evaluated) -> None:
        """Take the evaluation of a group in, and decide what it completes."""
        self._inbox.append(evaluated)
        self._done[evaluated.key] = evaluated.at_ms
        await self._try(self.advance)

    async def run(self) -> None:
        """Decide at each instant at which something is due, until cancelled."""
        while True:
            await self._try(self.advance)
            await self._try(self._forget)
            await self._sleep(self._rest())

    async def advance(self) -> None:
        """Decide all that is due; what cannot be written is kept, and tried anew at the next."""
        async with self._lock:
            until_ms = self._until()
            ready = sorted(
                (one for one in self._inbox if one.at_ms <= until_ms), key=lambda one: one.at_ms
            )
            self._inbox = [one for one in self._inbox if one.at_ms > until_ms]
            await asyncio.to_thread(self._decide, ready, until_ms)
            await self._write()

    async def _try(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - told; else nobody would decide any more
            events.emit("alert.undecided", why=str(error), exception=error)

    async def _write(self) -> None:
        """Write what is pending: it counts from now on."""
        if self._pending:
            await self._lab.database.write(self._pending.write)
            self._pending = Decided()

    async def _forget(self) -> None:
        """Forget what is older than metrics are kept, and what the log need not know."""
        now_ms = self._lab.now()
        if now_ms < self._forget_at:
            return
        entries_before = now_ms - self._dispatcher.semantics.retention_ms
        before = 0 if self._retention_ms is None else now_ms - self._retention_ms
        rows = decisions.CHUNK
        while rows == decisions.CHUNK:
            rows = await self._lab.database.write(
                lambda connection: decisions.forget(connection, before, entries_before)
            )
        self._forget_at = now_ms + FORGET_MS

    def _started(
        self, configuration: Configuration, log: Mapping[LogKey, Entry], *, delay_ms: int
    ) -> Dispatcher:
        now_ms = self._lab.now()
        self._done = {key: now_ms // every * every for key, every in self._intervals.items()}
        semantics = replace(V0_25, start_delay_ms=delay_ms)
        return Dispatcher(configuration, now_ms, semantics=semantics, log=dict(log))

    def _held(self, standing: Sequence[Evaluated]) -> list[Alert]:
        """Give the alerts that an Alertmanager would still have: sent before, and not yet over."""
        now_ms = self._dispatcher.now_ms
        found = [
            held(one, group.interval_ms, group.at_ms, self._sender)
            for group in standing
            for one in group.alerts
            if one.alert.state == "firing"
        ]
        return [one for one in found if not one.resolved(now_ms)]

    def _until(self) -> Instant:
        """Give the last instant of which all is known, or that is not waited for."""
        now_ms = self._lab.now()
        nexts = (self._done[key] + every for key, every in self._intervals.items())
        complete_ms = min(nexts, default=now_ms + 1) - 1
        return max(min(now_ms, complete_ms), now_ms - HOLD_MS)

    def _rest(self) -> float:
        """Give the seconds until something is due, within bounds."""
        dues = (self._dispatcher.next_ms(), self._desk.next_ms() if self._desk else None)
        shortest, longest = SLEEP_SECONDS
        due_ms = min((at_ms for at_ms in dues if at_ms is not None), default=None)
        if due_ms is None:
            return longest
        return min(longest, max(shortest, (due_ms - self._lab.now()) / 1000))

    def _decide(self, evaluations: Sequence[Evaluated], until_ms: Instant) -> None:
        """Step everything up to an instant, in the order of time."""
        dispatcher = self._dispatcher
        if (
            self._lab.now() < dispatcher.now_ms - HOLD_MS
        ):  # the clock was set back: all is sent anew
            self._sender = Sender()
            self._take(dispatcher.reload(dispatcher.configuration, self._lab.now(), restart=True))
        for one in evaluations:
            self._pending.fired += self._fired(one)
            alerts = self._sender.send(one)
            if alerts:
                self._take(dispatcher.arrive(alerts, max(one.at_ms, dispatcher.now_ms)))
        self._take(dispatcher.advance(until_ms))
        if self._desk is not None:
            self._pending.paged += self._desk.advance(until_ms)
        changed = {
            key: entry
            for key, entry in dispatcher.log.items()
            if self._logged.get(key) is not entry
        }
        self._logged |= changed
        self._pending.logged |= changed

    def _take(self, told: Sequence[Told]) -> None:
        """Keep what was decided; pagers take what they are told, in the order of time."""
        self._pending.told += told
        if self._desk is None:
            return
        for one in told:
            if isinstance(one, Notification):
                self._pending.paged += self._desk.advance(one.at_ms)
                self._pending.paged += self._desk.take(one)

    def _fired(self, evaluated: Evaluated) -> list[FiredFor]:
        """Give the alerts that began or ceased to fire at the evaluation."""
        found: list[FiredFor] = []
        for one in evaluated.alerts:
            key = (evaluated.key, one.rule, one.labels)
            known = self._fires.get(key)
            if one.alert.state == "firing" and known is None:
                file, group = evaluated.key
                fired = FiredFor(one.labels, starts_ms(one.alert), None, one.rule, group, file)
                self._fires[key] = fired
                found.append(fired)
            elif one.alert.state != "firing" and known is not None:
                over_ms = max(known.from_ms, one.alert.resolved_at_ms or evaluated.at_ms)
                del self._fires[key]
                found.append(replace(known, to_ms=over_ms))
        return found


def _was_sent(one: Standing) -> bool:
    return one.alert.state != "pending"


def _kept(
    connection: Connection,
) -> tuple[dict[LogKey, Entry], list[FiredFor], list[Decision]]:
    pages = decisions.open_pages(connection)
    paged = decisions.of_pages(connection, pages)
    return decisions.entries(connection), decisions.firing_now(connection), paged


def _over(entries: Mapping[LogKey, Entry], known: Iterable[Labels], now_ms: Instant) -> list[Alert]:
    """Give what receivers know to fire, and no rule knows: over now, whenever it ended."""
    told: dict[Labels, Instant] = {}
    for entry in entries.values():
        for labels in entry.firing:
            told[labels] = min(entry.at_ms, told.get(labels, entry.at_ms))
    return [
        Alert(labels, min(at_ms, now_ms), now_ms)
        for labels, at_ms in sorted(told.items())
        if labels not in set(known)
    ]


def _said(one: Notification) -> events.Line | None:
    return events.made(
        "alert.notified",
        receiver=one.receiver,
        integration=one.integration,
        status=one.status,
        alerts=sorted({each.name for each in one.alerts}),
        count=len(one.alerts),
        group=dict(one.group_labels),
        why="; ".join(str(reason) for reason in one.why),
    )
