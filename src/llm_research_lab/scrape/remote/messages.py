"""The messages of Prometheus's remote protocol, as protobuf's runtime makes them from a table.

A sample's value is declared as fixed64, which has the wire form of a double: so the bits of a stale
marker, a signalling NaN, never pass through a float. What we do not read (exemplars, histograms,
metadata, hints) is left undeclared; protobuf skips it.

Source: github.com/prometheus/prometheus, prompb/types.proto and prompb/remote.proto.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "prometheus"

_Type = descriptor_pb2.FieldDescriptorProto

_FIELDS: dict[str, tuple[tuple[str, int, str | int], ...]] = {
    "Label": (("name", 1, _Type.TYPE_STRING), ("value", 2, _Type.TYPE_STRING)),
    "Sample": (("value", 1, _Type.TYPE_FIXED64), ("timestamp", 2, _Type.TYPE_INT64)),
    "TimeSeries": (("labels", 1, "Label"), ("samples", 2, "Sample")),
    "WriteRequest": (("timeseries", 1, "TimeSeries"),),
    "LabelMatcher": (
        ("type", 1, _Type.TYPE_INT32),
        ("name", 2, _Type.TYPE_STRING),
        ("value", 3, _Type.TYPE_STRING),
    ),
    "Query": (
        ("start_timestamp_ms", 1, _Type.TYPE_INT64),
        ("end_timestamp_ms", 2, _Type.TYPE_INT64),
        ("matchers", 3, "LabelMatcher"),
    ),
    "ReadRequest": (("queries", 1, "Query"),),
    "QueryResult": (("timeseries", 1, "TimeSeries"),),
    "ReadResponse": (("results", 1, "QueryResult"),),
}
"""Per message: name, number, and a scalar type or the message that is repeated."""


def _file() -> descriptor_pb2.FileDescriptorProto:
    """Describe the messages, as protoc would have."""
    file = descriptor_pb2.FileDescriptorProto(
        name="llm_research_lab/remote.proto", package=PACKAGE, syntax="proto3"
    )
    for message, fields in _FIELDS.items():
        one = file.message_type.add(name=message)
        for name, number, kind in fields:
            field = one.field.add(name=name, number=number, label=_Type.LABEL_OPTIONAL)
            if isinstance(kind, str):
                field.type, field.label = _Type.TYPE_MESSAGE, _Type.LABEL_REPEATED
                field.type_name = f".{PACKAGE}.{kind}"
            else:
                field.type = kind  # type: ignore[assignment]  # the stubs' enum is an int
    return file


_POOL = descriptor_pool.DescriptorPool()
_POOL.Add(_file())


def _made(message: str) -> Any:
    """Give the class of a message."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{PACKAGE}.{message}"))


WriteRequest = _made("WriteRequest")
ReadRequest = _made("ReadRequest")
ReadResponse = _made("ReadResponse")
