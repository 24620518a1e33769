"""Text moves the context on: each step reads some characters and gives the context after them.

Source: Go, html/template/transition.go, escape.go (contextAfterText).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from html import unescape

from llm_research_lab.templates.html import scripts, styles
from llm_research_lab.templates.html.attributes import attribute_kind
from llm_research_lab.templates.html.contexts import (
    COMMENTS,
    ELEMENTS,
    SCRIPT_LITERALS,
    Attribute,
    Context,
    Delimiter,
    Element,
    State,
)
from llm_research_lab.templates.html.errors import MisplacedError
from llm_research_lab.templates.html.scripts import is_script_type
from llm_research_lab.templates.html.urls import read_url
from llm_research_lab.vocabulary.quoting import quote

Step = tuple[Context, int]
"""The context after some characters, and how many they are."""

_SPACE = " \t\n\f\r"
_NAME_END = re.compile(r"[ \t\n\f\r=>]|(['\"<])")
_TAG_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[:-][A-Za-z0-9]+)*")
_OPENING = re.compile(r"<(!--|/?)")
_UNQUOTED = re.compile("[\"'<=`]")
_SPECIAL_END = re.compile(r"</(script|style|textarea|title)(?=[> \t\n\f/])", re.IGNORECASE)
_META_URL = re.compile(r"url[ \t\n\f\r]*=[ \t\n\f\r]*['\"]?", re.IGNORECASE)
_SHOWN = 32
_MOST_WORK = 1 << 30
_KINDS = {
    "url": Attribute.URL,
    "style": Attribute.STYLE,
    "script": Attribute.SCRIPT,
    "srcset": Attribute.SRCSET,
}


def after_text(context: Context, text: str) -> Step:
    """Read some characters from the start of the text, which is not empty."""
    if context.delimiter is Delimiter.NONE:
        after, end = special_end(context, text)
        return (after, 0) if end == 0 else STEPS[context.state](context, text[:end])
    end = value_end(context.delimiter, text)
    if context.delimiter is Delimiter.SPACE and (bad := _UNQUOTED.search(text, 0, end)):
        message = f"{quote(bad.group())} in unquoted attr: {quote(text[:end])}"
        raise MisplacedError(message, bad.start())
    if end == len(text):
        return _inside_value(context, text), end
    element = context.element
    if context.attribute is Attribute.SCRIPT_TYPE and not is_script_type(text[:end]):
        element = Element.NONE
    closing = context.delimiter is not Delimiter.SPACE
    return Context(State.TAG, element=element), end + closing


def value_end(delimiter: Delimiter, text: str) -> int:
    """Give where the value ends, the text's end where it does not."""
    ends = [at for mark in delimiter.value if (at := text.find(mark)) >= 0]
    return min(ends, default=len(text))


def _inside_value(context: Context, text: str) -> Context:
    """Read on in the attribute; what it holds is read as its entities mean."""
    rest, work = unescape(text), 0
    while rest:
        work += len(rest)
        if work > _MOST_WORK:
            raise MisplacedError("the attribute's value takes too long to escape")
        context, count = STEPS[context.state](context, rest)
        rest = rest[count:]
    return context


def special_end(context: Context, text: str) -> Step:
    """Find the tag that ends a script, a style, a textarea or a title.

    In a literal or a comment of a script it is no such tag: it will be escaped there.
    """
    name = context.element.value[0]
    inside = context.state in SCRIPT_LITERALS or context.state in COMMENTS
    if not name or (context.element is Element.SCRIPT and inside):
        return context, len(text)
    for found in _SPECIAL_END.finditer(text):
        if found.group(1).lower() == name:
            return Context(), found.start()
    return context, len(text)


def _text(context: Context, text: str) -> Step:
    for found in _OPENING.finditer(text):
        if found.group(1) == "!--":
            return Context(State.COMMENT), found.end()
        if name := _TAG_NAME.match(text, found.end()):
            closing = found.group(1) == "/"
            element = Element.NONE if closing else ELEMENTS.get(name.group().lower())
            return Context(State.TAG, element=element or Element.NONE), name.end()
    return context, len(text)


def _tag(context: Context, text: str) -> Step:
    start = len(text) - len(text.lstrip(_SPACE))
    if start == len(text):
        return context, start
    if text[start] == ">":
        state = context.element.value[1]
        element = Element.NONE if state is State.TEXT else context.element
        return Context(state, element=element), start + 1
    end = _name_end(text, start)
    if end == start:
        said = quote(text[start:])
        message = f"expected space, attr name, or end of tag, but got {said}"
        raise MisplacedError(message, start)
    state = State.ATTRIBUTE_NAME if end == len(text) else State.AFTER_NAME
    attribute = _attribute(context.element, text[start:end].lower())
    return Context(state, element=context.element, attribute=attribute), end


def _attribute(element: Element, name: str) -> Attribute:
    """Say what the value of the element's attribute is."""
    if element is Element.SCRIPT and name == "type":
        return Attribute.SCRIPT_TYPE
    # Since Go 1.26.1 (CVE-2026-27142); before, any URL was let through there.
    if element is Element.META and name == "content":
        return Attribute.META
    return _KINDS.get(attribute_kind(name), Attribute.PLAIN)


def _name_end(text: str, start: int) -> int:
    """Give where an attribute's name ends. Raises MisplacedError for what is in none."""
    found = _NAME_END.search(text, start)
    if found is None:
        return len(text)
    if found.group(1):
        message = f"{quote(found.group(1))} in attribute name: {quote(text[:_SHOWN])}"
        raise MisplacedError(message, found.start())
    return found.start()


def _attribute_name(context: Context, text: str) -> Step:
    end = _name_end(text, 0)
    return (context if end == len(text) else replace(context, state=State.AFTER_NAME)), end


def _after_name(context: Context, text: str) -> Step:
    start = len(text) - len(text.lstrip(_SPACE))
    if start == len(text):
        return context, start
    if text[start] != "=":
        return replace(context, state=State.TAG), start
    return replace(context, state=State.BEFORE_VALUE), start + 1


def _before_value(context: Context, text: str) -> Step:
    start = len(text) - len(text.lstrip(_SPACE))
    if start == len(text):
        return context, start
    quotes = {'"': Delimiter.DOUBLE, "'": Delimiter.SINGLE}
    delimiter = quotes.get(text[start], Delimiter.SPACE)
    after = replace(context, state=context.attribute.start, delimiter=delimiter)
    return after, start + (delimiter is not Delimiter.SPACE)


def _comment(context: Context, text: str) -> Step:
    end = text.find("-->")
    return (context, len(text)) if end < 0 else (Context(), end + 3)


def _plain(context: Context, text: str) -> Step:
    return context, len(text)


def _meta(context: Context, text: str) -> Step:
    found = _META_URL.search(text)
    if found is None:
        return context, len(text)
    return replace(context, state=State.META_URL), found.end()


def _meta_url(context: Context, text: str) -> Step:
    end = text.find(";")
    return (context, len(text)) if end < 0 else (replace(context, state=State.META), end + 1)


def _url(context: Context, text: str) -> Step:
    return replace(context, url=read_url(context.url, text)), len(text)


STEPS: Mapping[State, Callable[[Context, str], Step]] = {
    State.TEXT: _text,
    State.TAG: _tag,
    State.ATTRIBUTE_NAME: _attribute_name,
    State.AFTER_NAME: _after_name,
    State.BEFORE_VALUE: _before_value,
    State.COMMENT: _comment,
    State.RCDATA: special_end,
    State.ATTRIBUTE: _plain,
    State.URL: _url,
    State.SRCSET: _url,
    State.META: _meta,
    State.META_URL: _meta_url,
    **scripts.STEPS,
    **styles.STEPS,
}
