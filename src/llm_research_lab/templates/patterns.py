"""A pattern is RE2's; what replaces a match may name groups: ``$1``, ``${name}``, ``$$``.

Source: Go, regexp.Expand, regexp.ReplaceAllString.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import re2

from llm_research_lab.templates.errors import CallError
from llm_research_lab.templates.values import bounded

_REFERENCE = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)\})")
_GO_WORDS = {
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "no argument for repetition operator": "missing argument to repetition operator",
}


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


def compiled(pattern: str) -> Any:
    """Compile the pattern. Raises CallError."""
    try:
        return _compiled(pattern)
    except re2.error as error:
        said = error.args[0]
        said = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        what, _, part = said.partition(": ")
        raise CallError(f"error parsing regexp: {_GO_WORDS.get(what, what)}: `{part}`") from error


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern is found anywhere in the text."""
    return compiled(pattern).search(text) is not None


def replace_all(pattern: str, replacement: str, text: str) -> str:
    """Replace every match."""
    try:
        found = compiled(pattern)
    except CallError as error:
        raise CallError(f"regexp: Compile(`{pattern}`): {error}") from error
    return "".join(bounded(_replaced(found, replacement, text)))


def _replaced(found: Any, replacement: str, text: str) -> Iterator[str]:
    done, end = 0, -1
    for match in found.finditer(text):
        if match.start() == match.end() == end:
            continue  # An empty match right after a match is none.
        yield text[done : match.start()]
        yield _expand(replacement, match)
        done = end = match.end()
    yield text[done:]


def _expand(replacement: str, match: Any) -> str:
    def meaning(found: re.Match[str]) -> str:
        dollar, short, long = found.groups()
        return "$" if dollar else _group(match, short or long)

    return _REFERENCE.sub(meaning, replacement)


def _group(match: Any, name: str) -> str:
    """Give what a group matched, ``""`` where there is no such group."""
    if name.isascii() and name.isdigit():
        return (match.group(int(name)) or "") if int(name) <= match.re.groups else ""
    return (match.group(name) or "") if name in match.re.groupindex else ""
