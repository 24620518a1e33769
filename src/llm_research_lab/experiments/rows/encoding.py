"""A file is UTF-8; what is not is said by its byte and by what it looks like."""

from __future__ import annotations

UTF8_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_NUL_SHARE = 4
_NULS = 2
"""UTF-16's western text is NUL in every second byte; a quarter tells it from a stray one."""


def without_bom(start: bytes) -> bytes:
    """Drop the byte order mark that some programs write before UTF-8."""
    return start.removeprefix(UTF8_BOM)


def refusal(row: bytes, at: int, offset: int) -> tuple[str, str]:
    """Say which byte of a row is wrong, and the mend; `offset` is the row's place in the file."""
    message = f"expected UTF-8, got byte 0x{row[at]:02X} at offset {offset + at}"
    marked = offset == 0 and row.startswith(_UTF16)
    looks = "UTF-16" if marked or _many(row.count(0, 0, at), at) else "Latin-1 or Windows-1252"
    return message, f"save the file as UTF-8 (it looks like {looks})"


def nul_refusal(text: str) -> tuple[str, str]:
    """Say that a NUL stands in the text, and what that mostly means."""
    if _many(text.count("\0"), len(text)):
        return "expected UTF-8, got NUL characters", "save the file as UTF-8 (it looks like UTF-16)"
    return "expected text without NUL, got a NUL character", "remove the NUL character"


def _many(nuls: int, length: int) -> bool:
    return nuls >= _NULS and nuls * _NUL_SHARE >= length
