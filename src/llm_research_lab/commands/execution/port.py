"""An executor carries out one lease; the runner neither knows nor cares where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from llm_research_lab.storage.relational.queue import Lease


class Executor(Protocol):
    """Runs leases. Safe to call from many tasks of one event loop."""

    async def run(self, lease: Lease) -> None:
        """Give every sample of the lease its one result; return when they are stored.

        Returns early when the lease, or the experiment's right to run, is gone: what was not
        stored is handed back. So it is before an error is raised, and on cancellation.
        UnavailableError says that a later try may help, any other that none will.
        """
        ...

    def full(self) -> frozenset[str]:
        """Name the model versions (ids) for which no more work should be leased now."""
        ...

    async def room(self) -> None:
        """Return when `full` may name fewer than when it was last asked."""
        ...

    def slots(self) -> Mapping[str, int]:
        """Give the concurrency that sizes the next chunk, by model version (id) that is known."""
        ...

    def drain(self) -> None:
        """Begin no further call; those in flight go on, the rest is handed back."""
        ...

    async def close(self) -> None:
        """Let go of the providers."""
        ...
