"""HTML in an attribute's value is its text: tags and comments are left out.

Source: Go, html/template/html.go (stripTags).
"""

from __future__ import annotations

from llm_research_lab.templates.html.contexts import IN_TAG, Context, Delimiter, Element, State
from llm_research_lab.templates.html.errors import MisplacedError
from llm_research_lab.templates.html.transitions import STEPS, value_end

MOST_STEPS = 1_000
"""What comes after so many tags is left out."""

_TEXTS = (State.TEXT, State.RCDATA)


def strip_tags(html: str) -> str:
    """Give the text of a fragment, up to where it stops to be HTML."""
    parts: list[str] = []
    context, at, tags = Context(), 0, False
    for _ in range(MOST_STEPS):
        if at == len(html):
            break
        tags = tags or context.state not in _TEXTS
        try:
            after, end = _step(context, html, at)
        except MisplacedError:
            break
        if context.state in _TEXTS:
            parts.append(_before_tag(html, at, end, after.state is not context.state))
        context, at = after, end
    return "".join(parts) if tags or at < len(html) else html


def _step(context: Context, html: str, at: int) -> tuple[Context, int]:
    """Give the context after some more, and where that ends."""
    if context.delimiter is not Delimiter.NONE:
        end = at + value_end(context.delimiter, html[at:])
        if end == len(html):
            return context, end
        closing = context.delimiter is not Delimiter.SPACE
        return Context(State.TAG, element=context.element), end + closing
    state = context.state
    if context.element is not Element.NONE and state not in IN_TAG:
        state = State.RCDATA
    after, count = STEPS[state](context, html[at:])
    return after, at + count


def _before_tag(html: str, start: int, end: int, is_tag: bool) -> str:
    opening = html.rfind("<", start, end) if is_tag else -1
    return html[start : end if opening < 0 else opening]
