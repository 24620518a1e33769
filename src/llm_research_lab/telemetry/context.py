"""The ids of the work at hand are on every line of it, on whichever task or thread it goes on.

A request's or a lease's ids live in one mapping of its own, so that what is learnt on the way, as
who asks, is known to those who began before it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from types import MappingProxyType

Ids = Mapping[str, str]
"""``request_id``, ``experiment_id``, ``user_id``, ``session_id``: those that are known."""

_NONE: Ids = MappingProxyType({})
_ids: ContextVar[Ids] = ContextVar("ids", default=_NONE)


def ids() -> Ids:
    """Give the ids of the caller's work. They may still grow."""
    return _ids.get()


def begin(**known: str) -> Token[Ids]:
    """Begin work of its own, which knows these ids and no others; `end` takes the token."""
    return _ids.set(known)


def end(token: Token[Ids]) -> None:
    """Go back to what was before `begin`, on the same task."""
    _ids.reset(token)


def learn(**more: str) -> None:
    """Add ids to the work at hand, for all who take part in it."""
    here = _ids.get()
    if isinstance(here, dict):
        here.update(more)
    else:
        _ids.set(more)


@contextmanager
def bound(**more: str) -> Iterator[None]:
    """Know these ids, too, within the block."""
    token = _ids.set({**_ids.get(), **more})
    try:
        yield
    finally:
        _ids.reset(token)
