"""How values look in a terminal: tables for people, JSON for programs, errors in four lines."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from llm_research_lab.vocabulary import LabError

PLAIN_WIDTH = 200  # of output that is not a terminal: a table is not folded for nobody


def console(*, stderr: bool = False) -> Console:
    """Give the console of now: a test or a pipe may have changed the streams."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, highlight=False, width=None if stream.isatty() else PLAIN_WIDTH)


def print_json(value: Any) -> None:
    """Print one JSON value, its text unescaped."""
    print(json.dumps(value, indent=2, ensure_ascii=False))  # noqa: T201


def print_line(text: str) -> None:
    """Print plain text to stdout; nothing in it is markup."""
    console().print(Text(text), soft_wrap=True)


def note(text: str) -> None:
    """Say something to a person, beside the output: on stderr."""
    console(stderr=True).print(Text(text), soft_wrap=True)


def print_table(
    rows: Iterable[Any], columns: Mapping[str, Callable[[Any], Any]], empty: str
) -> None:
    """Print one line a row; `empty` is said when there is none."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in columns:
        table.add_column(title)
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007 - counts an iterable
        table.add_row(*(Text(shown(read(row))) for read in columns.values()))
    console().print(table if count else Text(empty))


def print_fields(fields: Mapping[str, Any]) -> None:
    """Print one thing, a field a line."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in fields.items():
        table.add_row(name, Text(shown(value)))
    console().print(table)


def shown(value: Any) -> str:
    """Write a value for a person: nothing is ``-``."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def print_error(error: LabError) -> None:
    """Print where, expected, got and fix; then the findings, and how many more there are."""
    from llm_research_lab.vocabulary import InvalidError

    out = console(stderr=True)
    out.print(Text(f"error: {error.where}", style="bold red"), soft_wrap=True)
    for label, value in (("expected", error.expected), ("got", error.got), ("fix", error.fix)):
        out.print(Text(f"  {label:<9} {value}"), soft_wrap=True)
    if isinstance(error, InvalidError):
        for found in error.findings:
            line = f"  - {found.where}: {found.message} ({found.law}); {found.fix}"
            out.print(Text(line), soft_wrap=True)
        more = error.total - len(error.findings)
        if error.findings and more > 0:
            out.print(Text(f"  and {more} more"), soft_wrap=True)
