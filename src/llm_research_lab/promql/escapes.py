r"""A quoted string means what Go says: ``\n``, ``\x41``, ``\101``, ``\u00e4``, raw in backquotes.

Source: Go's specification, "Rune literals", "String literals". A string whose bytes are not UTF-8
gets U+FFFD for what is not.
"""

from __future__ import annotations

import re

from llm_research_lab.promql.places import refusal

_SIMPLE = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
}
_QUOTED = {value: f"\\{key}" for key, value in _SIMPLE.items()} | {'"': '\\"'}
_ESCAPE = re.compile(
    r"\\(?:([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL
)
_HIGHEST = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)
_BYTE = 0xFF


def unquote(text: str, start: int, end: int) -> str:
    """Give the content of the quoted string at characters `start` to `end` of the text."""
    quote, body = text[start], text[start + 1 : end - 1]
    if quote == "`":
        return body.replace("\r", "")
    if "\\" not in body:
        return body
    parts, done = bytearray(), 0
    for found in _ESCAPE.finditer(body):
        parts += body[done : found.start()].encode("utf-8", "replace")
        parts += _meaning(found, text, start + 1, quote)
        done = found.end()
    parts += body[done:].encode("utf-8", "replace")
    return parts.decode("utf-8", "replace")


def _meaning(found: re.Match[str], text: str, offset: int, quote: str) -> bytes:
    octal, byte, short, long, simple = found.groups()
    if octal and int(octal, 8) <= _BYTE:
        return bytes([int(octal, 8)])
    if byte:
        return bytes([int(byte, 16)])
    if (point := short or long) and (code := int(point, 16)) <= _HIGHEST:
        if code not in _SURROGATES:
            return chr(code).encode()
    elif simple is not None and (simple == quote or simple in _SIMPLE):
        return _SIMPLE.get(simple, simple).encode()
    raise refusal(
        text,
        offset + found.start(),
        "an escape sequence of Go's strings",
        repr(found.group())[1:-1].replace("\\\\", "\\"),
        r"write a backslash as \\, or use backquotes",
    )


def quote(value: str) -> str:
    """Write the value in double quotes, as Go's strconv.Quote does."""
    return '"' + "".join(_QUOTED.get(char) or _printable(char) for char in value) + '"'


def _printable(char: str) -> str:
    code = ord(char)
    if char.isprintable():
        return char
    if code < 0x80:  # noqa: PLR2004 - ASCII
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - four digits
