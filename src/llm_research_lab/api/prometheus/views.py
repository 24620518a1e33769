"""What the doors show of the process behind them: targets, rules, alerts, configuration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llm_research_lab.commands.lab import Lab
    from llm_research_lab.commands.metrics.engine import Engine
    from llm_research_lab.storage.timeseries import SeriesStore

Json = dict[str, Any]


class Administered(Protocol):
    """A store that can be looked after while it runs."""

    def snapshot(self, place: Path) -> None:
        """Make a consistent copy."""
        ...

    def compact(self) -> None:
        """Join blocks, and carry out deletes and retention."""
        ...


@dataclass(frozen=True, slots=True)
class Views:
    """One an application. `writes` False refuses remote writes.

    `anonymous` lets whoever reaches the port read without a key; writing always needs one.
    """

    lab: Lab
    engine: Engine
    store: SeriesStore
    administer: Administered
    version: str
    config: Callable[[], str]
    targets: Callable[[], Iterable[Json]]
    dropped: Callable[[], Iterable[Json]]
    groups: Callable[[], Iterable[Json]]
    metadata: Callable[[], Mapping[str, list[Json]]]
    status: Callable[[], Json]
    ready: Callable[[], list[str]]
    exposed: Callable[[str, str], tuple[bytes, dict[str, str]]]
    writes: bool = True
    anonymous: bool = False
