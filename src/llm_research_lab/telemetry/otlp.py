"""Kept spans go to a collector over OTLP, by gRPC or HTTP, as the SDK's own spans.

Imported only when an endpoint is set: the SDK and gRPC cost a third of a second and 40 MB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

if TYPE_CHECKING:
    from llm_research_lab.telemetry.spans import Span

Protocol = Literal["grpc", "http/protobuf"]

_SCOPE = InstrumentationScope("llm_research_lab")
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_UNSET = Status(StatusCode.UNSET)
_KINDS = {
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "internal": SpanKind.INTERNAL,
}


def exporter_for(endpoint: str | None, protocol: Protocol) -> SpanExporter:
    """Make the exporter. Without an endpoint the environment's ``OTEL_EXPORTER_OTLP_…`` count.

    Headers, certificates, compression and time limits are the environment's in any case. An
    endpoint is the collector's address: over HTTP ``/v1/traces`` is added to it.
    """
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter(endpoint)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
        OTLPSpanExporter as HttpExporter,
    )

    return HttpExporter(None if endpoint is None else f"{endpoint.rstrip('/')}/v1/traces")


def sender(exporter: SpanExporter, resource: Mapping[str, str]) -> Callable[[Sequence[Span]], int]:
    """Give what a Shipper sends with: it says how many spans the collector did not take."""
    who = Resource(dict(resource))

    def send(spans: Sequence[Span]) -> int:
        done = exporter.export([readable(span, who) for span in spans])
        return 0 if done is SpanExportResult.SUCCESS else len(spans)

    return send


def readable(span: Span, resource: Resource) -> ReadableSpan:
    """Give the SDK's form of a kept span."""
    trace_id, parent_id = span.recording.trace_id, span.parent_id
    return ReadableSpan(
        span.name,
        SpanContext(trace_id, span.span_id, is_remote=False, trace_flags=_SAMPLED),
        parent=None
        if parent_id is None
        else SpanContext(trace_id, parent_id, is_remote=False, trace_flags=_SAMPLED),
        resource=resource,
        attributes=span.attributes,
        kind=_KINDS[span.kind],
        status=_UNSET if span.failure is None else Status(StatusCode.ERROR),
        start_time=span.start_ns,
        end_time=span.start_ns + span.took_ns,
        instrumentation_scope=_SCOPE,
    )
