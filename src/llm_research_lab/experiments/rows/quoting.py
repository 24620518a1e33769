"""A quote opens a cell at its start, closes it at its end, and stands doubled inside; no other.

All work is on bytes: the separators are ASCII, so no character of UTF-8 is ever cut.
Source: RFC 4180, section 2. Words: Go's encoding/csv (ErrBareQuote, ErrQuote).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_SOUND = re.compile(rb'[^"]*+(?:(?<![^,\r\n])"[^"]*+(?:""[^"]*+)*+"(?![^,\r\n])[^"]*+)*+')
"""As far as every quote is where it may be, and all that opened is closed."""

_QUOTED = re.compile(rb'"[^"]*+(?:""[^"]*+)*+"')
_RECORD = re.compile(rb'(?:[^"\r\n]++|"[^"]*+")*+')
_SEPARATORS = b",\r\n"

Trouble = Literal["bare-quote", "after-quote", "open-quote"]
"""A quote inside an unquoted cell; something after a closing quote; a quote not closed yet."""


@dataclass(frozen=True, slots=True)
class Quoting:
    """`sound` bytes are right; what stands there, if they are not all; where the row may be cut."""

    sound: int
    trouble: Trouble | None
    at: int
    complete: int


def examine(block: bytes, *, last: bool) -> Quoting:
    """Look at a block that starts with a row; `complete` bytes of it are whole rows.

    `at` is the offending quote. Unless the block is the file's `last`, the end of a row that
    stands at its very end is only trusted when it is a line feed.
    """
    sound = end = len(block)
    trouble: Trouble | None = None
    if b'"' in block:
        match = _SOUND.match(block)
        sound = end = match.end() if match else 0
        if sound < len(block):
            trouble, end = _trouble(block, sound)
    if last and trouble is None:
        return Quoting(sound, None, end, len(block))
    return Quoting(sound, trouble, end, _boundary(block, sound, last=last))


def record_bytes(block: bytes) -> int:
    """Measure the first row of a sound block, without its line end."""
    match = _RECORD.match(block)
    return match.end() if match else 0


def _trouble(block: bytes, at: int) -> tuple[Trouble, int]:
    if at > 0 and block[at - 1] not in _SEPARATORS:
        return "bare-quote", at
    quoted = _QUOTED.match(block, at)
    if quoted is None:
        return "open-quote", at
    return "after-quote", quoted.end() - 1


def _boundary(block: bytes, end: int, *, last: bool) -> int:
    """One past the last line end outside of quotes; all before `end` is sound."""
    before, counted, quotes = end, end, 0
    while True:
        feed = block.rfind(b"\n", 0, before)
        back = block.rfind(b"\r", 0, before if last else min(before, len(block) - 1))
        place = max(feed, back)
        if place < 0:
            return 0
        quotes += block.count(b'"', place, counted)
        if quotes % 2 == 0:
            return place + 1
        counted, before = place, block.rfind(b'"', 0, place)
