"""`lab ops`: scrapes, keeps and answers the lab's metrics; Prometheus's API on one port."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn

from llm_research_lab import __version__
from llm_research_lab.api.prometheus.application import make_ops_app
from llm_research_lab.api.prometheus.views import Views
from llm_research_lab.commands.alerting.deciding import Deciding
from llm_research_lab.commands.alerting.evaluated import unheard
from llm_research_lab.commands.keys import ensure_admin_key
from llm_research_lab.commands.metrics.engine import Engine
from llm_research_lab.commands.metrics.ruling import Loaded, Ruling, load_rules
from llm_research_lab.commands.replay.inputs import read_configuration as read_routes
from llm_research_lab.commands.replay.inputs import read_people
from llm_research_lab.promql import Options
from llm_research_lab.scrape.configuration import read_configuration
from llm_research_lab.scrape.scraping import Observed, Scraper, Setting
from llm_research_lab.service.local_targets import CONFIG, TARGETS, write_targets
from llm_research_lab.service.metrics_store import DAY_MS, open_series
from llm_research_lab.service.ports import BACKLOG, bind
from llm_research_lab.service.serving import KEEP_ALIVE_SECONDS, Server
from llm_research_lab.service.settings import check_host
from llm_research_lab.service.standing import Standing, standing
from llm_research_lab.storage.private import explained
from llm_research_lab.telemetry.events import emit
from llm_research_lab.telemetry.exposition import baked
from llm_research_lab.vocabulary import InvalidError, LabError
from llm_research_lab.vocabulary.durations import format_duration

if TYPE_CHECKING:
    from llm_research_lab.scrape.jobs import Configuration
    from llm_research_lab.service.settings import Settings
    from llm_research_lab.storage.timeseries.store import FileSeries
    from llm_research_lab.vocabulary import Instant

TARGETS_SECONDS = 2.0
"""Between two looks at which of the lab's processes serve."""

MAINTENANCE_SECONDS = 60.0
"""Between two looks at whether blocks are to be written, joined or dropped."""

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(slots=True)
class _Ops:
    """What the process has at hand."""

    here: Standing
    settings: Settings
    store: FileSeries
    scraper: Scraper
    text: str
    configuration: Configuration
    ruling: Ruling
    deciding: Deciding | None
    down_at_ms: Instant
    """When the store got its last sample before this process."""
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def run(self) -> Path:
        """Where the lab's processes say that they serve."""
        return self.here.run_file.parent

    async def begin(self) -> None:
        """Start what goes on beside the API."""
        await self._write_targets()
        await self.scraper.apply(self.configuration)
        await self.ruling.restore(self.down_at_ms)
        if self.deciding is not None:
            await self.deciding.restore(self.ruling.standing(self.down_at_ms))
            self.tasks.append(asyncio.create_task(self.deciding.run(), name="deciding"))
        self.tasks.append(asyncio.create_task(self.ruling.run(), name="rules"))
        for name, work, seconds in (
            ("targets", self._write_targets, TARGETS_SECONDS),
            ("maintenance", self._maintain, MAINTENANCE_SECONDS),
        ):
            self.tasks.append(asyncio.create_task(_over_and_over(work, seconds), name=name))

    async def end(self) -> None:
        """Stop it; what was scraped is stored."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.scraper.stop()

    async def _write_targets(self) -> None:
        file = self.here.lab.directory.metrics / TARGETS
        await asyncio.to_thread(write_targets, self.run, file)

    async def _maintain(self) -> None:
        await asyncio.to_thread(self.store.maintain)


def run_ops(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, or until the `lab up` that started this is gone."""
    check_host(settings)
    with (
        standing("ops", settings, None, "ops") as here,
        open_series(settings, write=True) as store,
    ):
        if here.parent is None and ensure_admin_key(here.lab):  # else the API beside it does
            emit("key.admin_made", path=str(here.lab.directory.admin_key))
        bound = bind(settings.host, settings.ops_port)
        try:
            if bound.moved:
                emit("process.port_taken", wanted=bound.wanted, port=bound.port, of="ops")
            text, configuration = _configuration(settings, here)
            setting = Setting(store, clock=here.lab.now, observe=partial(_observed, here))
            loaded = _rules(configuration)
            deciding = _deciding(here, settings, loaded, configuration)
            ruling = _ruling(here, store, loaded, configuration, deciding)
            last_ms = store.status().last_ms
            down_at = here.lab.now() if last_ms is None else last_ms
            ops = _Ops(
                here,
                settings,
                store,
                Scraper(setting),
                text,
                configuration,
                ruling,
                deciding,
                down_at,
            )
            app = make_ops_app(_views(ops))
            metrics_url = f"{bound.url}/metrics"
            server = _Server(
                _config(app, settings),
                here,
                lambda: here.ready(url=bound.url, metrics_url=metrics_url),
                ops,
            )
            server.run([bound.listener])
        finally:
            bound.listener.close()


class _Server(Server):
    """The API's server, with scraping beside it."""

    def __init__(
        self, config: uvicorn.Config, here: Standing, began: Callable[[], None], ops: _Ops
    ) -> None:
        super().__init__(config, here, began)
        self._ops = ops

    async def startup(self, sockets: list[Any] | None = None) -> None:
        """Begin to scrape, once the port answers."""
        await super().startup(sockets)
        await self._ops.begin()

    async def shutdown(self, sockets: list[Any] | None = None) -> None:
        """End the scrapes, then the answers."""
        await self._ops.end()
        await super().shutdown(sockets)


def _configuration(settings: Settings, here: Standing) -> tuple[str, Configuration]:
    """Read the configuration that is meant. Raises InvalidError with every finding."""
    path = settings.metrics_config
    directory = here.lab.directory.metrics
    if path is None:
        interval = format_duration(int(settings.scrape_interval_seconds * 1000))
        text = CONFIG.format(interval=interval, targets=TARGETS)
    else:
        try:
            text, directory = path.read_text(encoding="utf-8"), path.absolute().parent
        except OSError as error:
            raise explained(error, path) from error
        except UnicodeDecodeError as error:
            raise InvalidError(str(path), "UTF-8", str(error), "save it as UTF-8") from error
    configuration, findings = read_configuration(text, str(directory))
    for one in findings:
        if one.law == "ignored":
            emit("metrics.config_ignored", where=one.where, why=one.message)
    if configuration is None:
        kept = tuple(one for one in findings if one.law != "ignored")
        first = kept[0]
        raise InvalidError(f"{path} {first.where}", first.law, first.message, first.fix, kept)
    return text, configuration


def _rules(configuration: Configuration) -> list[Loaded]:
    """Read the rule files that the configuration names. Raises InvalidError with every finding."""
    named = [Path(name) for name in configuration.rule_files]
    return load_rules([path for one in named for path in sorted(one.parent.glob(one.name))])


def _ruling(
    here: Standing,
    store: FileSeries,
    loaded: list[Loaded],
    configuration: Configuration,
    deciding: Deciding | None,
) -> Ruling:
    interval_ms = configuration.evaluation_interval_ms
    return Ruling(
        here.lab,
        store,
        loaded,
        Options(default_step_ms=interval_ms),
        default_interval_ms=interval_ms,
        external_labels=dict(configuration.external_labels),
        heard=unheard if deciding is None else deciding.heard,
    )


def _deciding(
    here: Standing, settings: Settings, loaded: list[Loaded], configuration: Configuration
) -> Deciding | None:
    """Read who is told of alerts; None where nothing says so. Raises InvalidError."""
    if settings.alertmanager_config is None:
        if settings.roster is not None:
            expected, fix = "alertmanager_config beside it", "name the alertmanager.yml too"
            raise InvalidError("setting roster", expected, "none", fix)
        return None
    every = configuration.evaluation_interval_ms
    return Deciding(
        here.lab,
        read_routes(settings.alertmanager_config),
        {(one.file, one.group.name): one.group.interval_ms or every for one in loaded},
        roster=None if settings.roster is None else read_people(settings.roster),
        retention_ms=int(settings.metrics_retention_days * DAY_MS),
    )


def _observed(here: Standing, observed: Observed) -> None:
    """Count a scrape, and say what the store refused."""
    outcome = "failed" if observed.error or observed.refused else "ok"
    here.lab.instruments.counter("scrapes_total")[(outcome,)].inc()
    if observed.refused:
        emit("store.unavailable", trouble=observed.refused)


def _views(ops: _Ops) -> Views:
    settings, here, store = ops.settings, ops.here, ops.store
    interval_ms = ops.configuration.evaluation_interval_ms
    engine = Engine(store, Options(default_step_ms=interval_ms))
    return Views(
        lab=here.lab,
        engine=engine,
        store=store,
        administer=store,
        version=__version__,
        config=lambda: ops.text,
        targets=ops.scraper.targets,
        dropped=ops.scraper.dropped,
        groups=ops.ruling.groups,
        metadata=ops.scraper.metadata,
        status=lambda: _status(store),
        ready=lambda: ["the process is stopping"] if here.stop.asked else [],
        exposed=partial(baked, here.measures.registry),
        anonymous=settings.ops_anonymous and settings.host in LOOPBACK,
    )


def _status(store: FileSeries) -> dict[str, Any]:
    """Show what the store holds, as Prometheus's status/tsdb and beyond."""
    found = store.status()
    return {
        "headStats": {
            "numSeries": found.head_series,
            "numSamples": found.head_samples,
            "minTime": found.first_ms,
            "maxTime": found.last_ms,
        },
        "blocks": found.blocks,
        "blockSamples": found.block_samples,
        "blockBytes": found.block_bytes,
        "logBytes": found.log_bytes,
        "findings": [
            {"where": one.where, "law": one.law, "message": one.message, "fix": one.fix}
            for one in found.findings
        ],
    }


async def _over_and_over(work: Callable[[], Awaitable[None]], seconds: float) -> None:
    """Do it again and again; what it cannot do now it may do the next time."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except LabError as error:
            emit("store.unavailable", trouble=str(error))
        except Exception as error:  # noqa: BLE001 - told; else nothing would do this work again
            emit("store.unavailable", trouble=repr(error), exception=error)


def _config(app: Any, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=math.ceil(settings.drain_seconds),
    )
