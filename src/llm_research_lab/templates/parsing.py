"""A text is a template or is refused with line and column.

Source: Go, text/template/parse/parse.go (what it accepts, and where its nodes are).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from llm_research_lab.templates.lexing import Token, lex
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
from llm_research_lab.templates.pipelines import Pipelines


@dataclass(frozen=True, slots=True)
class Parsed:
    """A template's own body, and those that it defines by name."""

    body: Body
    defined: dict[str, Body]


def parse(text: str, functions: Collection[str]) -> Parsed:
    """Read the text; `functions` are the names that may be called. Raises InvalidError."""
    return _Parser(text, functions, lex(text)).template()


def is_blank(body: Body) -> bool:
    """Whether a body is white space, which replaces no other definition."""
    return all(isinstance(node, Text) and not node.text.strip() for node in body)


@dataclass(slots=True)
class _Parser(Pipelines):
    """Reads bodies, and the templates that they define."""

    defined: dict[str, Body] = field(default_factory=dict)
    loops: int = 0

    def template(self) -> Parsed:
        """Read all of the text."""
        nodes: list[Node] = []
        while self.peek().kind != "end":
            if self.is_action("define"):
                self.define()
            else:
                nodes.append(self.node())
        return Parsed(tuple(nodes), self.defined)

    def is_action(self, *words: str) -> bool:
        """Whether an action with one of these keywords comes next."""
        if self.peek().kind != "left":
            return False
        token = self.peek(1)
        token = self.peek(2) if token.kind == "space" else token
        return token.kind == "keyword" and token.value in words

    def body(self) -> Body:
        """Read up to an end or an else, which are left."""
        nodes: list[Node] = []
        while not self.is_action("end", "else"):
            token = self.peek()
            if token.kind == "end":
                self.fail(token.at, "unexpected EOF", "close the action by {{end}}")
            nodes.append(self.node())
        return tuple(nodes)

    def node(self) -> Node:
        """Read a text or an action."""
        token = self.take()
        if token.kind == "text":
            return Text(token.at, token.value)
        word = self.word()
        if word in ("", "nil"):
            return self.action()
        keyword = self.take()
        with self.deeper(keyword.at):
            return self.control(keyword)

    def action(self) -> Node:
        """Read a pipeline whose value is written."""
        pipe = self.pipe("command")
        self.expect("right", "command")
        return Action(pipe.at, pipe)

    def control(self, keyword: Token) -> Node:
        """Read what the keyword starts."""
        word = keyword.value
        if word in ("if", "with", "range"):
            return self.branch(word)
        if word == "template":
            return self.invoke()
        if word == "block":
            return self.block()
        if word in ("break", "continue"):
            self.expect("right", word)
            if not self.loops:
                self.fail(keyword.at, f"{{{{{word}}}}} outside {{{{range}}}}")
            return Leave(keyword.at, word == "continue")
        self.fail(keyword.at, f"unexpected {{{{{word}}}}}", "remove it")
        raise AssertionError  # pragma: no cover - fail raises

    def branch(self, word: str) -> Node:
        """Read if, with or range up to its end; what it declares ends there."""
        reach = len(self.variables)
        pipe = self.pipe(word)
        self.expect("right", word)
        self.loops += word == "range"
        body = self.body()
        self.loops -= word == "range"
        otherwise = self.otherwise(word)
        del self.variables[reach:]
        kinds: dict[str, type[If | With | Range]]
        kinds = {"if": If, "with": With, "range": Range}
        return kinds[word](pipe.at, pipe, body, otherwise)

    def otherwise(self, word: str) -> Body | None:
        """Read up to the end; an ``else if`` shares it."""
        self.expect("left", word)
        keyword = self.take_word()
        if keyword.value == "end":
            self.expect("right", "end")
            return None
        following = self.word()
        if following in ("if", "with") and following == word:
            with self.deeper(self.take().at):
                return (self.branch(word),)
        self.expect("right", "else")
        body = self.body()
        self.expect("left", word)
        closing = self.take_word()
        if closing.value != "end":
            self.fail(closing.at, "expected end; found {{else}}", "remove the second else")
        self.expect("right", "end")
        return body

    def take_word(self) -> Token:
        """Take the keyword that comes next."""
        self.solid()
        return self.take()

    # --- templates by name

    def define(self) -> None:
        """Read a definition; it is no part of the body."""
        self.take()
        self.take_word()
        name = self.name("define clause")
        self.expect("right", "define clause")
        self.named_body(name, "define clause")

    def block(self) -> Node:
        """Read a definition that is used where it stands."""
        at = self.solid().at
        name = self.name("block clause")
        pipe = self.pipe("block clause")
        self.expect("right", "block clause")
        self.named_body(name, "block clause")
        return Invoke(at, name, pipe)

    def named_body(self, name: str, context: str) -> None:
        """Read a template's body; it sees no variables from outside."""
        outer, self.variables = self.variables, ["$"]
        loops, self.loops = self.loops, 0
        body = self.body()
        self.variables, self.loops = outer, loops
        start = self.take()
        closing = self.take_word()
        if closing.value != "end":
            self.fail(closing.at, f"unexpected {{{{else}}}} in {context}")
        self.expect("right", "end")
        if is_blank(self.defined.get(name, ())):
            self.defined[name] = body
        elif not is_blank(body):
            message = f'multiple definition of template "{name}"'
            self.fail(start.at, message, "rename one")

    def invoke(self) -> Node:
        """Read a call of a template."""
        at = self.solid().at
        name = self.name("template clause")
        pipe = None
        if self.solid().kind != "right":
            pipe = self.pipe("template clause")
        self.expect("right", "template clause")
        return Invoke(at, name, pipe)

    def name(self, context: str) -> str:
        """Read a template's name."""
        token = self.solid()
        if token.kind not in ("string", "raw"):
            self.unexpected(token, context)
        return self.string(self.take()).value
