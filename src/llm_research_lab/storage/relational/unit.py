"""A unit of work is settled once: with a value, with an error, or not at all if nobody waits."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable, Iterable
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

Waiting = asyncio.Future[Any] | concurrent.futures.Future[Any]


@dataclass(slots=True)
class Unit:
    """What to run, who waits for it (`loop` None is a blocked thread), and since when.

    It runs in the context of whoever asked: their ids and span are on what it logs.
    """

    run: Callable[[Connection], Any]
    future: Waiting
    loop: asyncio.AbstractEventLoop | None
    queued_at: float
    value: Any = None
    error: BaseException | None = None
    context: Context = field(default_factory=copy_context)

    def carry_out(self, connection: Connection) -> None:
        """Run it; what it raises is the caller's to keep."""
        self.value = self.context.run(self.run, connection)


def settle(units: Iterable[Unit]) -> None:
    """Wake every waiter: one call into each event loop, however many of its tasks wait."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Unit]] = {}
    for unit in units:
        if unit.loop is None:
            _settle_one(unit)
        else:
            by_loop.setdefault(unit.loop, []).append(unit)
    for loop, waiting in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed: its waiters are gone
            loop.call_soon_threadsafe(_settle_all, waiting)


def _settle_all(units: list[Unit]) -> None:
    for unit in units:
        _settle_one(unit)


def _settle_one(unit: Unit) -> None:
    future = unit.future
    if future.done():
        return
    if unit.error is None:
        future.set_result(unit.value)
    elif isinstance(unit.error, StopIteration):  # a future cannot carry it
        failure = RuntimeError("a unit of work raised StopIteration")
        failure.__cause__ = unit.error
        future.set_exception(failure)
    else:
        future.set_exception(unit.error)
