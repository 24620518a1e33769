"""Letters change their case as in Go: each into one letter, where Python has several.

Source: Go, package unicode (ToUpper, ToLower, ToTitle); golang.org/x/text/cases (Title).
"""

from __future__ import annotations

import re
from collections.abc import Callable

_WORD = re.compile(r"[^\W\d_](?:[\w\u0300-\u036f]|(?<=[^\W\d_])[.:'\u2019\u00b7](?=[^\W\d_]))*")


def upper(text: str) -> str:
    """Write in capital letters."""
    return _cased(text, str.upper)


def lower(text: str) -> str:
    """Write in small letters."""
    return _cased(text, str.lower)


def title_words(text: str) -> str:
    """Begin each word with a capital letter, and leave the rest."""
    return _WORD.sub(lambda found: _cased(found.group()[0], str.title) + found.group()[1:], text)


def titled(text: str) -> str:
    """Begin each word with a capital letter, and go on in small ones."""
    return _WORD.sub(lambda found: _titled(found.group()), text)


def _titled(word: str) -> str:
    # A letter before the rest, for a sigma at a word's end has a form of its own.
    return word[0].title() + f"x{word[1:]}".lower()[1:]


def _cased(text: str, change: Callable[[str], str]) -> str:
    """Change each character that has one counterpart, as Go does."""
    return "".join(_counterpart(char, change(char)) for char in text)


def _counterpart(char: str, changed: str) -> str:
    if len(changed) == 1:
        return changed
    if char == "\u0130":  # the only one with more in lower case
        return "i"
    return char if len(char.title()) > 1 else char.title()
