"""The escapers that are put at the end of pipelines, by the names that Go gives them.

Source: Go, html/template/escape.go (funcMap), html.go, js.go, css.go.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from llm_research_lab.templates.errors import CallError
from llm_research_lab.templates.html.attributes import attribute_kind
from llm_research_lab.templates.html.content import Html, pointed, text_of
from llm_research_lab.templates.html.stripping import strip_tags
from llm_research_lab.templates.html.styles import FAILSAFE, decode
from llm_research_lab.templates.html.urls import (
    srcset_escaper,
    url_escaper,
    url_filter,
    url_normalizer,
)
from llm_research_lab.templates.marshalling import marshal
from llm_research_lab.templates.printing import sprint
from llm_research_lab.templates.values import ANY, Function

_NORMAL = {
    "\0": "\ufffd",
    '"': "&#34;",
    "'": "&#39;",
    "+": "&#43;",
    "<": "&lt;",
    ">": "&gt;",
}
_NO_SPACE = {
    **_NORMAL,
    "\0": "&#xfffd;",
    **{char: f"&#{ord(char)};" for char in "\t\n\v\f\r =`"},
}
_AMPERSAND = {"&": "&amp;"}
_UNKNOWN = re.compile("[\ufdd0-\ufdef\ufff0-\uffff]")
_NAME = re.compile(r"[0-9a-z]+")
_SCRIPT = {
    **{chr(code): f"\\u{code:04x}" for code in (*range(0x20), *map(ord, "\"`&'+<>"))},
    "\t": "\\t",
    "\n": "\\n",
    "\f": "\\f",
    "\r": "\\r",
    "/": "\\/",
    "\\": "\\\\",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}
_TEMPLATE = {**_SCRIPT, **{char: f"\\u{ord(char):04x}" for char in "${}"}}
_REGEXP = {**_SCRIPT, **{char: f"\\{char}" for char in "$()*-.?[]^{|}"}}
del _REGEXP["`"]  # It has no meaning there.
_STYLE = {char: f"\\{ord(char):x}" for char in "\0\t\n\f\r\"&'()+/:;<>{}"} | {"\\": "\\\\"}
_AFTER_HEX = frozenset("0123456789abcdefABCDEF\t\n\f\r ")
_UNSAFE_STYLE = frozenset("\0\"'()/;@[\\]`{}<>")
_NOT_IN_NAMES = re.compile(r"[^-\w]", re.ASCII)
_WORD = frozenset("$0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")

_Table = dict[int, str]
_BARE: _Table = str.maketrans(_NORMAL)
_FULL: _Table = str.maketrans(_NORMAL | _AMPERSAND)
_BARE_NO_SPACE: _Table = str.maketrans(_NO_SPACE)
_FULL_NO_SPACE: _Table = str.maketrans(_NO_SPACE | _AMPERSAND)
_SCRIPT_TABLE: _Table = str.maketrans(_SCRIPT)
_TEMPLATE_TABLE: _Table = str.maketrans(_TEMPLATE)
_REGEXP_TABLE: _Table = str.maketrans(_REGEXP)


# --- HTML


def _html(*values: Any) -> str:
    text = text_of(values)
    return text if isinstance(text, Html) else text.translate(_FULL)


def _rcdata(*values: Any) -> str:
    text = text_of(values)
    return text.translate(_BARE if isinstance(text, Html) else _FULL)


def _attribute(*values: Any) -> str:
    text = text_of(values)
    return strip_tags(text).translate(_BARE) if isinstance(text, Html) else text.translate(_FULL)


def _no_space(*values: Any) -> str:
    """Escape for a value without quotes; an empty one would take what follows for its value."""
    text = text_of(values)
    if isinstance(text, Html):
        text, table = strip_tags(text), _BARE_NO_SPACE
    else:
        table = _FULL_NO_SPACE
    escaped = _UNKNOWN.sub(lambda found: f"&#x{ord(found.group()):x};", text.translate(table))
    # Since Go 1.19.9 (CVE-2023-29400).
    return escaped or FAILSAFE


def _name(*values: Any) -> str:
    """Give a name that is letters and digits, and no attribute that does something."""
    text = text_of(values).lower()
    known = attribute_kind(text) == "plain"
    return text if known and _NAME.fullmatch(text) else FAILSAFE


def _nothing(*_values: Any) -> str:
    """A comment says nothing from outside."""
    return ""


def _evaluated(*values: Any) -> str:
    """Write the arguments of a function that stands alone in its pipeline."""
    return sprint([pointed(value) for value in values])


def _unmarked(function: Callable[..., str]) -> Callable[..., str]:
    """Give a plain text, whatever mark its source had."""
    return lambda *values: str(function(*values))


# --- JavaScript


def _script_value(*values: Any) -> str:
    """Write the value as JSON, apart from the words beside it."""
    value = values[0] if len(values) == 1 else sprint(values)
    own = getattr(value, "text", None)
    if own is not None and getattr(value, "json", None) is None:
        value = own
    try:
        text = marshal(value)
    except CallError as error:
        return f" /* {str(error).replace('*/', '* /')} */null "
    return f" {text} " if text[0] in _WORD or text[-1] in _WORD else text


def _script_string(*values: Any) -> str:
    return text_of(values).translate(_SCRIPT_TABLE)


def _script_template(*values: Any) -> str:
    return text_of(values).translate(_TEMPLATE_TABLE)


def _script_regexp(*values: Any) -> str:
    """Escape for a regular expression; an empty one would be a comment."""
    return text_of(values).translate(_REGEXP_TABLE) or "(?:)"


# --- CSS


def _style_string(*values: Any) -> str:
    """Escape by hexadecimal numbers, with a space where a digit or a space would join them."""
    text, parts = text_of(values), []
    for char, after in zip(text, f"{text[1:]} ", strict=False):
        escape = _STYLE.get(char)
        parts.append(char if escape is None else escape)
        if escape is not None and char != "\\" and after in _AFTER_HEX:
            parts.append(" ")
    return "".join(parts)


def _style_value(*values: Any) -> str:
    """Let a word, a number or a colour through, and nothing that could be more."""
    text = decode(text_of(values))
    name = _NOT_IN_NAMES.sub("", text).replace("-", "").lower()
    # < and > since Go 1.19.9 (CVE-2023-24539).
    if "--" in text or _UNSAFE_STYLE & set(text) or "expression" in name or "mozbinding" in name:
        return FAILSAFE
    return text


_CALLS: Mapping[str, Callable[..., str]] = {
    "attrescaper": _attribute,
    "commentescaper": _nothing,
    "cssescaper": _style_string,
    "cssvaluefilter": _style_value,
    "htmlnamefilter": _name,
    "htmlescaper": _html,
    "jsregexpescaper": _script_regexp,
    "jsstrescaper": _script_string,
    "jstmpllitescaper": _script_template,
    "jsvalescaper": _script_value,
    "nospaceescaper": _no_space,
    "rcdataescaper": _rcdata,
    "srcsetescaper": srcset_escaper,
    "urlescaper": url_escaper,
    "urlfilter": url_filter,
    "urlnormalizer": url_normalizer,
}
EVALUATE = "_eval_args_"
ESCAPERS: Mapping[str, Function] = {
    **{
        f"_html_template_{name}": Function(_unmarked(function), (ANY,), variadic=True)
        for name, function in _CALLS.items()
    },
    EVALUATE: Function(_evaluated, (ANY,), variadic=True),
}
