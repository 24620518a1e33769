"""A pipeline that writes into a page ends in the escapers of its context.

Source: Go, html/template/escape.go (escapeAction, ensurePipelineContains and their tables).
"""

from __future__ import annotations

from dataclasses import replace

from llm_research_lab.templates.html.contexts import (
    COMMENTS,
    Context,
    Delimiter,
    Slash,
    State,
    UrlPart,
)
from llm_research_lab.templates.html.errors import MisplacedError
from llm_research_lab.templates.html.functions import EVALUATE
from llm_research_lab.templates.nodes import Action, Command, Identifier, Pipe
from llm_research_lab.vocabulary.quoting import quote

_PREDEFINED = frozenset({"html", "urlquery"})
"""Functions of every template that are escapers themselves."""

_EQUAL = {
    "attrescaper": "html",
    "htmlescaper": "html",
    "rcdataescaper": "html",
    "urlescaper": "urlquery",
    "urlnormalizer": "urlquery",
}
_REDUNDANT = {
    ("commentescaper", "attrescaper"),
    ("commentescaper", "htmlescaper"),
    ("cssescaper", "attrescaper"),
    ("jsregexpescaper", "attrescaper"),
    ("jsstrescaper", "attrescaper"),
    ("jstmpllitescaper", "attrescaper"),
    ("urlescaper", "urlnormalizer"),
}
"""The second changes nothing that comes from the first."""

_URLS = frozenset(
    {
        State.URL,
        State.CSS_DOUBLE,
        State.CSS_SINGLE,
        State.CSS_DOUBLE_URL,
        State.CSS_SINGLE_URL,
        State.CSS_URL,
    }
)
_STATES = {
    State.JS: "jsvalescaper",
    State.JS_DOUBLE: "jsstrescaper",
    State.JS_SINGLE: "jsstrescaper",
    State.JS_TEMPLATE: "jstmpllitescaper",
    State.JS_REGEXP: "jsregexpescaper",
    State.CSS: "cssvaluefilter",
    State.TEXT: "htmlescaper",
    State.RCDATA: "rcdataescaper",
    State.ATTRIBUTE_NAME: "htmlnamefilter",
    State.SRCSET: "srcsetescaper",
    State.META_URL: "urlfilter",
    **dict.fromkeys(COMMENTS, "commentescaper"),
}


def escaped_action(context: Context, node: Action) -> tuple[Context, Action]:
    """Give the context after the action, and the action with its escapers."""
    if node.pipe.names:
        return context, node
    context = context.nudged()
    _check_predefined(context, node.pipe)
    escapers = [*_for_state(context, node), *_for_delimiter(context.delimiter)]
    if context.state is State.JS:
        # A slash after a value divides.
        context = replace(context, slash=Slash.DIVISION)
    return context, replace(node, pipe=_ending_in(node.pipe, escapers))


def _named(command: Command) -> str:
    """Give the name of the function that a command calls, if it calls one."""
    first = command.words[0]
    return first.name if isinstance(first, Identifier) else ""


def _check_predefined(context: Context, pipe: Pipe) -> None:
    """An escaper of the template's own may only stand last, where what it escapes suffices."""
    for command in pipe.commands:
        name = _named(command)
        bare = context.state is State.ATTRIBUTE and context.delimiter is Delimiter.SPACE
        last = command is pipe.commands[-1]
        if name in _PREDEFINED and (not last or (bare and name == "html")):
            raise MisplacedError(f"predefined escaper {quote(name)} disallowed in template")


def _for_state(context: Context, node: Action) -> list[str]:
    if context.state not in _URLS:
        return [_STATES[context.state]] if context.state in _STATES else []
    if context.url is UrlPart.UNKNOWN:
        raise MisplacedError(f"{node} appears in an ambiguous context within a URL")
    if context.url is UrlPart.QUERY:
        return ["urlescaper"]
    quoted = context.state in (State.CSS_DOUBLE, State.CSS_SINGLE)
    last = "cssescaper" if quoted else "urlnormalizer"
    return ["urlfilter", last] if context.url is UrlPart.NONE else [last]


def _for_delimiter(delimiter: Delimiter) -> list[str]:
    if delimiter is Delimiter.NONE:
        return []
    return ["nospaceescaper" if delimiter is Delimiter.SPACE else "attrescaper"]


def _ending_in(pipe: Pipe, escapers: list[str]) -> Pipe:
    """Put the escapers last; one that the pipeline ends in already takes its equal's place."""
    commands = list(pipe.commands)
    own = _named(commands[-1])
    if own in _PREDEFINED:
        if len(commands) == 1 and len(commands[0].words) > 1:
            at, words = commands[0].at, commands[0].words[1:]
            commands = [Command(at, (Identifier(at, EVALUATE), *words)), _call(pipe.at, own)]
        if any(_EQUAL.get(name) == own for name in escapers):
            escapers = [own if _EQUAL.get(name) == own else name for name in escapers]
            commands = commands[:-1]
    there = {_named(command) for command in commands}
    for name in escapers:
        before = _named(commands[-1]).removeprefix(_PREFIX) if commands else ""
        if _EQUAL.get(name, name) not in there and (before, name) not in _REDUNDANT:
            full = name if name in _PREDEFINED else _PREFIX + name
            commands.append(_call(pipe.at, full))
    return replace(pipe, commands=tuple(commands))


_PREFIX = "_html_template_"


def _call(at: int, name: str) -> Command:
    return Command(at, (Identifier(at, name),))
