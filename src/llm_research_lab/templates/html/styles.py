"""CSS moves the context on: strings, URLs, comments; a value from outside is harmless or dropped.

Source: Go, html/template/css.go, transition.go (tCSS…).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from llm_research_lab.templates.html.contexts import Context, State
from llm_research_lab.templates.html.errors import MisplacedError
from llm_research_lab.templates.html.urls import read_url
from llm_research_lab.vocabulary.quoting import quote

_SPACE = "\t\n\f\r "
_TOKEN = re.compile(r"(\()|//|/\*|[\"']")
_NAME_CHARACTER = re.compile(r"[-\w]", re.ASCII)
_AFTER_URL = re.compile(r"[\t\n\f\r ]*([\"']?)")
_OPENS = {
    '"': State.CSS_DOUBLE,
    "'": State.CSS_SINGLE,
    "//": State.CSS_LINE_COMMENT,
    "/*": State.CSS_BLOCK_COMMENT,
}
_URLS = {'"': State.CSS_DOUBLE_URL, "'": State.CSS_SINGLE_URL, "": State.CSS_URL}
_ANY_ESCAPE = r"\\(?:[0-9a-fA-F]{1,6}(?:\r\n|[\t\n\f\r ])?|.|\Z)"
_DOUBLE = re.compile(rf'{_ANY_ESCAPE}|"', re.DOTALL)
_SINGLE = re.compile(rf"{_ANY_ESCAPE}|'", re.DOTALL)
_BARE = re.compile(rf"{_ANY_ESCAPE}|[\t\n\f\r )]", re.DOTALL)
_ENDS = {
    State.CSS_DOUBLE: _DOUBLE,
    State.CSS_DOUBLE_URL: _DOUBLE,
    State.CSS_SINGLE: _SINGLE,
    State.CSS_SINGLE_URL: _SINGLE,
    State.CSS_URL: _BARE,
}
_LINE_END = re.compile(r"[\n\f\r]")
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})(?:\r\n|[\t\n\f\r ])?|(.)|\Z)", re.DOTALL)
_HIGHEST = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)

FAILSAFE = "ZgotmplZ"
"""Stands in the page where a value was not let through, easy to find. Source: Go, html/template."""


def decode(text: str) -> str:
    """Give the text with its escapes carried out."""
    return _ESCAPE.sub(_meaning, text)


def _meaning(found: re.Match[str]) -> str:
    digits, plain = found.groups()
    if digits is None:
        return plain or ""
    code, rest = int(digits, 16), ""
    if code > _HIGHEST:  # The last digit is none of it.
        whole = found.group()
        code, rest = code // 16, whole[len(digits) :]
    return (chr(code) if code not in _SURROGATES else "\ufffd") + rest


def _style(context: Context, text: str) -> tuple[Context, int]:
    for found in _TOKEN.finditer(text):
        if not found.group(1):
            return replace(context, state=_OPENS[found.group()]), found.end()
        if _ends_with_url(text, found.start()):
            start = _AFTER_URL.match(text, found.end())
            mark = start.group(1) if start else ""
            end = start.end() if start else found.end()
            return replace(context, state=_URLS[mark]), end
    return context, len(text)


def _ends_with_url(text: str, end: int) -> bool:
    """Whether the word before the place is ``url``, white space aside."""
    while end and text[end - 1] in _SPACE:
        end -= 1
    if text[max(0, end - 3) : end].lower() != "url":
        return False
    before = text[end - 4 : end - 3] if end > 3 else ""  # noqa: PLR2004 - the word's length
    return not (before > "\x7f" or _NAME_CHARACTER.match(before))


def _string(context: Context, text: str) -> tuple[Context, int]:
    """Read a string or a URL; any string may be one."""
    done = 0
    for found in _ENDS[context.state].finditer(text):
        if found.group() == "\\":
            message = f"unfinished escape sequence in CSS string: {quote(text)}"
            raise MisplacedError(message, found.start())
        if not found.group().startswith("\\"):
            return replace(context, state=State.CSS), found.end()
        context = replace(
            context, url=read_url(context.url, decode(found.string[done : found.end()]))
        )
        done = found.end()
    return replace(context, url=read_url(context.url, decode(text[done:]))), len(text)


def _block_comment(context: Context, text: str) -> tuple[Context, int]:
    end = text.find("*/")
    return (context, len(text)) if end < 0 else (replace(context, state=State.CSS), end + 2)


def _line_comment(context: Context, text: str) -> tuple[Context, int]:
    found = _LINE_END.search(text)
    if found is None:
        return context, len(text)
    return replace(context, state=State.CSS), found.start()


STEPS: Mapping[State, Callable[[Context, str], tuple[Context, int]]] = {
    State.CSS: _style,
    **dict.fromkeys(_ENDS, _string),
    State.CSS_BLOCK_COMMENT: _block_comment,
    State.CSS_LINE_COMMENT: _line_comment,
}
