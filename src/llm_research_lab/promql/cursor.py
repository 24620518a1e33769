"""A cursor stands before one token of a text; what it does not take stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from llm_research_lab.promql.errors import ExpressionError
from llm_research_lab.promql.lexing import Token
from llm_research_lab.promql.places import refusal

DEPTH = 100
"""Deepest nesting, so that a hostile text ends with an error and not with the stack."""


def too_deep(text: str, at: int) -> ExpressionError:
    """Make the error of an expression nested deeper than `DEPTH`."""
    return refusal(
        text,
        at,
        f"at most {DEPTH} nested expressions",
        "more",
        "record a part of it by a rule, or write a chain of `or` as one regular expression",
    )


@dataclass(slots=True)
class Cursor:
    """The text, its tokens, the next one; `depth` counts the expressions that are open."""

    text: str
    tokens: list[Token]
    experimental: bool
    at: int = 0
    depth: int = 0

    @property
    def token(self) -> Token:
        """The next token."""
        return self.tokens[self.at]

    def ended(self) -> bool:
        """Whether nothing is left."""
        return self.token.kind == "end"

    @property
    def after(self) -> Token:
        """The token after the next one, or the end."""
        return self.tokens[min(self.at + 1, len(self.tokens) - 1)]

    @property
    def end(self) -> int:
        """Where the token before ended."""
        return self.tokens[self.at - 1].end

    def take(self) -> Token:
        """Pass over the next token."""
        token = self.token
        self.at += 1
        return token

    def sees(self, *operators: str) -> bool:
        """Whether one of the operators is next."""
        return self.token.kind == "operator" and self.token.value in operators

    def takes(self, operator: str) -> bool:
        """Pass over the operator if it is next."""
        seen = self.sees(operator)
        self.at += seen
        return seen

    def demand(self, operator: str, where: str) -> Token:
        """Pass over the operator, or refuse what stands there."""
        if not self.sees(operator):
            raise self.unexpected(f'"{operator}" {where}')
        return self.take()

    def unexpected(
        self, expected: str, fix: str = "complete or correct it here"
    ) -> ExpressionError:
        """Make the error that the next token is not what was expected."""
        return refusal(self.text, self.token.start, expected, self.token.said, fix)

    def refuse(self, at: int, expected: str, got: str, fix: str) -> ExpressionError:
        """Make the error that points at the character `at`."""
        return refusal(self.text, at, expected, got, fix)

    def demand_experimental(self, at: int, what: str) -> None:
        """Refuse what is experimental unless it is allowed."""
        if not self.experimental:
            raise self.refuse(
                at,
                "what Prometheus has by default",
                f"{what}, which is experimental",
                "allow experimental functions, or write it without",
            )

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """One expression inside another, or the error that there are too many."""
        if self.depth >= DEPTH:
            raise too_deep(self.text, self.token.start)
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1
