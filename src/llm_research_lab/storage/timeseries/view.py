"""What a store holds, shared by those who append, read and keep house."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pyarrow as pa

from llm_research_lab.promql.values import Columns
from llm_research_lab.storage.timeseries.blocks import INDEX, Block
from llm_research_lab.storage.timeseries.cache import Cache
from llm_research_lab.storage.timeseries.damage import Damage
from llm_research_lab.storage.timeseries.head import Head
from llm_research_lab.storage.timeseries.log import Deletion, Log, Reading
from llm_research_lab.storage.timeseries.pieces import Piece
from llm_research_lab.storage.timeseries.plans import Plans
from llm_research_lab.storage.timeseries.shape import Shape
from llm_research_lab.storage.timeseries.tables import UnreadableError
from llm_research_lab.storage.timeseries.tombstones import Tombstones, without
from llm_research_lab.vocabulary import ConflictError, Instant
from llm_research_lab.vocabulary.matchers import Matcher


@dataclass(slots=True)
class View:
    """What a select sees: blocks, head and tombstones of one moment."""

    blocks: tuple[Block, ...] = ()
    head: Head = field(default_factory=Head)
    floor_ms: int | None = None
    """Older samples are in blocks; none is taken any more."""
    tombstones: Tombstones = field(default_factory=dict)
    readings: dict[Path, Reading] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """The blocks and tombstones that one answer is made of."""

    blocks: tuple[Block, ...]
    tombstones: Tombstones


@dataclass(slots=True, eq=False)
class Held:
    """`guard` is held for moments, around the view; `maintaining` by whoever changes blocks."""

    root: Path
    shape: Shape
    clock: Callable[[], Instant]
    damage: Damage
    view: View
    cache: Cache
    log: Log | None = None
    guard: threading.RLock = field(default_factory=threading.RLock)
    maintaining: threading.Lock = field(default_factory=threading.Lock)
    _plans: Plans = field(default_factory=Plans)

    def writing(self) -> Log:
        """Give the log. Raises ConflictError to a reader."""
        if self.log is None:
            raise ConflictError(
                f"store {self.root}", "a store opened to write", "a reader", "open it as the writer"
            )
        return self.log

    def newest_ms(self) -> int | None:
        """Tell up to when samples came; the clock, where they are ahead of it."""
        newest = self.view.head.max_ms
        return None if newest is None else min(newest, self.clock())

    def columns(
        self, moment: Moment, matchers: tuple[Matcher, ...], from_ms: int, to_ms: int
    ) -> list[Columns]:
        """Give what the blocks hold, without what is deleted. Damaged files are left out, and said.

        Raises FileNotFoundError when a block was replaced meanwhile.
        """
        self._plans = plans = self._plans.of(moment.blocks, moment.tombstones)
        found = []
        for group in plans.groups(matchers):
            while sources := group.between(from_ms, to_ms, self.damage.files):
                try:
                    table = self.cache.get(group.labels, sources)
                except UnreadableError as error:
                    self._damaged(error.path, cast("Exception", error.__cause__))
                    continue
                found += table.cut(group.labels, from_ms, to_ms)
                break
        return found

    def pieces(
        self,
        block: Block,
        matchers: tuple[Matcher, ...] = (),
        times_ms: tuple[int, int] = (-(1 << 62), 1 << 62),
        deletions: Sequence[Deletion] = (),
    ) -> Iterator[Piece]:
        """Read a block once, without what is deleted. Damaged files are left out, and said.

        Raises FileNotFoundError when the block was replaced meanwhile.
        """
        chosen = block.chosen(matchers)
        for file in block.files:
            cols, path = chosen[file.name], block.path / file.name
            if not cols or file.start_ms > times_ms[1] or file.end_ms < times_ms[0]:
                continue
            if path in self.damage.files:
                continue
            try:
                piece = self.cache.decoder.piece(path, file, cols)
            except (OSError, ValueError, KeyError, pa.ArrowException) as error:
                self._damaged(path, error)
                continue
            piece = piece.cut(*times_ms)
            if len(piece.times):
                yield without(piece, deletions)

    def _damaged(self, path: Path, error: Exception) -> None:
        if isinstance(error, FileNotFoundError) and not (path.parent / INDEX).exists():
            raise error
        self.damage.files.add(path)
        self.damage.say(path, str(error))
