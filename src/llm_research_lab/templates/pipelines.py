"""A pipeline is commands between bars; names in it must be functions or declared variables.

Source: Go, text/template/parse/parse.go (what it accepts, and where its nodes are).
"""

from __future__ import annotations

from dataclasses import dataclass

from llm_research_lab.templates.cursor import Cursor
from llm_research_lab.templates.errors import refusal
from llm_research_lab.templates.lexing import Token
from llm_research_lab.templates.literals import read_char, read_number
from llm_research_lab.templates.nodes import (
    Bool,
    Chain,
    Command,
    Dot,
    Field,
    Identifier,
    Nil,
    Number,
    Operand,
    Pipe,
    String,
    Variable,
)
from llm_research_lab.vocabulary.quoting import unquote

_NOT_CALLABLE = (Bool, Dot, Nil, Number, String)


@dataclass(slots=True)
class Pipelines(Cursor):
    """Reads pipelines, and what they are made of."""

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
