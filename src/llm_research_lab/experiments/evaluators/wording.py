"""Two texts are compared in one form, so that what looks the same is the same."""

from __future__ import annotations

from unicodedata import normalize


def form(text: str, *, case_sensitive: bool, strip: bool) -> str:
    """Give the text's composed form, folded and stripped as asked.

    Canonically equivalent texts (one accented letter, or a letter and its accent) come out equal.
    Source: the Unicode Standard, 3.13, definition D145 (canonical caseless matching); UAX #15.
    """
    if not case_sensitive:
        text = normalize("NFD", text).casefold()
    text = normalize("NFC", text)
    return text.strip() if strip else text
