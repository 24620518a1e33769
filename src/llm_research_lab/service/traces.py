"""A process's kept spans go to the data directory, and to a collector if one is named.

It is named in the settings, or in OpenTelemetry's own variables.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, cast

from llm_research_lab import __version__
from llm_research_lab.telemetry.catalog import declaration
from llm_research_lab.telemetry.declared_spans import admission
from llm_research_lab.telemetry.shipping import Shipper
from llm_research_lab.telemetry.span_store import SpanStore
from llm_research_lab.telemetry.tracing import OFF, Sink, Tracer
from llm_research_lab.vocabulary import InvalidError

if TYPE_CHECKING:
    from llm_research_lab.service.settings import Settings
    from llm_research_lab.signals import Process
    from llm_research_lab.storage import DataDirectory
    from llm_research_lab.telemetry.otlp import Protocol
    from llm_research_lab.telemetry.spans import Span

LINGER_SECONDS = 1.0
"""Spans for the collector are gathered so long: one message a second, not one a request."""

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


@contextmanager
def tracing(
    process: Process,
    settings: Settings,
    directory: DataDirectory,
    environ: Mapping[str, str] = os.environ,
    *,
    refused: Callable[[], None] = lambda: None,
) -> Iterator[Tracer]:
    """Give the process its tracer; what it kept is sent on at the end.

    `refused` hears of each span that was not as declared.
    """
    if not settings.telemetry:
        yield OFF
        return
    tracer = Tracer(
        ratio=settings.trace_ratio,
        slow_ms=settings.trace_slow_ms,
        admitted=admission(declaration(), refused),
    )
    tracer.to(_sinks(process, settings, directory, environ, tracer))
    try:
        yield tracer
    finally:
        tracer.shut()


def resource_of(process: Process, settings: Settings) -> dict[str, str]:
    """Say who speaks. Source: docs/spec, 5.1.3; and the environment's current name."""
    return {
        "service.name": declaration().sets["service"].start(process)[0],
        "service.version": __version__,
        "service.instance.id": f"{process}-{os.getpid()}-{time.time_ns() // 1_000_000}",
        "deployment.environment": settings.environment,
        "deployment.environment.name": settings.environment,
    }


def otlp_of(settings: Settings, environ: Mapping[str, str]) -> tuple[bool, Protocol]:
    """Whether a collector is named at all, and how it is spoken to. Raises InvalidError."""
    named = settings.otlp_endpoint or any(environ.get(name) for name in _ENDPOINTS)
    given = next((environ[name] for name in _PROTOCOLS if environ.get(name)), "grpc")
    protocol = settings.otlp_protocol or given
    if named and protocol not in {"grpc", "http/protobuf"}:
        raise InvalidError(
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "grpc or http/protobuf",
            repr(protocol),
            "set one of them",
        )
    return bool(named), cast("Protocol", protocol)


def _sinks(
    process: Process,
    settings: Settings,
    directory: DataDirectory,
    environ: Mapping[str, str],
    tracer: Tracer,
) -> list[Sink]:
    name = f"{process}-{os.getpid()}"
    store = SpanStore(directory.traces, name, most_bytes=settings.trace_bytes)
    lost = partial(tracer.lose, "disk")
    sinks: list[Sink] = [Shipper("span store", store.write, lost, idle=store.sweep)]
    named, protocol = otlp_of(settings, environ)
    if named:
        sinks.append(_collector(process, settings, protocol, tracer))
    return sinks


def _collector(process: Process, settings: Settings, protocol: Protocol, tracer: Tracer) -> Sink:
    from llm_research_lab.telemetry import otlp

    exporter = otlp.exporter_for(settings.otlp_endpoint, protocol)
    shipper = Shipper(
        "otlp",
        otlp.sender(exporter, resource_of(process, settings)),
        partial(tracer.lose, "export"),
        linger_seconds=LINGER_SECONDS,
    )
    return _Closing(shipper, exporter.shutdown)


class _Closing:
    """A shipper whose exporter is shut after it, which also ends what it still tries to send."""

    def __init__(self, shipper: Shipper, shut: Callable[[], None]) -> None:
        self._shipper = shipper
        self._shut = shut

    def put(self, spans: Sequence[Span]) -> None:
        """Take the spans."""
        self._shipper.put(spans)

    def close(self) -> None:
        """Send what waits, then end."""
        self._shipper.close()
        with suppress(Exception):  # the process ends: there is nobody left to hear it
            self._shut()
