"""Prometheus's remote write (1.0) and remote read, on the wire."""

from llm_research_lab.scrape.remote.wire import (
    ReadQuery,
    decode_read,
    decode_read_response,
    decode_write,
    encode_read,
    encode_read_response,
    encode_write,
)

__all__ = [
    "ReadQuery",
    "decode_read",
    "decode_read_response",
    "decode_write",
    "encode_read",
    "encode_read_response",
    "encode_write",
]
