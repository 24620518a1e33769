"""A URL from outside keeps its meaning and no more: its scheme is harmless, its query one value.

Source: Go, html/template/url.go, transition.go (tURL).
"""

from __future__ import annotations

import re
from typing import Any

from llm_research_lab.templates.html.content import Url, text_of
from llm_research_lab.templates.html.contexts import UrlPart

_SPACE = " \t\n\f\r"
_SAFE_SCHEMES = frozenset({"http", "https", "mailto"})
_FAILSAFE = "#ZgotmplZ"
_NORMAL = re.compile(r"%[0-9a-fA-F]{2}|([^A-Za-z0-9\-._~!#$&*+,/:;=?@\[\]])", re.DOTALL)
_STRICT = re.compile(r"([^A-Za-z0-9\-._~])", re.DOTALL)
_SOURCE = re.compile(r"[ \t\n\f\r]*([^ \t\n\f\r]*)((?:[ \t\n\f\r].*)?)", re.DOTALL)
_METADATA = re.compile(r"[ \t\n\f\rA-Za-z0-9]*")


def read_url(part: UrlPart, text: str) -> UrlPart:
    """Say how far the URL is read after more of it."""
    if "#" in text or "?" in text:
        return UrlPart.QUERY
    if part is UrlPart.NONE and text.strip(_SPACE):
        return UrlPart.BEFORE_QUERY
    return part


def is_safe(text: str) -> bool:
    """Whether the URL has no scheme, or one whose effects can be taken back."""
    scheme, colon, _ = text.partition(":")
    return not colon or "/" in scheme or scheme.lower() in _SAFE_SCHEMES


def url_filter(*values: Any) -> str:
    """Give the URL, or what is none where it has a scheme that might do harm."""
    text = text_of(values)
    return text if isinstance(text, Url) or is_safe(text) else _FAILSAFE


def url_normalizer(*values: Any) -> str:
    """Escape what no URL may hold; what is escaped stays so."""
    return normalise(text_of(values))


def url_escaper(*values: Any) -> str:
    """Escape all that has a meaning in a query, unless the text is a URL's already."""
    text = text_of(values)
    return normalise(text) if isinstance(text, Url) else _STRICT.sub(_percent, text)


def normalise(text: str) -> str:
    """Escape what no URL may hold."""
    return _NORMAL.sub(_percent, text)


def _percent(found: re.Match[str]) -> str:
    if found.group(1) is None:
        return found.group()
    return "".join(f"%{byte:02x}" for byte in found.group(1).encode("utf-8", "replace"))


def srcset_escaper(*values: Any) -> str:
    """Filter each image's URL; one whose description is no words and numbers goes as a whole."""
    text = text_of(values)
    if isinstance(text, Url):
        return normalise(text).replace(",", "%2c")
    return ",".join(_source(one) for one in text.split(","))


def _source(text: str) -> str:
    found = _SOURCE.fullmatch(text)
    url, rest = found.groups() if found else (text, "")
    if not is_safe(url) or not _METADATA.fullmatch(rest):
        return _FAILSAFE
    return text[: len(text) - len(url) - len(rest)] + normalise(url) + rest
