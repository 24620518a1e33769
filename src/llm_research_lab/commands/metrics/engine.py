"""A query is read, planned, fetched and evaluated; it ends in time, or says what it would take."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Protocol

from llm_research_lab.promql import Expr, evaluate, needs, parse, type_of
from llm_research_lab.promql.errors import ExpressionError, QueryLimitError
from llm_research_lab.promql.values import Answer, Columns, Grid, Need, Options
from llm_research_lab.vocabulary import Instant, InvalidError
from llm_research_lab.vocabulary.matchers import Matcher

TIMEOUT_SECONDS = 120.0
"""Longest evaluation. Source: Prometheus's --query.timeout."""

AT_ONCE = 20
"""Evaluations that go on side by side. Source: Prometheus's --query.max-concurrency."""

LOOK_SECONDS = 0.1
"""Between two looks at whether a question that waits for a place is still wanted."""

_LESS = "ask for a shorter range, a longer step or fewer series"

_KINDS = {"string": "string", "matrix": "range vector"}

EXPRESSIONS = 500
"""Parsed expressions that are kept: a panel asks the same again and again."""


class Source(Protocol):
    """What samples are read from: a store, or a remote Prometheus."""

    def select(
        self, matchers: Sequence[Matcher], from_ms: Instant, to_ms: Instant
    ) -> list[Columns]:
        """Give the samples of the series that all matchers accept, both ends included."""
        ...


class CancelledQueryError(QueryLimitError):
    """Nobody waits for the answer any more."""

    status = 503
    slug = "query-cancelled"


class FailedQueryError(InvalidError):
    """The expression could be read, and has no answer on these samples."""

    slug = "query-failed"


class SlowQueryError(QueryLimitError):
    """The evaluation took longer than it may."""

    status = 503
    slug = "query-timeout"


@lru_cache(maxsize=EXPRESSIONS)
def parsed(text: str, experimental: bool) -> Expr:
    """Read an expression, once. Raises ExpressionError."""
    return parse(text, experimental=experimental)


@dataclass(slots=True)
class Cancelling:
    """Asked by the evaluation between pieces of work; may be told to stop from any thread."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    asked: bool = False
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        """Begin to count."""
        self._began = self.clock()

    def check(self) -> None:
        """Raise when the time is up, or when the answer is no longer wanted."""
        if self.asked:
            raise CancelledQueryError(
                "query", "somebody who waits", "nobody", "ask again if you still want it"
            )
        if self.clock() - self._began > self.seconds:
            raise SlowQueryError(
                "query",
                f"an answer within {self.seconds:g} s",
                "more work than that",
                _LESS,
            )


@dataclass(frozen=True, slots=True)
class Told:
    """An answer, and what Prometheus's `stats` say of how it came about."""

    expr: Expr
    answer: Answer
    prepare_seconds: float
    evaluate_seconds: float


class Engine:
    """Answers expressions over one source; safe to be asked from many threads."""

    def __init__(self, source: Source, options: Options | None = None) -> None:
        self.source = source
        self.options = Options() if options is None else options
        self._places = threading.BoundedSemaphore(AT_ONCE)

    def ask(
        self,
        text: str,
        grid: Grid,
        *,
        cancelling: Cancelling | None = None,
        lookback_ms: int | None = None,
    ) -> Told:
        """Answer the expression on the grid.

        Raises ExpressionError when it cannot be read, FailedQueryError when it cannot be
        evaluated, QueryLimitError, CancelledQueryError and SlowQueryError.
        """
        cancelling = Cancelling(TIMEOUT_SECONDS) if cancelling is None else cancelling
        options = replace(self.options, check=cancelling.check, text=text)
        if lookback_ms is not None:
            options = replace(options, lookback_ms=lookback_ms)
        with self._place(cancelling):
            began = time.perf_counter()
            expr = parsed(text, options.experimental)
            if grid.step_ms > 0:
                _check_ranges_over(expr)
            fetched = self._fetch(needs(expr, grid, options), options)
            ready = time.perf_counter()
            answer = _evaluated(expr, grid, fetched, options)
            return Told(expr, answer, ready - began, time.perf_counter() - ready)

    def _fetch(self, wanted: Sequence[Need], options: Options) -> dict[Need, list[Columns]]:
        """Read what is needed; no more than the evaluation may hold."""
        fetched: dict[Need, list[Columns]] = {}
        held, most = 0, options.limits.memory_bytes
        for need in wanted:
            options.check()
            fetched[need] = self.source.select(need.matchers, need.from_ms, need.to_ms)
            held += sum(one.times.nbytes + one.values.nbytes for one in fetched[need])
            if held > most:
                raise QueryLimitError(
                    "query: samples", f"at most {most:,} bytes of them", f"{held:,}", _LESS
                )
        return fetched

    @contextmanager
    def _place(self, cancelling: Cancelling) -> Iterator[None]:
        """Wait for a place, as long as the answer is wanted and may still come in time."""
        while not self._places.acquire(timeout=LOOK_SECONDS):
            cancelling.check()
        try:
            yield
        finally:
            self._places.release()


def _check_ranges_over(expr: Expr) -> None:
    """Raise ExpressionError unless each instant has one value. Source: web/api/v1/api.go."""
    kind = type_of(expr)
    if kind not in {"scalar", "vector"}:
        raise ExpressionError(
            "1:1",
            "a scalar or an instant vector at each instant of a range",
            f"a {_KINDS[kind]}",
            "ask at one instant, or use a function over the range",
        )


def _evaluated(
    expr: Expr, grid: Grid, fetched: Mapping[Need, Sequence[Columns]], options: Options
) -> Answer:
    """Evaluate; what is wrong now is wrong with the samples, as the text was read."""
    try:
        return evaluate(expr, grid, fetched, options)
    except ExpressionError as error:
        raise FailedQueryError(error.where, error.expected, error.got, error.fix) from error
