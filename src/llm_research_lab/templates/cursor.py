"""The tokens of a template are taken one by one; what does not fit is refused where it stands."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from llm_research_lab.templates.errors import refusal
from llm_research_lab.templates.lexing import Token

DEEPEST = 50
"""Actions and parentheses in each other."""


@dataclass(slots=True)
class Cursor:
    """Where the reading is, and what is in reach: functions by name, variables, newest last."""

    text: str
    functions: Collection[str]
    source: Iterator[Token]
    ahead: list[Token] = field(default_factory=list)
    variables: list[str] = field(default_factory=lambda: ["$"])
    depth: int = 0

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
