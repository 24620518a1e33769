"""Full ranges become blocks, blocks are joined, and what is too old is dropped."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence

from llm_research_lab.storage.private import explained, sync_directory
from llm_research_lab.storage.timeseries.blocks import Block, write_block
from llm_research_lab.storage.timeseries.history import by_range, packed, without_known
from llm_research_lab.storage.timeseries.pieces import Piece, joined, piece_of
from llm_research_lab.storage.timeseries.tombstones import write_tombstones
from llm_research_lab.storage.timeseries.view import Held, Moment
from llm_research_lab.telemetry.crash import crash_point
from llm_research_lab.vocabulary.labels import METRIC_NAME, label
from llm_research_lab.vocabulary.matchers import Matcher


def maintain(held: Held) -> None:
    """Write full ranges as blocks, join small blocks, drop what is over the retention."""
    held.writing()
    with held.maintaining:
        while (end_ms := _due(held)) is not None:
            cut(held, end_ms)
        while (group := _joinable(held)) is not None:
            _replace(held, group)
        _retain(held)


def flush(held: Held) -> None:
    """Write all that the head holds as a block; later samples of its time come too late."""
    held.writing()
    with held.maintaining:
        head = held.view.head
        if head.max_ms is not None and len(head):
            cut(held, head.max_ms + 1)


def compact(held: Held) -> None:
    """Maintain, and carry out the deletes in blocks."""
    maintain(held)
    with held.maintaining:
        for block in held.view.blocks:
            if block.path.name in held.view.tombstones:
                _replace(held, [block])


def _due(held: Held) -> int | None:
    """Give the end of the oldest range when no more may come into it."""
    low, newest = held.view.head.min_ms, held.newest_ms()
    if low is None or newest is None:
        return None
    end = range_end(held, low)
    return end if newest - held.shape.late_ms >= end else None


def range_end(held: Held, time_ms: int) -> int:
    """Give the end of the smallest range that the time lies in."""
    return (time_ms // held.shape.block_ms + 1) * held.shape.block_ms


def cut(held: Held, end_ms: int) -> None:
    """Make a block of what is before the end; then the log needs it no more."""
    log, view = held.writing(), held.view
    with held.guard:
        before, view.floor_ms = view.floor_ms, end_ms
        pieces = view.head.pieces((), -(1 << 62), end_ms - 1)
    try:
        block = write(held, pieces, end_ms)
    except OSError as error:
        with held.guard:
            view.floor_ms = before
        raise explained(error, held.root) from error
    with held.guard:
        if block is not None:
            view.blocks = (*view.blocks, block)
        view.head.forget(end_ms)
        log.rotate(end_ms)
    log.drop(end_ms)


def write(
    held: Held,
    pieces: Iterable[Piece],
    floor_ms: int | None,
    replaces: frozenset[str] = frozenset(),
) -> Block | None:
    """Write a block under a name that none had. Raises OSError."""
    folder = held.root / "blocks"
    names = [int(path.stem) for path in folder.iterdir() if path.stem.isdigit()]
    names += [int(name) for name in held.view.tombstones]
    name = f"{max(names, default=0) + 1:010d}"
    return write_block(folder, name, pieces, floor_ms=floor_ms, replaces=replaces)


def add(held: Held, pieces: Sequence[Piece]) -> None:
    """Write pieces as blocks beside those that are there; where a sample is there, it stays.

    A block is as wide as compaction would make it in the end, so nothing is to be joined later.
    """
    width = [held.shape.block_ms, *_widths(held)][-1]
    for range_pieces in by_range(pieces, width):
        own = joined(range_pieces)
        with held.maintaining:
            try:
                block = write(held, packed(without_known(own, _known(held, own))), None)
            except OSError as error:
                raise explained(error, held.root) from error
            if block is not None:
                with held.guard:
                    held.view.blocks = (*held.view.blocks, block)


def _known(held: Held, pieces: Sequence[Piece]) -> list[Piece]:
    """Read the samples that are there of the pieces' series, in the pieces' time."""
    low = min(int(piece.times[0]) for piece in pieces)
    high = max(int(piece.times[-1]) for piece in pieces)
    with held.guard:
        moment, head = Moment(held.view.blocks, held.view.tombstones), held.view.head
        newer = head.max_ms is not None and head.max_ms >= low
        found = head.pieces((), low, high) if newer else []
    asked = {one for piece in pieces for one in piece.labels}
    names = {
        label(one.labels, METRIC_NAME)
        for block in moment.blocks
        for file in block.files
        if file.start_ms <= high and file.end_ms >= low
        for one in file.series
        if one.labels in asked
    }
    for name in sorted(names):
        there = held.columns(moment, (Matcher(METRIC_NAME, "=", name),), low, high)
        found += map(piece_of, there)
    return found


def _widths(held: Held) -> Iterator[int]:
    """Give the ranges of compacted blocks, a tenth of the retention at most."""
    for level in held.shape.levels:
        width, keeps = level * held.shape.block_ms, held.shape.retention_ms
        if keeps is not None and width * 10 > keeps:
            return
        yield width


def _joinable(held: Held) -> list[Block] | None:
    """Find blocks of one larger range that is over: at least two, or that overlap."""
    floor = held.view.floor_ms
    if floor is None:  # all is a history
        floor = 1 << 62
    for span in _widths(held):
        ranges: dict[int, list[Block]] = {}
        for block in held.view.blocks:
            start = block.start_ms // span
            if start == block.end_ms // span and (start + 1) * span <= floor:
                ranges.setdefault(start, []).append(block)
        for blocks in ranges.values():
            if len(blocks) > 1:
                return blocks
    return None


def _replace(held: Held, blocks: list[Block]) -> None:
    stones, damage = held.view.tombstones, held.damage
    pieces = joined(
        [
            piece
            for block in blocks
            for piece in held.pieces(block, deletions=stones.get(block.path.name, ()))
        ]
    )
    floors = [block.floor_ms for block in blocks if block.floor_ms is not None]
    gone = frozenset(block.path.name for block in blocks)
    try:
        for path in [path for path in damage.files if path.parent.name in gone and path.exists()]:
            damage.copy(path, f"{path.parent.name}-{path.name}")
        block = write(held, pieces, max(floors, default=None), gone)
    except OSError as error:
        raise explained(error, held.root) from error
    with held.guard:
        rest = tuple(one for one in held.view.blocks if one not in blocks)
        held.view.blocks = rest if block is None else (*rest, block)
    _drop(held, blocks)


def _drop(held: Held, blocks: Sequence[Block]) -> None:
    for block in blocks:
        away = block.path.with_suffix(".tmp")
        block.path.rename(away)
        crash_point("timeseries.block_dropped")
        shutil.rmtree(away, ignore_errors=True)
        held.cache.forget(block.path)
    sync_directory(held.root / "blocks")
    gone = {block.path.name for block in blocks} & set(held.view.tombstones)
    if gone:
        with held.guard:
            stones = {n: ones for n, ones in held.view.tombstones.items() if n not in gone}
            write_tombstones(held.root, stones)
            held.view.tombstones = stones


def _retain(held: Held) -> None:
    newest, shape = held.newest_ms(), held.shape
    if newest is None:
        newest = max((block.end_ms for block in held.view.blocks), default=0)
    by_age = sorted(held.view.blocks, key=lambda block: block.end_ms)
    total = sum(block.bytes for block in by_age)
    gone = []
    for block in by_age[:-1]:
        old = shape.retention_ms is not None and block.end_ms < newest - shape.retention_ms
        if not old and not (shape.retention_bytes is not None and total > shape.retention_bytes):
            break
        gone.append(block)
        total -= block.bytes
    with held.guard:
        held.view.blocks = tuple(one for one in held.view.blocks if one not in gone)
    _drop(held, gone)
