"""Long work shows how far it is, on stderr, when somebody looks; a pipe gets a line a quarter."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

QUARTERS = 4


@contextmanager
def transfer(name: str, total_bytes: int) -> Iterator[Callable[[int], None]]:
    """Show how many bytes have gone; the function given takes the number of a piece."""
    if not sys.stderr.isatty():
        yield lambda _size: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from llm_research_lab.cli.rendering import console

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TransferSpeedColumn(), console=console(stderr=True)) as progress:
        task = progress.add_task(name, total=total_bytes)
        yield lambda size: progress.advance(task, size)


@contextmanager
def counted(name: str) -> Iterator[Callable[[int, int], None]]:
    """Show how many things of all are done; a pipe gets nothing."""
    if not sys.stderr.isatty():
        yield lambda _done, _of: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from llm_research_lab.cli.rendering import console

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console(stderr=True)) as progress:
        task = progress.add_task(name, total=None)
        yield lambda done, of: progress.update(task, completed=done, total=of)


@contextmanager
def samples() -> Iterator[Callable[[str, int, int], None]]:
    """Show experiments' samples; the function given takes a name, how many are done, and of all."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from llm_research_lab.cli.rendering import console

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    times = (TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    with Progress(*columns, *times, console=console(stderr=True)) as progress:
        yield _bars(progress)


def _bars(progress: Progress) -> Callable[[str, int, int], None]:
    tasks: dict[str, TaskID] = {}

    def show(name: str, done: int, total: int) -> None:
        if name not in tasks:
            tasks[name] = progress.add_task(name, total=total)
        progress.update(tasks[name], completed=done)

    return show


def _lines() -> Callable[[str, int, int], None]:
    said: dict[str, int] = {}

    def show(name: str, done: int, total: int) -> None:
        quarter = QUARTERS * done // total if total else QUARTERS
        if quarter > said.get(name, -1):
            said[name] = quarter
            print(f"{name}: {done} of {total} samples", file=sys.stderr, flush=True)  # noqa: T201

    return show
