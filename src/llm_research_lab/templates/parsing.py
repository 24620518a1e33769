"""A text is a template or is refused with line and column; names must be functions or declared.

Source: Go, text/template/parse/parse.go (what it accepts, and where its nodes are).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from llm_research_lab.templates.errors import refusal
from llm_research_lab.templates.lexing import Token, lex
from llm_research_lab.templates.literals import read_char, read_number, unquote
from llm_research_lab.templates.nodes import (
    Action,
    Body,
    Bool,
    Chain,
    Command,
    Dot,
    Field,
    Identifier,
    If,
    Invoke,
    Leave,
    Nil,
    Node,
    Number,
    Operand,
    Pipe,
    Range,
    String,
    Text,
    Variable,
    With,
)

DEEPEST = 50
"""Actions and parentheses in each other."""

_NOT_CALLABLE = (Bool, Dot, Nil, Number, String)
_BLANK = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Parsed:
    """A template's own body, and those that it defines by name."""

    body: Body
    defined: dict[str, Body]


def parse(text: str, functions: Collection[str]) -> Parsed:
    """Read the text; `functions` are the names that may be called. Raises InvalidError."""
    return _Parser(text, functions, lex(text)).template()


def _is_blank(body: Body) -> bool:
    return all(isinstance(node, Text) and not node.text.strip() for node in body)


@dataclass(slots=True)
class _Parser:
    """Where the reading is, and the variables in reach."""

    text: str
    functions: Collection[str]
    source: Iterator[Token]
    ahead: list[Token] = field(default_factory=list)
    variables: list[str] = field(default_factory=lambda: ["$"])
    defined: dict[str, Body] = field(default_factory=dict)
    loops: int = 0
    depth: int = 0

    # --- tokens

    def peek(self, count: int = 0) -> Token:
        """Give the token after `count` others without taking it."""
        while len(self.ahead) <= count:
            self.ahead.append(next(self.source))
        return self.ahead[count]

    def take(self) -> Token:
        """Take the next token."""
        token = self.peek()
        del self.ahead[0]
        return token

    def solid(self) -> Token:
        """Give the next token that is no blank; blanks are taken."""
        while self.peek().kind == "space":
            self.take()
        return self.peek()

    def expect(self, kind: str, context: str) -> Token:
        """Take the next token, which must be of that kind."""
        token = self.solid()
        if token.kind != kind:
            self.unexpected(token, context)
        return self.take()

    def word(self) -> str:
        """Give the keyword that comes next, if one does."""
        token = self.solid()
        return token.value if token.kind == "keyword" else ""

    def fail(self, at: int, message: str, fix: str = "mend the action") -> None:
        """Refuse the text."""
        raise refusal(self.text, at, message, fix)

    def unexpected(self, token: Token, context: str) -> None:
        """Refuse a token."""
        self.fail(token.at, f"unexpected {token.said} in {context}")

    @contextmanager
    def deeper(self, at: int) -> Iterator[None]:
        """Hold how deep actions and parentheses lie in each other."""
        self.depth += 1
        if self.depth > DEEPEST:
            self.fail(at, f"more than {DEEPEST} in each other", "make it flatter")
        yield
        self.depth -= 1

    # --- bodies

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
        if _is_blank(self.defined.get(name, ())):
            self.defined[name] = body
        elif not _is_blank(body):
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

    # --- pipelines

    def pipe(self, context: str) -> Pipe:
        """Read a pipeline; what closes it is left."""
        at = self.solid().at
        names, assigns = self.declarations(context)
        commands: list[Command] = []
        while self.solid().kind not in ("right", "close"):
            commands.append(self.command(context))
        if not commands:
            self.fail(self.peek().at, f"missing value for {context}", "give it a value")
        for stage, command in enumerate(commands[1:], 2):
            if isinstance(command.words[0], _NOT_CALLABLE):
                self.fail(command.at, f"non executable command in pipeline stage {stage}")
        return Pipe(at, names, assigns, tuple(commands))

    def declarations(self, context: str) -> tuple[tuple[str, ...], bool]:
        """Read the variables that take the pipeline's value."""
        names: list[str] = []
        while self.solid().kind == "variable":
            variable = self.peek()
            sign = self.peek(2) if self.peek(1).kind == "space" else self.peek(1)
            if sign.kind not in ("declare", "assign") and sign.value != ",":
                if names:
                    self.fail(sign.at, "range can only initialize variables")
                break
            self.take()
            self.solid()
            self.take()
            self.declare(variable, sign)
            names.append(variable.value)
            if sign.value != ",":
                return tuple(names), sign.kind == "assign"
            if context != "range" or len(names) > 1:
                self.fail(sign.at, f"too many declarations in {context}", "declare fewer")
            if self.solid().kind != "variable":
                self.fail(self.peek().at, "range can only initialize variables")
        return (), False

    def declare(self, variable: Token, sign: Token) -> None:
        """Put a variable in reach; Go takes an assigned one for declared too."""
        if "." in variable.value:  # pragma: no cover - the lexer parts fields
            self.unexpected(sign, "variable")
        self.variables.append(variable.value)

    def command(self, context: str) -> Command:
        """Read operands up to a bar or what closes the pipeline."""
        at = self.solid().at
        words: list[Operand] = []
        while True:
            words.append(self.operand(context))
            token = self.peek()
            if token.kind == "space":
                if self.solid().kind in ("right", "close"):
                    break
                if self.peek().kind != "pipe":
                    continue
                token = self.peek()
            if token.kind == "pipe":
                self.take()
                break
            if token.kind in ("right", "close"):
                break
            self.unexpected(token, "operand")
        return Command(at, tuple(words))

    def operand(self, context: str) -> Operand:
        """Read a term and the fields of it."""
        term = self.term(context)
        first = self.peek()
        names: list[str] = []
        while self.peek().kind == "field":
            names.append(self.take().value[1:])
        if not names:
            return term
        if isinstance(term, Field):
            return Field(first.at, (*term.names, *names))
        if isinstance(term, Variable):
            return Variable(first.at, term.name, (*term.names, *names))
        if isinstance(term, _NOT_CALLABLE):
            self.fail(first.at, f'unexpected . after term "{term}"')
        return Chain(first.at, term, tuple(names))

    def term(self, context: str) -> Operand:  # noqa: PLR0911 - one for each kind
        """Read what can stand alone."""
        token = self.solid()
        if token.kind == "open":
            return self.parenthesised()
        known = ("field", "variable", "identifier", "dot", "bool", "number", "char", "string")
        if token.kind not in (*known, "raw") and (token.kind, token.value) != ("keyword", "nil"):
            self.unexpected(token, context)
        self.take()
        match token.kind:
            case "field":
                return Field(token.at, (token.value[1:],))
            case "variable":
                return self.variable(token)
            case "identifier":
                return self.identifier(token)
            case "dot":
                return Dot(token.at)
            case "bool":
                return Bool(token.at, token.value == "true")
            case "keyword":
                return Nil(token.at)
            case "number" | "char":
                return self.number(token)
            case _:
                return self.string(token)

    def parenthesised(self) -> Pipe:
        """Read a pipeline in parentheses."""
        opening = self.take()
        with self.deeper(opening.at):
            pipe = self.pipe("parenthesized pipeline")
            self.expect("close", "parenthesized pipeline")
        return pipe

    def variable(self, token: Token) -> Variable:
        """Read a variable that is in reach."""
        if token.value not in self.variables:
            self.fail(token.at, f'undefined variable "{token.value}"', "declare it by :=")
        return Variable(token.at, token.value)

    def identifier(self, token: Token) -> Identifier:
        """Read the name of a function that there is."""
        if token.value not in self.functions:
            self.fail(token.at, f'function "{token.value}" not defined', "call one that there is")
        return Identifier(token.at, token.value)

    def number(self, token: Token) -> Number:
        """Read a number or a character."""
        read = read_char if token.kind == "char" else read_number
        try:
            return read(token.at, token.value)
        except ValueError as error:
            raise refusal(self.text, token.at, str(error), "write a number of Go's") from error

    def string(self, token: Token) -> String:
        """Read a string."""
        try:
            return String(token.at, token.value, unquote(token.value))
        except ValueError as error:
            fix = r"write a backslash as \\, or use backquotes"
            raise refusal(self.text, token.at, str(error), fix) from error
