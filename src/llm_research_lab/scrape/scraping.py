"""Each target is scraped on its own interval, at its own phase; a scrape is stored as one batch.

A target that fails, or goes, leaves markers where its series end. A store that refuses a batch ends
no loop: the refusal is told to the observer, and the next scrape comes on time.

Source: Prometheus, scrape/scrape.go and manager.go.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from llm_research_lab.scrape.discovery import Discovery, discoveries
from llm_research_lab.scrape.exposition import Metadata
from llm_research_lab.scrape.fetching import Fetched, Fetcher
from llm_research_lab.scrape.jobs import Configuration, Group, Job
from llm_research_lab.scrape.samples import Counts, Scraped, TargetSamples
from llm_research_lab.scrape.targets import Found, Target, targets_of
from llm_research_lab.storage.timeseries.port import Batch, SeriesStore
from llm_research_lab.vocabulary import Instant, LabError, rfc3339
from llm_research_lab.vocabulary.durations import format_duration
from llm_research_lab.vocabulary.labels import Labels

LATEST_MS = 100
"""A scrape that begins so late at most, or a hundredth of its interval, counts as on time: times
are then whole steps apart. Prometheus has such a tolerance, too."""

NEVER = "0001-01-01T00:00:00Z"
"""Go's zero time, which Prometheus shows for a target that was not scraped yet."""


def wall_ms() -> Instant:
    """Read the wall clock."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Observed:
    """One scrape, told when its samples are stored; `refused` is the store's error."""

    job: str
    target: Target
    time_ms: Instant
    seconds: float
    counts: Counts
    error: str | None = None
    refused: str | None = None


def _unheard(_observed: Observed) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What the loops live by; tests give their own clock and sleep."""

    store: SeriesStore
    clock: Callable[[], Instant] = wall_ms
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    timer: Callable[[], float] = time.perf_counter
    observe: Callable[[Observed], None] = _unheard


@dataclass(slots=True)
class _Loop:
    """One target's scrapes; `refusal` fails them all without asking the target."""

    target: Target
    discovered: Labels
    samples: TargetSamples
    setting: Setting
    last_ms: Instant | None = None
    seconds: float = 0.0
    error: str | None = None
    refusal: str | None = None
    health: Literal["unknown", "up", "down"] = "unknown"
    task: asyncio.Task[None] | None = None
    storing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held from reading an answer to having stored it: in that time a loop is not ended."""

    async def run(self, pool: _Pool) -> None:
        """Scrape on and on."""
        while True:
            now = self.setting.clock()
            due = next_due(self.target, now, self.last_ms)
            await self.setting.sleep((due - now) / 1000)
            now = self.setting.clock()
            late = min(LATEST_MS, self.target.interval_ms // 100)
            await self.scrape(pool, due if 0 <= now - due <= late else now)

    async def scrape(self, pool: _Pool, time_ms: Instant) -> None:
        """Ask once, and store what came, or that nothing did."""
        self.last_ms = time_ms
        began = self.setting.timer()
        fetched = await self._fetched(pool)
        async with self.storing:
            scraped = await asyncio.to_thread(
                self._read, fetched, time_ms, lambda: self.setting.timer() - began
            )
            self.seconds = self.setting.timer() - began
            self.error = scraped.error
            self.health = "up" if scraped.error is None else "down"
            refused = await _stored(self.setting.store, scraped.batch)
        self.setting.observe(
            Observed(
                pool.job.name,
                self.target,
                time_ms,
                self.seconds,
                scraped.counts,
                scraped.error,
                refused,
            )
        )

    async def _fetched(self, pool: _Pool) -> Fetched | str:
        """Give the target's answer, or why there is none."""
        if self.refusal is not None:
            return self.refusal
        try:
            return await pool.fetcher.fetch(self.target)
        except LabError as error:
            return str(error)

    def _read(
        self, fetched: Fetched | str, time_ms: Instant, elapsed: Callable[[], float]
    ) -> Scraped:
        """Make the batch of an answer, or of a failure."""
        if isinstance(fetched, str):
            return self.samples.failed(time_ms, elapsed(), fetched)
        return self.samples.scraped(fetched.body, fetched.content_type, time_ms, elapsed)

    async def end(self) -> None:
        """End the loop between two scrapes, or while the target is asked."""
        async with self.storing:
            await _cancelled([] if self.task is None else [self.task])


def next_due(target: Target, now: Instant, last: Instant | None) -> Instant:
    """When the target is due next: now, or the first instant of its phase that is not past."""
    due = now + (target.offset_ms - now) % target.interval_ms
    return due + target.interval_ms if last is not None and due == last else due


async def _stored(store: SeriesStore, batch: Batch) -> str | None:
    """Append off the event loop; give the error of a store that refuses."""
    try:
        await asyncio.to_thread(store.append, batch)
    except (LabError, OSError) as error:
        return str(error)
    return None


@dataclass(slots=True)
class _Pool:
    """One job's loops."""

    job: Job
    fetcher: Fetcher
    setting: Setting
    sources: tuple[Discovery, ...] = ()
    found: Found = field(default_factory=lambda: Found({}))
    loops: dict[Target, _Loop] = field(default_factory=dict)
    groups: dict[int, tuple[Group, ...]] = field(default_factory=dict)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    closing: list[asyncio.Task[None]] = field(default_factory=list)
    """Fetchers of earlier forms of the job, whose last answers are still awaited."""
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def start(self) -> None:
        """Look once for targets, then as often as each source asks."""
        self.sources = discoveries(self.job)
        self.groups = {}
        for index, source in enumerate(self.sources):
            self.groups[index] = await asyncio.to_thread(source.groups)
        await self.sync()
        self.tasks = [
            asyncio.create_task(self._watch(index, source))
            for index, source in enumerate(self.sources)
            if source.every_ms
        ]

    async def _watch(self, index: int, source: Discovery) -> None:
        """Look again and again."""
        while True:
            await self.setting.sleep(source.every_ms / 1000)
            groups = await asyncio.to_thread(source.groups)
            if groups != self.groups[index]:
                self.groups[index] = groups
                await self.sync()

    async def sync(self) -> None:
        """Begin the loops of new targets; end those of targets that went, with markers."""
        async with self.changing:
            groups = [group for index in sorted(self.groups) for group in self.groups[index]]
            self.found = targets_of(self.job, groups)
            gone = {one: loop for one, loop in self.loops.items() if one not in self.found.targets}
            await asyncio.gather(*(loop.end() for loop in gone.values()))
            self.loops = {one: loop for one, loop in self.loops.items() if one not in gone}
            heirs = {(one.labels, one.url): loop.samples for one, loop in gone.items()}
            for target, discovered in self.found.targets.items():
                if target not in self.loops:
                    samples = heirs.pop((target.labels, target.url), None)
                    samples = TargetSamples(target.labels, self.job) if samples is None else samples
                    self._begin(_Loop(target, discovered, samples, self.setting))
            self._bound()
            now = self.setting.clock()
            for samples in heirs.values():
                await _stored(self.setting.store, samples.ended(now))

    def _begin(self, loop: _Loop) -> None:
        self.loops[loop.target] = loop
        loop.task = asyncio.create_task(loop.run(self))

    def _bound(self) -> None:
        """Let every scrape fail while there are more targets than the job allows."""
        most, count = self.job.bounds.targets, len(self.loops)
        refusal = f"target_limit: expected at most {most} targets, got {count}"
        for loop in self.loops.values():
            loop.refusal = refusal if most and count > most else None

    async def change(self, job: Job, fetcher: Fetcher) -> None:
        """Go on by another form of the job; what a target gave before is not forgotten."""
        await _cancelled(self.tasks)
        self.closing = [
            *(task for task in self.closing if not task.done()),
            asyncio.create_task(self.fetcher.close()),
        ]
        self.job, self.fetcher = job, fetcher
        for loop in self.loops.values():
            loop.samples.change(job)
        await self.start()

    async def stop(self) -> None:
        """End all loops, without markers: a restart is no end of series."""
        await _cancelled(self.tasks)
        await asyncio.gather(*(loop.end() for loop in self.loops.values()))
        await asyncio.gather(self.fetcher.close(), *self.closing)

    async def remove(self) -> None:
        """End all loops with markers: the job is gone."""
        await _cancelled(self.tasks)
        self.groups = {}
        await self.sync()
        await asyncio.gather(self.fetcher.close(), *self.closing)


async def _cancelled(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel the tasks, and wait until each has ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Scraper:
    """All jobs of a configuration; begins with none."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self._pools: dict[str, _Pool] = {}

    async def apply(self, configuration: Configuration) -> None:
        """Carry the configuration out; jobs that it has as before go on undisturbed.

        Raises OSError, and changes nothing, when a certificate's file cannot be read.
        """
        jobs = {job.name: job for job in configuration.jobs}
        changed = {
            name: job
            for name, job in jobs.items()
            if name not in self._pools or self._pools[name].job != job
        }
        fetchers = {name: Fetcher(job) for name, job in changed.items()}
        for name in [name for name in self._pools if name not in jobs]:
            await self._pools.pop(name).remove()
        for name, job in changed.items():
            if name in self._pools:
                await self._pools[name].change(job, fetchers[name])
            else:
                self._pools[name] = _Pool(job, fetchers[name], self.setting)
                await self._pools[name].start()

    async def stop(self) -> None:
        """End all loops; a later `apply` begins anew."""
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            await pool.stop()

    def targets(self) -> list[dict[str, Any]]:
        """Show the targets as Prometheus's API does (/api/v1/targets, activeTargets)."""
        return [
            _shown(pool.job, loop) for pool in self._pools.values() for loop in pool.loops.values()
        ]

    def dropped(self) -> list[dict[str, Any]]:
        """Show what the rules dropped (droppedTargets)."""
        return [
            {"discoveredLabels": dict(labels), "scrapePool": pool.job.name}
            for pool in self._pools.values()
            for labels in pool.found.dropped
        ]

    def errors(self) -> list[str]:
        """Say what discovery could not read, and which addresses are no targets."""
        found: list[str] = []
        for pool in self._pools.values():
            told = [*(source.error for source in pool.sources), *pool.found.refused]
            found.extend(f"{pool.job.name}: {error}" for error in told if error)
        return found

    def metadata(self) -> dict[str, list[dict[str, str]]]:
        """Show families' metadata (/api/v1/metadata): each different telling once."""
        found: dict[str, dict[Metadata, None]] = {}
        for pool in self._pools.values():
            for loop in pool.loops.values():
                for name, told in loop.samples.metadata.items():
                    found.setdefault(name, {})[told] = None
        return {
            name: [
                {"type": one.type or "unknown", "help": one.help, "unit": one.unit} for one in told
            ]
            for name, told in sorted(found.items())
        }


def _shown(job: Job, loop: _Loop) -> dict[str, Any]:
    """Show one target in Prometheus's words."""
    target = loop.target
    return {
        "discoveredLabels": dict(loop.discovered),
        "labels": dict(target.labels),
        "scrapePool": job.name,
        "scrapeUrl": target.url,
        "globalUrl": target.url,
        "lastError": loop.error or "",
        "lastScrape": NEVER if loop.last_ms is None else rfc3339(loop.last_ms),
        "lastScrapeDuration": loop.seconds,
        "health": loop.health,
        "scrapeInterval": format_duration(target.interval_ms),
        "scrapeTimeout": format_duration(target.timeout_ms),
    }
