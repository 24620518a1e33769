"""What a store holds, shared by those who append, read and keep house."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from llm_research_lab.storage.timeseries.blocks import INDEX, Block
from llm_research_lab.storage.timeseries.cache import Cache, pieces_of
from llm_research_lab.storage.timeseries.damage import Damage
from llm_research_lab.storage.timeseries.head import Head
from llm_research_lab.storage.timeseries.log import Deletion, Log, Reading
from llm_research_lab.storage.timeseries.pieces import Piece
from llm_research_lab.storage.timeseries.shape import Shape
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

    def pieces(
        self,
        block: Block,
        matchers: tuple[Matcher, ...] = (),
        times_ms: tuple[int, int] = (-(1 << 62), 1 << 62),
        deletions: Sequence[Deletion] = (),
    ) -> Iterator[Piece]:
        """Read a block, without what is deleted. Damaged files are said and left out.

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
                piece = pieces_of(block, file, cols, times_ms, self.cache)
            except (OSError, ValueError, KeyError, pa.ArrowException) as error:
                if isinstance(error, FileNotFoundError) and not (block.path / INDEX).exists():
                    raise
                self.damage.files.add(path)
                self.damage.say(path, str(error))
                continue
            if piece is not None:
                yield without(piece, deletions)
