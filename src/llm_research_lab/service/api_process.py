"""`lab api`: one worker on a bound socket; asked to stop, it ends what it has begun."""

from __future__ import annotations

import math
import socket
from functools import partial
from typing import TYPE_CHECKING, cast

import uvicorn

from llm_research_lab.api.application import make_app
from llm_research_lab.api.middleware import Limits
from llm_research_lab.commands.keys import ensure_admin_key
from llm_research_lab.service.ports import BACKLOG, Bound, bind, bound_of
from llm_research_lab.service.protocol import Protocol
from llm_research_lab.service.readiness import Readiness
from llm_research_lab.service.serving import KEEP_ALIVE_SECONDS, Server
from llm_research_lab.service.settings import check_host
from llm_research_lab.service.standing import Standing, standing
from llm_research_lab.storage.relational import idempotency
from llm_research_lab.telemetry.events import emit
from llm_research_lab.telemetry.requests import RequestInstruments

if TYPE_CHECKING:
    from fastapi import FastAPI

    from llm_research_lab.service.settings import Settings
    from llm_research_lab.telemetry.instruments import Instruments


def run_api(settings: Settings) -> None:
    """Serve the API until SIGTERM or SIGINT, or until the `lab up` that started this is gone."""
    check_host(settings)
    with standing("api", settings, settings.api_metrics_port, "api") as here:
        if ensure_admin_key(here.lab):
            emit("key.admin_made", path=str(here.lab.directory.admin_key))
        here.lab.database.write_now(idempotency.lapse)  # claims of a process that was killed
        bound = _bound(settings, here)
        root = here.lab.directory.root
        readiness = Readiness(here.lab.database, root, lambda: here.stop.asked)
        readiness.start()
        try:
            app = make_app(
                here.lab,
                limits=limits_of(settings),
                ready=readiness.reasons,
            )
            server = Server(
                _config(app, settings, here.lab.instruments),
                here,
                lambda: here.ready(url=bound.url),
            )
            server.run([bound.listener])
        finally:
            readiness.close()
            bound.listener.close()


def limits_of(settings: Settings) -> Limits:
    """Give the bounds of a request that the settings ask for."""
    return Limits(
        hosts=settings.hosts | {f"[{settings.host}]" if ":" in settings.host else settings.host},
        body_bytes=settings.body_limit_bytes,
        upload_bytes=settings.upload_limit_bytes,
        seconds=settings.request_timeout_seconds,
        idle_seconds=settings.idle_timeout_seconds,
        upload_seconds=settings.upload_timeout_seconds,
    )


def _bound(settings: Settings, here: Standing) -> Bound:
    """Take the parent's socket, which outlives this process, or bind one."""
    if here.parent is not None and here.parent.listener is not None:
        return bound_of(socket.socket(fileno=here.parent.listener), settings.host)
    bound = bind(settings.host, settings.port)
    if bound.moved:
        emit("process.port_taken", wanted=bound.wanted, port=bound.port, of="api")
    return bound


def _config(app: FastAPI, settings: Settings, instruments: Instruments) -> uvicorn.Config:
    protocol = partial(Protocol, requests=RequestInstruments(instruments))
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=cast("type[Protocol]", protocol),  # uvicorn calls it, and asks no more of it
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=sorted(settings.trusted_proxies),
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=math.ceil(settings.drain_seconds),
    )
