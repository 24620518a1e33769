"""A row carries its line and its values, or the finding that stands in their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from llm_research_lab.experiments.schema import COLUMNS
from llm_research_lab.vocabulary import Finding

ROW_BYTES = 1 << 20
"""Bytes of one row as written, its line end apart; more is a finding, not memory."""

BLOCK_BYTES = 1 << 18
"""Bytes looked at together: enough to be fast, little enough to hold."""

SHOWN = 60
"""Characters of a name or value that a finding repeats."""

TOO_MANY_COLUMNS = f"expected at most {COLUMNS} columns"


class Row(NamedTuple):
    """One row: text cells in the header's order (CSV), or values by name (JSON Lines).

    `line` is the physical line on which the row starts, from 1. With a `finding`, `values` is None.
    """

    line: int
    values: Sequence[str] | Mapping[str, Any] | None
    finding: Finding | None = None


class RowReader(Protocol):
    """Takes a file's bytes piece by piece and gives the rows that are complete.

    However the bytes are cut, the rows are the same. Holds at most a row and a block.
    """

    @property
    def broken(self) -> bool:
        """True once nothing after the last finding can be told apart; the rest is not read."""

    @property
    def names(self) -> tuple[str, ...] | None:
        """The header's names (CSV, once it was read); None where each row names its own."""

    def feed(self, data: bytes) -> list[Row]:
        """Take more bytes; give the rows that they complete."""

    def finish(self) -> list[Row]:
        """Take the end of the file; give the rows that are left."""


def at_line(line: int) -> str:
    """Name a row's place."""
    return f"line {line}"


def at_character(line: int, character: int) -> str:
    """Name a character's place: a bare number is the character's in its line, from 1."""
    return f"line {line}, column {character}"


def at_column(line: int, name: str, ordinal: int) -> str:
    """Name a cell's place: its line (its row's, when the cell is whole), name and ordinal."""
    return f"line {line}, column {short(name)} ({ordinal})"


def short(text: str) -> str:
    """Write a text on one line of a message: cut when long, escaped when it does not print."""
    cut = text if len(text) <= SHOWN else text[:SHOWN] + "…"
    return cut if cut.isprintable() and cut.strip() else repr(cut)


def quoted(text: str) -> str:
    """Write a text in quotes, cut when long, escaped where it does not print."""
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "…")


def broken(where: str, law: str, message: str, fix: str, *, line: int) -> Row:
    """Make the row that carries a finding."""
    return Row(line, None, Finding(where, law, message, fix))


def too_long(line: int, where: str, fix: str) -> Row:
    """Say that a row is over the limit."""
    message = f"expected a row of at most {ROW_BYTES} bytes, got a longer one"
    return broken(where, "row-length", message, fix, line=line)
