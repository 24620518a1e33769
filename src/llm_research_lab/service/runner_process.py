"""`lab runner`: works through waiting samples; asked to stop, it hands back what it holds."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from typing import TYPE_CHECKING

import uvloop

from llm_research_lab.models import provider_for
from llm_research_lab.models.engine import BundledSettings
from llm_research_lab.service import runner
from llm_research_lab.service.settings import check_host
from llm_research_lab.service.standing import Standing, standing
from llm_research_lab.telemetry.loop_lag import watch_loop

if TYPE_CHECKING:
    from llm_research_lab.service.settings import Settings


def run_runner(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT, or until the `lab up` that started this is gone."""
    check_host(settings)
    name = f"runner-{os.getpid()}"
    with (
        standing("runner", settings, settings.runner_metrics_port, name) as here,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop,
    ):
        loop.run(_serve(here, settings))


async def _serve(here: Standing, settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    here.stop.on(lambda: loop.call_soon_threadsafe(stop.set))
    here.measures.panics.watch_loop(loop)
    watch = loop.create_task(watch_loop(here.lab.instruments), name="loop lag")
    here.ready()
    bundled = BundledSettings(slots=settings.bundled_slots, threads=settings.bundled_threads)
    await runner.run_runner(
        here.lab,
        stop,
        settings.drain_seconds,
        provider_for=partial(provider_for, bundled=bundled),
    )
    watch.cancel()
