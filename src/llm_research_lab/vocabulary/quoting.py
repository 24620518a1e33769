r"""A quoted string means what Go says: ``\n``, ``\x41``, ``\101``, ``\u00e4``, raw in backquotes.

Source: Go's specification, "Rune literals", "String literals"; strconv.Quote. A string whose bytes
are not UTF-8 gets U+FFFD for what is not.
"""

from __future__ import annotations

import re

_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_QUOTED = {value: f"\\{key}" for key, value in _SIMPLE.items()}
ESCAPE = re.compile(
    r"\\(?:([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL
)
"""An escape: three octal digits, or two, four, eight hexadecimal ones, or a character."""

_ASCII = 0x80
_FOUR_DIGITS = 0xFFFF
_HIGHEST = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)
_BYTE = 0xFF


class EscapeError(ValueError):
    """An escape that Go has not: `escape`, at character `at` of the quoted string."""

    def __init__(self, escape: str, at: int) -> None:
        super().__init__("invalid syntax")
        self.escape = escape
        self.at = at


def unquote(quoted: str) -> str:
    """Give the content of a quoted string, quotes and all. Raises EscapeError."""
    mark, body = quoted[0], quoted[1:-1]
    if mark == "`":
        return body.replace("\r", "")
    if "\\" not in body:
        return body
    parts, done = bytearray(), 0
    for found in ESCAPE.finditer(body):
        parts += body[done : found.start()].encode("utf-8", "replace")
        parts += _meaning(found, mark)
        done = found.end()
    parts += body[done:].encode("utf-8", "replace")
    return parts.decode("utf-8", "replace")


_PLAIN = re.compile(r"[A-Za-z0-9_./:;,+*=~!@#$%^&()<>{}|? \-\[\]]*")
"""What stands for itself within any quotes: most of all label values."""


def _meaning(found: re.Match[str], mark: str) -> bytes:
    octal, byte, short, long, simple = found.groups()
    if octal and int(octal, 8) <= _BYTE:
        return bytes([int(octal, 8)])
    if byte:
        return bytes([int(byte, 16)])
    point = short or long
    if point and int(point, 16) <= _HIGHEST and int(point, 16) not in _SURROGATES:
        return chr(int(point, 16)).encode()
    if simple is not None and (simple == mark or simple in _SIMPLE):
        return _SIMPLE.get(simple, simple).encode()
    raise EscapeError(found.group(), found.start() + 1)


def quote(text: str, *, mark: str = '"', ascii_only: bool = False) -> str:
    """Write the text in quotes, as Go's strconv.Quote does."""
    if _PLAIN.fullmatch(text):
        return f"{mark}{text}{mark}"
    shown = (_QUOTED.get(c) or (f"\\{c}" if c == mark else _shown(c, ascii_only)) for c in text)
    return mark + "".join(shown) + mark


def _shown(char: str, ascii_only: bool) -> str:
    code = ord(char)
    if char.isprintable() and (code < _ASCII or not ascii_only):
        return char
    if code < _ASCII:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _FOUR_DIGITS else f"\\U{code:08x}"
