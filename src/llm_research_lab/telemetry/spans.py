"""A span costs a few microseconds while nobody knows yet whether its trace is kept.

All spans of a request are recorded, since only its end tells whether it was slow or failed; nine of
ten are then dropped. The SDK's own spans cost ten times as much each and a third of a second of
start-up, so these are plain objects, which become the SDK's only when they are exported.
Ids are as W3C's: 128 and 64 bits. Whoever logs reads `current()`: its `trace` and `id`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextvars import ContextVar, Token
from random import getrandbits
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from llm_research_lab.telemetry.traceparent import Parent

if TYPE_CHECKING:
    from llm_research_lab.telemetry.keeping import Decision
    from llm_research_lab.telemetry.tracing import Tracer

Kind = Literal["server", "client", "internal"]
Value = str | int | float | bool | Sequence[str]
"""What an attribute may be."""

SPANS_MOST = 512
"""Spans that one local root may hold while it is open; of a kept one the others count as lost."""

_current: ContextVar[Span | None] = ContextVar("span", default=None)


class Recording:
    """A local root and what ended below it, until the root's end decides over all of them."""

    __slots__ = ("asked", "decision", "lost", "root", "sampled", "spans", "trace_id", "tracer")

    def __init__(self, tracer: Tracer, trace_id: int, *, sampled: bool, asked: bool) -> None:
        self.tracer = tracer
        self.trace_id = trace_id
        self.sampled = sampled
        self.asked = asked
        self.decision: Decision | None = None
        self.spans: list[Span] = []
        self.lost = 0
        self.root: Span | None = None

    def add(self, span: Span) -> None:
        """Take a span that has ended. One that outlives its root shares the root's fate."""
        if span is self.root:
            self.spans.append(span)
            self.tracer.close(self, span)
        elif self.decision is not None:
            if self.decision != "dropped":
                self.tracer.keep([span])
        elif len(self.spans) < SPANS_MOST:
            self.spans.append(span)
        else:
            self.lost += 1


class Span:
    """A piece of work, from entering it to leaving it; an exception that leaves it is its failure.

    The exception's class is noted, never its text, which may hold what a user wrote.
    """

    __slots__ = (
        "_began",
        "_token",
        "attributes",
        "failure",
        "kind",
        "name",
        "only_failed",
        "parent_id",
        "recording",
        "span_id",
        "start_ns",
        "took_ns",
    )

    def __init__(
        self,
        recording: Recording,
        name: str,
        kind: Kind,
        parent_id: int | None,
        attributes: dict[str, Value],
        *,
        only_failed: bool = False,
    ) -> None:
        self.recording = recording
        self.name = name
        self.kind: Kind = kind
        self.span_id = getrandbits(64) or 1
        self.parent_id = parent_id
        self.attributes = attributes
        self.only_failed = only_failed
        self.failure: str | None = None
        self.took_ns = 0
        self.start_ns = time.time_ns()
        self._began = time.perf_counter_ns()
        self._token: Token[Span | None] | None = None

    @property
    def trace(self) -> str:
        """The trace's id in hex."""
        return f"{self.recording.trace_id:032x}"

    @property
    def id(self) -> str:
        """The span's id in hex."""
        return f"{self.span_id:016x}"

    def set(self, name: str, value: Value) -> None:
        """Note an attribute, which spans.yaml declares."""
        self.attributes[name] = value

    def fail(self, kind: str) -> None:
        """Note that the work failed, and as what."""
        self.failure = kind
        self.attributes["error.type"] = kind

    def elapsed_ns(self) -> int:
        """Give the time since the span began."""
        return time.perf_counter_ns() - self._began

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.took_ns = time.perf_counter_ns() - self._began
        if self._token is not None:
            _current.reset(self._token)
            self._token = None
        if kind is not None and self.failure is None:
            self._note(kind)
        if self.failure is not None or not self.only_failed:
            self.recording.add(self)

    def _note(self, kind: type[BaseException]) -> None:
        """A cancelled piece of work did not fail: nobody wanted it any more."""
        if issubclass(kind, Exception):
            self.fail(kind.__name__)
        else:
            self.attributes["error.type"] = kind.__name__


class Silence(Span):
    """Stands where nothing is recorded, and costs nothing."""

    __slots__ = ()

    def __init__(self) -> None: ...

    def set(self, name: str, value: Value) -> None:
        """Note nothing."""

    def fail(self, kind: str) -> None:
        """Note nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...


SILENCE = Silence()


def current() -> Span | None:
    """Give the innermost span around the caller, on its task or thread; None outside a trace."""
    return _current.get()


def child(
    name: str,
    attributes: Mapping[str, Value],
    *,
    kind: Kind = "internal",
    only_failed: bool = False,
) -> Span:
    """Begin a span below the current one; outside a trace, silence.

    With `only_failed` it is let go unless it fails.
    """
    above = _current.get()
    if above is None:
        return SILENCE
    recording = above.recording
    return Span(recording, name, kind, above.span_id, {**attributes}, only_failed=only_failed)


def note(name: str, value: Value) -> None:
    """Note an attribute of the current local root, if there is one."""
    here = _current.get()
    if here is not None and here.recording.root is not None:
        here.recording.root.set(name, value)


def exemplar() -> dict[str, str] | None:
    """Give a histogram the id of a trace that will be kept as it stands now; else None."""
    here = _current.get()
    if here is None:
        return None
    recording = here.recording
    if recording.tracer.verdict(recording) == "dropped":
        return None
    return {"trace_id": here.trace, "span_id": here.id}


def handed_on() -> Parent | None:
    """Keep the current trace, and give what a later process continues it with."""
    here = _current.get()
    if here is None:
        return None
    here.recording.asked = True
    return Parent(here.recording.trace_id, here.span_id, sampled=True)
