"""The runner's own instruments: what it did, and what waits for all runners together."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from llm_research_lab.telemetry.spans import exemplar

if TYPE_CHECKING:
    from llm_research_lab.telemetry.instruments import Instruments

_SIZES = ((100, "xs"), (1_000, "s"), (10_000, "m"), (100_000, "l"))

_STATUS = {"completed": "success", "failed": "failure", "cancelled": "cancelled"}

_ERRORS: Mapping[str, tuple[str, str]] = {
    "template": ("invalid", "warning"),
    "cost_cap": ("other", "warning"),
    "evaluator": ("evaluator", "error"),
    "poison": ("internal", "error"),
}
"""error_type and severity of a sample's failure; what a provider fails at is ``provider``."""

BREAKER_STATES = ("closed", "open", "half_open")


def size_of(samples: int) -> str:
    """Give the word for so many samples, as the declaration has it."""
    return next((word for limit, word in _SIZES if samples < limit), "xl")


def count_end(
    instruments: Instruments,
    status: str,
    experiment_type: str,
    samples: int,
    seconds: float | None,
) -> None:
    """Count an experiment that has ended by this process's hand; None: it was never begun."""
    instruments.counter("experiment_total")[_STATUS[status], experiment_type].inc()
    if seconds is not None:
        duration = instruments.histogram("experiment_duration_seconds")
        duration[experiment_type, size_of(samples)].observe(seconds, exemplar())


class RunnerInstruments:
    """What this runner did, and what waits for all runners together."""

    def __init__(self, instruments: Instruments) -> None:
        self.instruments = instruments
        self.slots = instruments.gauge("runner_slots")[()]
        self.slots_busy = instruments.gauge("runner_slots_busy")[()]
        self._samples = instruments.counter("experiment_samples_total")
        self._failures = instruments.counter("experiment_sample_failures_total")
        self._errors = instruments.counter("error_total")
        self._active = instruments.gauge("experiment_active_count")[()]
        self._queue_depth = instruments.gauge("experiment_queue_depth")[()]
        self._samples_pending = instruments.gauge("experiment_samples_pending")[()]

    def finished(self, experiment_type: str, failure_kind: str | None) -> None:
        """Count a sample that has its one result now."""
        outcome = "scored" if failure_kind is None else "failed"
        self._samples[experiment_type, outcome].inc()
        if failure_kind is not None:
            self._failures[(failure_kind,)].inc()
            kind, severity = _ERRORS.get(failure_kind, ("provider", "error"))
            self._errors[kind, "runner", severity].inc()

    def troubled(self) -> None:
        """Count that the store could not be used, and the work waits."""
        self._errors["unavailable", "runner", "warning"].inc()

    def broke(self) -> None:
        """Count an experiment that cannot be run at all."""
        self._errors["internal", "runner", "error"].inc()

    def ended(self, status: str, experiment_type: str, samples: int, seconds: float) -> None:
        """Count an experiment that has ended, by this runner's hand."""
        count_end(self.instruments, status, experiment_type, samples, seconds)

    def waiting(self, queued: int, running: int, samples: int) -> None:
        """Show what waits in the database, as of now."""
        self._queue_depth.set(queued)
        self._active.set(running)
        self._samples_pending.set(samples)

    def model(self, name: str, version: str, provider: str) -> ModelInstruments:
        """Bind what is told of one model version's calls."""
        return ModelInstruments(self.instruments, name, version, provider)


@dataclass(slots=True)
class Told:
    """How a call ended, as far as it has."""

    answered: bool = False
    error: str | None = None


class ModelInstruments:
    """One model version's calls, as this runner makes them."""

    def __init__(self, instruments: Instruments, name: str, version: str, provider: str) -> None:
        self._pair = (name, provider)
        self._provider = provider
        self._seconds = instruments.histogram("model_inference_duration_seconds")[
            name, version, provider
        ]
        tokens = instruments.histogram("model_inference_tokens_total")
        self._input, self._output = tokens[name, "input"], tokens[name, "output"]
        self._cost = instruments.histogram("model_inference_cost_usd")[self._pair]
        self._unpriced = instruments.counter("model_inference_unpriced_total")[self._pair]
        self._retries = instruments.counter("model_inference_retries_total")[self._pair]
        self._errors = instruments.counter("model_inference_errors_total")
        self._in_flight = instruments.gauge("model_inference_in_flight")[self._pair]
        self._states = instruments.gauge("provider_breaker_state")
        self._changes = instruments.counter("provider_breaker_changes_total")
        self._waits = instruments.histogram("provider_limit_wait_seconds")
        self.state("closed", "closed")

    @contextmanager
    def call(self) -> Iterator[Told]:
        """Measure one call; one that is cut off, neither answered nor failed, has no duration."""
        told = Told()
        self._in_flight.inc()
        began = time.perf_counter()
        try:
            yield told
        finally:
            self._in_flight.dec()
            if told.answered or told.error is not None:
                self._seconds.observe(time.perf_counter() - began, exemplar())
            if told.error is not None:
                self._errors[*self._pair, told.error].inc()

    def used(self, input_tokens: int, output_tokens: int, cost: Decimal | None) -> None:
        """Count what an answer used; without a price that is said."""
        self._input.observe(input_tokens)
        self._output.observe(output_tokens)
        if cost is None:
            self._unpriced.inc()
        else:
            self._cost.observe(float(cost))

    def again(self) -> None:
        """A call will be made once more."""
        self._retries.inc()

    def waited(self, limit: str, seconds: float) -> None:
        """A call has waited so long for one of its provider's limits."""
        self._waits[self._provider, limit].observe(seconds)

    def state(self, before: str, now: str) -> None:
        """Show the breaker's state, and count that it changed."""
        if before != now:
            self._changes[self._provider, now].inc()
        for state in BREAKER_STATES:
            self._states[*self._pair, state].set(state == now)
