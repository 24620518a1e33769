"""A text is a sequence of tokens; blanks and comments are none.

In braces words are labels, never keywords; in brackets a colon parts range and step, and no word
holds one. Source: Prometheus, promql/parser/lex.go (what it accepts).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from llm_research_lab.promql.escapes import unquote
from llm_research_lab.promql.places import refusal

Kind = Literal["word", "number", "duration", "string", "operator", "end"]

_AGGREGATORS = """
sum avg count min max group stddev stdvar topk bottomk count_values quantile limitk limit_ratio
"""

_OTHER_KEYWORDS = """
and or unless atan2 bitand bitor bitxor offset align smoothed anchored by without on ignoring
group_left group_right fill fill_left fill_right bool start end step range min_of max_of
"""

AGGREGATORS = frozenset(_AGGREGATORS.split())
"""Aggregations, as keywords."""

KEYWORDS = AGGREGATORS | frozenset(_OTHER_KEYWORDS.split())
"""Words that mean something, in any case, where no label is expected."""

TEXT_CHARACTERS = 256 * 1024
"""Longest expression."""

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\r\n]*)+")
_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_DURATION = re.compile(r"(?:[0-9]+(?:ms|[ywdhms]))+(?![a-zA-Z0-9_])")
_DIGITS = r"[0-9]+(?:_[0-9]+)*"
_HEX = r"_?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*"
_NUMBER = re.compile(
    rf"0[xX](?:{_HEX}(?:\.(?:{_HEX})?)?|\.{_HEX})(?:[pP][+-]?{_DIGITS})?(?![a-zA-Z0-9_.])"
    rf"|(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?(?![a-zA-Z0-9_.])"
)
_OPERATOR = re.compile(r"==|!=|<=|>=|</|>/|[-+*/%^<>=(){}\[\],@]")
_BRACKET_OPERATOR = re.compile(r"::|[-+*/%^()\[\],:]")
_BRACE_OPERATOR = re.compile(r"=~|!~|!=|=|,|\{|\}")
_STRING = re.compile(r"\"(?:[^\"\\\n]|\\[^\n])*\"|'(?:[^'\\\n]|\\[^\n])*'|`[^`]*`")
_NUMBER_WORDS = frozenset({"inf", "nan"})
_NUMBER_START = re.compile(r"\.?[0-9]")


@dataclass(frozen=True, slots=True)
class Token:
    """Characters `start` to `end`.

    `value` is the text of a word, number, duration or operator and the content of a string;
    `keyword` is the keyword that a word outside braces is in any case, ``""`` if none.
    """

    kind: Kind
    value: str
    start: int
    end: int
    keyword: str = ""

    @property
    def said(self) -> str:
        """How a message names it."""
        if self.kind == "end":
            return "the end of the expression"
        if self.kind == "operator":
            return f'"{self.value}"'
        return f"{'keyword' if self.keyword else self.kind} {shown(self.value)}"


def shown(value: str) -> str:
    """Quote a value, cut where a message would be too long."""
    return f'"{value}"' if len(value) <= 60 else f'"{value[:60]}…"'  # noqa: PLR2004 - a line's part


@dataclass(slots=True)
class _Lexer:
    """Where the reading is, and in what."""

    text: str
    at: int = 0
    braces: bool = False
    brackets: bool = False

    def tokens(self) -> list[Token]:
        """Read all of the text; the last token is the end."""
        found: list[Token] = []
        while True:
            if blank := _BLANK.match(self.text, self.at):
                self.at = blank.end()
            if self.at >= len(self.text):
                found.append(Token("end", "", self.at, self.at))
                return found
            token = self.token()
            self.at = token.end
            found.append(token)

    def token(self) -> Token:
        """Read the token that starts here."""
        first = self.text[self.at]
        if first in "\"'`" and not self.brackets:
            return self.string()
        if not self.braces and _NUMBER_START.match(self.text, self.at):
            return self.number()
        words = _LABEL if self.braces or self.brackets else _WORD
        if found := words.match(self.text, self.at):
            return self.word(found.group())
        return self.operator()

    def word(self, word: str) -> Token:
        """A word, or a number spelt as one."""
        lower = word.lower()
        end = self.at + len(word)
        if self.braces:
            return Token("word", word, self.at, end)
        if lower in _NUMBER_WORDS:
            return Token("number", lower, self.at, end)
        return Token("word", word, self.at, end, lower if lower in KEYWORDS else "")

    def number(self) -> Token:
        """A number or a duration, whichever ends where the word does."""
        if found := _NUMBER.match(self.text, self.at):
            return Token("number", found.group(), self.at, found.end())
        if found := _DURATION.match(self.text, self.at):
            return Token("duration", found.group(), self.at, found.end())
        said = re.match(r"[0-9a-zA-Z_.]*", self.text[self.at :])
        raise refusal(
            self.text,
            self.at,
            "a number or a duration",
            shown(said.group() if said else ""),
            "write a number as 1, 0.5, 1e3, 0x1F or 1_000, a duration as 1h30m",
        )

    def string(self) -> Token:
        """A string in quotes of any kind."""
        found = _STRING.match(self.text, self.at)
        if found is None:
            raise refusal(
                self.text,
                self.at,
                "a closing quote",
                "a string that does not end"
                if self.text[self.at] == "`"
                else "a string that does not end in its line",
                "close it by the quote that opens it",
            )
        value = unquote(self.text, self.at, found.end())
        return Token("string", value, self.at, found.end())

    def operator(self) -> Token:
        """An operator, a bracket or a comma."""
        pattern = (
            _BRACE_OPERATOR if self.braces else _BRACKET_OPERATOR if self.brackets else _OPERATOR
        )
        found = pattern.match(self.text, self.at)
        if found is None:
            inside = " in braces" if self.braces else " in brackets" if self.brackets else ""
            raise refusal(
                self.text,
                self.at,
                f"a token of PromQL{inside}",
                f"the character {self.text[self.at]!r}",
                "remove it, or quote it if it belongs to a name",
            )
        value = found.group()
        self.braces = value == "{" if value in "{}" else self.braces
        self.brackets = value == "[" if value in "[]" else self.brackets
        return Token("operator", value, self.at, found.end())


def lex(text: str) -> list[Token]:
    """Read the text's tokens, the end as the last. Raises ExpressionError."""
    if len(text) > TEXT_CHARACTERS:
        raise refusal(
            text,
            TEXT_CHARACTERS,
            f"at most {TEXT_CHARACTERS} characters",
            str(len(text)),
            "split it into recording rules",
        )
    return _Lexer(text).tokens()
