"""Every action of a page gets the escapers of the place where it stands, or the page is refused.

Branches must end in the same context, so that what follows means one thing; a template is escaped
once for each context that it is used in.

Source: Go, html/template/escape.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from llm_research_lab.templates.html.contexts import (
    COMMENTS,
    DEAD,
    SCRIPT_LITERALS,
    Context,
    Delimiter,
    State,
    joined,
)
from llm_research_lab.templates.html.errors import EscapingError, MisplacedError
from llm_research_lab.templates.html.pipelines import escaped_action
from llm_research_lab.templates.html.transitions import after_text
from llm_research_lab.templates.nodes import (
    Action,
    Body,
    If,
    Invoke,
    Leave,
    Node,
    Range,
    Text,
    With,
)
from llm_research_lab.vocabulary.quoting import quote

MOST_WORK = 1 << 31
"""Characters looked at while a page is escaped, those that are looked at again among them."""

MOST_NESTED = 120
"""Bodies in each other, over all templates: what the interpreter's stack bears."""

_NODE_WORK = 1_000
_LESS = re.compile(r"<(?!!DOCTYPE)", re.IGNORECASE)
_SPECIAL_TAG = re.compile(r"<(?=script|/script|!--)", re.IGNORECASE)
_LINE_END = re.compile("[\n\r\u2028\u2029]")
_OPENINGS = {State.COMMENT: 4, State.JS_OPEN_COMMENT: 4, State.JS_CLOSE_COMMENT: 3}
"""Characters of what starts the comment; two in all others."""

_WORDS: dict[type, str] = {If: "if", With: "with", Range: "range"}


@dataclass(frozen=True, slots=True)
class Escaped:
    """The templates of a page by name, each with its escapers; `origins` are their own names."""

    bodies: Mapping[str, Body]
    origins: Mapping[str, str]


def escape(defined: Mapping[str, Body], name: str) -> Escaped:
    """Put escapers into the template and all that it uses. Raises EscapingError."""
    escaper = _Escaper(defined)
    after, _ = escaper.template(Context(), name, name, 0)
    if after.state is not State.TEXT:
        body = defined[name]
        raise EscapingError(f"ends in a non-text context: {after}", name, _end(body))
    return Escaped(escaper.bodies, escaper.origins)


def _end(body: Body) -> int:
    """Give the character where the last node stands, or ends where it is text."""
    last = body[-1]
    return last.at + len(last.text) if isinstance(last, Text) else last.at


@dataclass(slots=True)
class _Escaper:
    """What is known of templates: the context after each, by its name and the context before."""

    defined: Mapping[str, Body]
    output: dict[str, Context] = field(default_factory=dict)
    bodies: dict[str, Body] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    called: set[str] = field(default_factory=set)
    leaves: list[list[tuple[Context, int]]] = field(default_factory=list)
    """The contexts at each break and continue of the loops that are open."""

    name: str = ""
    nested: int = 0
    work: list[int] = field(default_factory=lambda: [0])

    def fail(self, message: str, at: int) -> EscapingError:
        """Make an error at a character of the template that is looked at."""
        return EscapingError(message, self.name, at)

    def spend(self, amount: int, at: int) -> None:
        """Count work."""
        self.work[0] += amount
        if self.work[0] > MOST_WORK:
            raise self.fail("the page takes too long to escape", at)

    # --- templates by name

    def template(self, context: Context, name: str, user: str, at: int) -> tuple[Context, str]:
        """Escape a template for the context; give the context after it, and its new name."""
        known = name if context.state is State.TEXT else f"{name}$htmltemplate_{context}"
        self.called.add(known)
        if known in self.output:
            return self.output[known], known
        body = self.defined.get(name)
        if body is None:
            raise EscapingError(f"no such template {quote(name)}", user, at)
        assumed = context
        for _ in range(2):
            trial = self.trial(name, known, assumed)
            after, escaped = trial.body(context, body)
            if known not in trial.called or after == assumed:
                self.adopt(trial, known, name, after, escaped)
                return after, known
            # One that uses itself: see whether it holds that it ends as it did just now.
            assumed = after
        message = f"cannot compute output context for template {quote(name)}"
        raise EscapingError(message, user, at)

    def trial(self, name: str, known: str, assumed: Context) -> _Escaper:
        """Give one that takes a context for the one after the template."""
        output = {**self.output, known: assumed}
        return _Escaper(self.defined, output, {}, {}, name=name, nested=self.nested, work=self.work)

    def adopt(self, trial: _Escaper, known: str, name: str, after: Context, body: Body) -> None:
        """Take over what a trial found."""
        self.output |= trial.output | {known: after}
        self.bodies |= trial.bodies | {known: body}
        self.origins |= trial.origins | {known: name}
        self.called |= trial.called

    # --- nodes

    def body(self, context: Context, body: Body) -> tuple[Context, Body]:
        """Escape the nodes; what stands after a break is left out."""
        escaped: list[Node] = []
        self.nested += 1
        for node in body:
            self.spend(_NODE_WORK, node.at)
            if self.nested > MOST_NESTED:
                raise self.fail(f"exceeded maximum nesting ({MOST_NESTED})", node.at)
            context, one = self.node(context, node)
            escaped.append(one)
            if context is DEAD:
                break
        self.nested -= 1
        return context, tuple(escaped)

    def node(self, context: Context, node: Node) -> tuple[Context, Node]:
        """Escape a node; give the context after it."""
        match node:
            case Text():
                return self.text(context, node)
            case Action():
                return self.action(context, node)
            case If() | With() | Range():
                return self.branch(context, node)
            case Invoke():
                after, name = self.template(context, node.name, self.name, node.at)
                return after, replace(node, name=name)
            case Leave():
                self.leaves[-1].append((context, node.at))
                return DEAD, node

    def action(self, context: Context, node: Action) -> tuple[Context, Node]:
        """Put the escapers into the pipeline."""
        try:
            return escaped_action(context, node)
        except MisplacedError as error:
            raise self.fail(error.message, node.at) from None

    # --- branches

    def branch(self, context: Context, node: If | With | Range) -> tuple[Context, Node]:
        """Escape both bodies, which must end in one context."""
        if isinstance(node, Range):
            after, body = self.loop(context, node)
        else:
            after, body = self.body(context, node.body)
        if node.otherwise is None:
            return self.join(after, context, node), replace(node, body=body)
        other, otherwise = self.body(context, node.otherwise)
        return self.join(after, other, node), replace(node, body=body, otherwise=otherwise)

    def join(
        self, first: Context, second: Context, node: If | With | Range, how: str = ""
    ) -> Context:
        """Give the context after both. Raises EscapingError where they differ."""
        both = joined(first, second)
        if both is None:
            word = f"{{{{{_WORDS[type(node)]}}}}}"
            message = f"{how}{word} branches end in different contexts: {first}, {second}"
            raise self.fail(message, node.at)
        return both

    def loop(self, context: Context, node: Range) -> tuple[Context, Body]:
        """Escape a loop's body, which must mean the same the second time."""
        after, body = self.pass_through(context, node)
        if after != context:
            again, _ = self.pass_through(after, node, "on range loop re-entry: ")
            after = self.join(after, again, node, "on range loop re-entry: ")
        return after, body

    def pass_through(self, context: Context, node: Range, how: str = "") -> tuple[Context, Body]:
        """Escape a loop's body once; a break and a continue end it too."""
        self.leaves.append([])
        after, body = self.body(context, node.body)
        for leave, at in self.leaves.pop():
            both = joined(after, leave)
            if both is None:
                message = f"at range loop break or continue: {how}ends in different contexts: "
                raise self.fail(f"{message}{after}, {leave}", at)
            after = both
        return after, body

    # --- text

    def text(self, context: Context, node: Text) -> tuple[Context, Node]:
        """Read the text on; comments go, and a sign that starts no tag is escaped."""
        text, parts = node.text, _Parts(node.text)
        at = 0
        while at < len(text):
            self.spend(len(text) - at, node.at + at)
            try:
                after, count = after_text(context, text[at:])
            except MisplacedError as error:
                raise self.fail(error.message, node.at + at + error.at) from None
            parts.step(context, after, at, at + count)
            context, at = after, at + count
        return context, replace(node, text=parts.end(context))


@dataclass(slots=True)
class _Parts:
    """What a text becomes, and up to where it is written."""

    text: str
    parts: list[str] = field(default_factory=list)
    written: int = 0

    def write(self, end: int, instead: str, after: int) -> None:
        """Write up to `end`, then something instead of what comes before `after`."""
        self.parts += (self.text[self.written : end], instead)
        self.written = after

    def step(self, before: Context, after: Context, start: int, end: int) -> None:
        """Write what was read from `start` to `end`, where the context changed or not."""
        changed = after.state is not before.state
        if before.state in (State.TEXT, State.RCDATA):
            tag = self.text.rfind("<", start, end) if changed else -1
            for found in _LESS.finditer(self.text, start, end if tag < 0 else tag):
                self.write(found.start(), "&lt;", found.end())
        elif before.state in COMMENTS and before.delimiter is Delimiter.NONE:
            self.comment(before.state, end)
        if changed and after.state in COMMENTS and after.delimiter is Delimiter.NONE:
            self.write(end - _OPENINGS.get(after.state, 2), "", end)
        if before.state in SCRIPT_LITERALS:
            for found in _SPECIAL_TAG.finditer(self.text, start, end):
                self.write(found.start(), "\\x3C", found.end())

    def comment(self, state: State, end: int) -> None:
        """Leave a comment out; one in a block counts as a space, or as a line's end."""
        instead = ""
        if state is State.JS_BLOCK_COMMENT:
            instead = "\n" if _LINE_END.search(self.text, self.written, end) else " "
        elif state is State.CSS_BLOCK_COMMENT:
            instead = " "
        self.write(self.written, instead, end)

    def end(self, context: Context) -> str:
        """Give the text; in a comment its rest is left out."""
        if context.state not in COMMENTS or context.delimiter is not Delimiter.NONE:
            self.parts.append(self.text[self.written :])
        return "".join(self.parts)
