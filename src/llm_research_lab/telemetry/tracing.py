"""A process's tracer begins local roots, decides at their end, and hands what it keeps to sinks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from random import getrandbits
from threading import Lock
from typing import Literal, Protocol, get_args

from llm_research_lab.telemetry.keeping import Decision, decide, sampled
from llm_research_lab.telemetry.spans import SILENCE, Kind, Recording, Span, Value
from llm_research_lab.telemetry.traceparent import Parent

Loss = Literal["buffer", "export", "disk"]
"""Why a span that should have been kept is lost."""

OPEN_MOST = 10_000
"""Local roots open at once; beyond them nothing is recorded, and each counts as a lost span."""

RATIO = 0.1
"""Source: docs/spec, 5.1.3, `TraceIdRatioBased(0.1)`."""

SLOW_MS = 100.0
"""Source: docs/spec, 5.1.3: what takes longer than this is kept."""


class Sink(Protocol):
    """Takes kept spans, at once and from any thread; what it cannot take it counts as lost."""

    def put(self, spans: Sequence[Span]) -> None:
        """Take the spans, which change no more."""
        ...

    def close(self) -> None:
        """Send on what was taken, within a bound of time; a second call does nothing."""
        ...


class Tracer:
    """One a process. `decisions` and `lost` are counters since the start, for its metrics.

    `admitted` says of a kept span whether it may go further.
    """

    def __init__(
        self,
        sinks: Sequence[Sink] = (),
        *,
        ratio: float = RATIO,
        slow_ms: float = SLOW_MS,
        admitted: Callable[[Span], bool] | None = None,
        on: bool = True,
    ) -> None:
        self.decisions: dict[Decision, int] = dict.fromkeys(get_args(Decision), 0)
        self.lost: dict[Loss, int] = dict.fromkeys(get_args(Loss), 0)
        self._sinks = tuple(sinks)
        self._ratio = ratio
        self._slow_ns = int(slow_ms * 1_000_000)
        self._admitted = admitted
        self._on = on
        self._open = 0
        self._losing = Lock()

    def to(self, sinks: Sequence[Sink]) -> None:
        """Hand what is kept to these from now on: sinks count their losses here."""
        self._sinks = tuple(sinks)

    @property
    def on(self) -> bool:
        """Whether anything is recorded at all."""
        return self._on

    def root(
        self,
        name: str,
        attributes: dict[str, Value],
        *,
        kind: Kind = "internal",
        parent: Parent | None = None,
        asked: bool = False,
    ) -> Span:
        """Begin a local root, below another process's span or as a new trace.

        With `asked` it is kept whatever comes; otherwise its end decides.
        """
        if not self._on:
            return SILENCE
        if self._open >= OPEN_MOST:
            self.lose("buffer", 1)
            return SILENCE
        trace_id = (getrandbits(128) or 1) if parent is None else parent.trace_id
        share = sampled(trace_id, self._ratio, None if parent is None else parent.sampled)
        recording = Recording(self, trace_id, sampled=share, asked=asked)
        span = Span(recording, name, kind, None if parent is None else parent.span_id, attributes)
        recording.root = span
        self._open += 1
        return span

    def record(
        self,
        name: str,
        attributes: Mapping[str, Value],
        *,
        place: Parent,
        parent_id: int | None,
        start_ns: int,
        failure: str | None = None,
    ) -> None:
        """Keep a span that ends now, whose id was known before: `place` is its trace and its id."""
        if not self._on:
            return
        recording = Recording(self, place.trace_id, sampled=True, asked=True)
        recording.decision = "asked"
        span = Span(recording, name, "internal", parent_id, dict(attributes))
        span.span_id = place.span_id
        span.start_ns, span.took_ns = start_ns, max(0, span.start_ns - start_ns)
        if failure is not None:
            span.fail(failure)
        self.keep([span])

    def verdict(self, recording: Recording) -> Decision:
        """Say what the recording's end would decide if it were now."""
        root = recording.root
        if recording.decision is not None or root is None:
            return recording.decision or "dropped"
        return self._decide(recording, root, root.elapsed_ns())

    def close(self, recording: Recording, root: Span) -> None:
        """Decide over the recording, whose root has ended."""
        self._open -= 1
        decision = recording.decision = self._decide(recording, root, root.took_ns)
        self.decisions[decision] += 1
        spans, recording.spans = recording.spans, []
        if decision != "dropped":
            if recording.lost:
                self.lose("buffer", recording.lost)
            self.keep(spans)

    def keep(self, spans: Sequence[Span]) -> None:
        """Hand the spans, those that are admitted, to every sink."""
        if self._admitted is not None:
            spans = [span for span in spans if self._admitted(span)]
        for sink in self._sinks:
            sink.put(spans)

    def lose(self, reason: Loss, spans: int) -> None:
        """Count spans that should have been kept and are lost."""
        with self._losing:
            self.lost[reason] += spans

    def readings(self) -> Iterator[tuple[str, tuple[str], float]]:
        """Give the declared metrics of traces as they are now: name, label value, count."""
        for decision, roots in self.decisions.items():
            yield "telemetry_traces_total", (decision,), roots
        for reason, spans in self.lost.items():
            yield "telemetry_spans_lost_total", (reason,), spans

    def shut(self) -> None:
        """Close every sink."""
        for sink in self._sinks:
            sink.close()

    def _decide(self, recording: Recording, root: Span, took_ns: int) -> Decision:
        return decide(
            asked=recording.asked,
            sampled=recording.sampled,
            failed=root.failure is not None,
            took_ns=took_ns,
            slow_ns=self._slow_ns,
        )


OFF = Tracer(on=False)
"""Records nothing."""
