"""Leases run together, or one runs alone: the one that may end the runner takes no other along."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Sharing:
    """Whoever wants to be alone waits for the others to end, and keeps new ones out."""

    def __init__(self) -> None:
        self._door = asyncio.Lock()
        self._together = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """Run beside others of the kind."""
        async with self._door:
            self._together += 1
            self._quiet.clear()
        try:
            yield
        finally:
            self._together -= 1
            if self._together == 0:
                self._quiet.set()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Run beside nobody."""
        async with self._door:
            await self._quiet.wait()
            yield
