"""A trace goes from one process to the next as one line: W3C's ``traceparent``."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Source: W3C Trace Context, 2.2: lower case only; ids of zeros and version ff are invalid; of a
# later version the first four fields are read, and what follows them starts with a dash.
_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = 1


@dataclass(frozen=True, slots=True)
class Parent:
    """A span of another process: its trace, its id, and whether its trace was sampled."""

    trace_id: int
    span_id: int
    sampled: bool

    def __str__(self) -> str:
        """Write the header's value."""
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-{int(self.sampled):02x}"


def read_traceparent(text: str) -> Parent | None:
    """Read a header's value; None when it is not one, and a new trace begins."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    version, trace, span, flags, more = found.groups()
    if version == "ff" or (version == "00" and more):
        return None
    trace_id, span_id = int(trace, 16), int(span, 16)
    if not trace_id or not span_id:
        return None
    return Parent(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))
