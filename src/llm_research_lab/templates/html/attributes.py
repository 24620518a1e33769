"""An attribute's name says what its value is: plain, a URL, a script, a style, or better let alone.

Source: Go, html/template/attr.go (the table and the guesses).
"""

from __future__ import annotations

from typing import Literal

Kind = Literal["plain", "url", "script", "style", "srcset", "html", "unsafe"]

_URLS = """
action archive background cite classid codebase data formaction href icon longdesc manifest poster
profile src usemap xmlns
"""
_UNSAFE = """
accept-charset async challenge charset content crossorigin defer enctype form formenctype
formmethod formnovalidate http-equiv keytype language method novalidate pattern rel sandbox type
value
"""
"""They change how other content is read or sent."""

_PLAIN = """
accept alt autocomplete autofocus autoplay border checked class cols colspan contenteditable
contextmenu controls coords datetime default dir dirname disabled draggable dropzone for formtarget
headers height hidden high hreflang id ismap kind label lang list loop low max maxlength media
mediagroup min multiple name open optimum placeholder preload pubdate radiogroup readonly required
reversed rows rowspan spellcheck scope scoped seamless selected shape size sizes span srclang start
step tabindex target title width wrap
"""
_KNOWN: dict[str, Kind] = {
    **dict.fromkeys(_URLS.split(), "url"),
    **dict.fromkeys(_UNSAFE.split(), "unsafe"),
    **dict.fromkeys(_PLAIN.split(), "plain"),
    "srcdoc": "html",
    "srcset": "srcset",
    "style": "style",
}


def attribute_kind(name: str) -> Kind:
    """Say what the value of the attribute is; `name` is in lower case."""
    if name.startswith("data-"):
        name = name[5:]
    elif ":" in name:
        space, _, name = name.partition(":")
        if space == "xmlns":
            return "url"
    if name in _KNOWN:
        return _KNOWN[name]
    if name.startswith("on"):
        return "script"
    return "url" if any(part in name for part in ("src", "uri", "url")) else "plain"
