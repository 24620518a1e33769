"""A template is text and actions in double braces; in an action blanks part arguments.

``{{-`` and ``-}}`` with a blank inside take the white space beside them away.

Source: Go, text/template/parse/lex.go (what it accepts).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from llm_research_lab.templates.errors import refusal

Kind = Literal[
    "text",
    "left",
    "right",
    "space",
    "field",
    "variable",
    "identifier",
    "keyword",
    "bool",
    "number",
    "char",
    "string",
    "raw",
    "declare",
    "assign",
    "pipe",
    "open",
    "close",
    "sign",
    "dot",
    "end",
]

KEYWORDS = frozenset(
    {
        "block",
        "break",
        "continue",
        "define",
        "else",
        "end",
        "if",
        "nil",
        "range",
        "template",
        "with",
    }
)

TEXT_CHARACTERS = 1 << 20
"""Longest template."""

_WHITE = " \t\r\n"
_LEFT = re.compile(r"\{\{(?:-(?=[ \t\r\n]))?")
_RIGHT = re.compile(r"[ \t\r\n]-\}\}|\}\}")
_COMMENT = re.compile(r"[ \t\r\n]?/\*")
_SPACE = re.compile(r"(?:[ \t\r\n](?!-\}\}))+")
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?"
    r"|0[oO][0-7_]*|0[bB][01_]*|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)"
)
_STRING = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"')
_CHAR = re.compile(r"'(?:[^'\\\n]|\\[^\n])*'")
_RAW = re.compile(r"`[^`]*`")
_ENDS_WORD = frozenset(" \t\r\n.,|:)(}")
_QUOTES: dict[str, tuple[Kind, re.Pattern[str], str]] = {
    '"': ("string", _STRING, "unterminated quoted string"),
    "'": ("char", _CHAR, "unterminated character constant"),
    "`": ("raw", _RAW, "unterminated raw quoted string"),
}
_SINGLE: dict[str, Kind] = {"=": "assign", "|": "pipe", "(": "open", ")": "close"}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the template that starts at character `at`."""

    kind: Kind
    value: str
    at: int

    @property
    def said(self) -> str:
        """How a message names it."""
        if self.kind == "keyword":
            return f"<{self.value}>"
        shown = self.value if len(self.value) <= 10 else f"{self.value[:10]}..."  # noqa: PLR2004 - Go's
        return '"' + shown.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def lex(text: str) -> Iterator[Token]:
    """Give the template's tokens one by one, the end as the last. Raises InvalidError."""
    if len(text) > TEXT_CHARACTERS:
        raise refusal(text, TEXT_CHARACTERS, f"{len(text)} characters", "shorten it")
    at = 0
    while found := _LEFT.search(text, at):
        trimmed = len(found.group()) > 2  # noqa: PLR2004 - the braces
        before = text[at : found.start()]
        before = before.rstrip(_WHITE) if trimmed else before
        if before:
            yield Token("text", before, at)
        comment = _COMMENT.match(text, found.end())
        if comment and trimmed == text[comment.start()].isspace():
            at = _after_comment(text, found.start(), comment.end())
            continue
        yield Token("left", found.group(), found.start())
        at = found.end()
        action = _Action(text, at)
        yield from action.tokens()
        at = action.at
    if at < len(text):
        yield Token("text", text[at:], at)
    yield Token("end", "", len(text))


def _after_right(text: str, found: re.Match[str]) -> int:
    """Give where the text goes on: a trim marker takes white space away."""
    at = found.end()
    if found.group().startswith("}"):
        return at
    return len(text) - len(text[at:].lstrip(_WHITE))


def _after_comment(text: str, start: int, inside: int) -> int:
    end = text.find("*/", inside)
    if end < 0:
        raise refusal(text, start, "unclosed comment", "close it by */}}")
    right = _RIGHT.match(text, end + 2)
    if right is None:
        message = "comment ends before closing delimiter"
        raise refusal(text, end + 2, message, "write }} right after */")
    return _after_right(text, right)


@dataclass(slots=True)
class _Action:
    """The inside of an action: where the reading is, and how many parentheses are open."""

    text: str
    at: int
    open: int = 0

    def tokens(self) -> Iterator[Token]:
        """Read up to the closing braces."""
        start = self.at
        while not (right := _RIGHT.match(self.text, self.at)):
            if self.at >= len(self.text):
                raise refusal(self.text, start, "unclosed action", "close it by }}")
            token = self.token()
            self.at = token.at + len(token.value)
            yield token
        if self.open:
            raise refusal(self.text, self.at, "unclosed left paren", "close it by )")
        yield Token("right", right.group(), right.start())
        self.at = _after_right(self.text, right)

    def token(self) -> Token:  # noqa: PLR0911 - one for each kind
        """Read the token that starts here."""
        first = self.text[self.at]
        if space := _SPACE.match(self.text, self.at):
            return Token("space", space.group(), self.at)
        if self.text.startswith(":=", self.at):
            return Token("declare", ":=", self.at)
        if first == ":":
            raise refusal(self.text, self.at, "expected :=", "write :=")
        if first in _SINGLE:
            return self.single(first)
        if first in _QUOTES:
            return self.quoted(*_QUOTES[first])
        if first in ".$":
            return self.named(first)
        if first in "+-" or first.isdecimal():
            return self.number()
        if _WORD.match(first):
            return self.word()
        if " " <= first <= "~":
            return Token("sign", first, self.at)
        message = f"unrecognized character in action: U+{ord(first):04X}"
        raise refusal(self.text, self.at, message, "remove it")

    def single(self, first: str) -> Token:
        """A sign that stands for itself; parentheses are counted."""
        self.open += (first == "(") - (first == ")")
        if self.open < 0:
            raise refusal(self.text, self.at, "unexpected right paren", "remove it")
        return Token(_SINGLE[first], first, self.at)

    def quoted(self, kind: Kind, pattern: re.Pattern[str], message: str) -> Token:
        """A string or a character, with its quotes."""
        found = pattern.match(self.text, self.at)
        if found is None:
            raise refusal(self.text, self.at, message, "close it by the quote that opens it")
        return Token(kind, found.group(), self.at)

    def named(self, first: str) -> Token:
        """A field, a variable, the dot, or a number that starts with one."""
        after = self.text[self.at + 1 : self.at + 2]
        if first == "." and after.isascii() and after.isdigit():
            return self.number()
        found = _WORD.match(self.text, self.at + 1)
        end = found.end() if found else self.at + 1
        self.check_end(end)
        if first == "$":
            return Token("variable", self.text[self.at : end], self.at)
        return Token("field" if found else "dot", self.text[self.at : end], self.at)

    def word(self) -> Token:
        """A keyword, a boolean or a function's name."""
        found = _WORD.match(self.text, self.at)
        word = found.group() if found else ""
        self.check_end(self.at + len(word))
        if word in KEYWORDS:
            return Token("keyword", word, self.at)
        return Token("bool" if word in ("true", "false") else "identifier", word, self.at)

    def check_end(self, end: int) -> None:
        """A word ends before a blank or a sign that may follow one."""
        after = self.text[end : end + 1]
        if after and after not in _ENDS_WORD:
            message = f"bad character U+{ord(after):04X} {after!r}"
            raise refusal(self.text, end, message, "put a space there")

    def number(self) -> Token:
        """A number; whether it is one is the parser's to find."""
        found = _NUMBER.match(self.text, self.at)
        end = found.end() if found else self.at
        after = self.text[end : end + 1]
        if after in ("+", "-") or _WORD.match(after):
            said = self.text[self.at : end + 1]
            raise refusal(self.text, self.at, f'bad number syntax: "{said}"', "write a real number")
        return Token("number", self.text[self.at : end], self.at)
