"""Matchers are read from text by two parsers: the classic one, and the one that knows UTF-8 names.

Alertmanager 0.27 and later read with both: where only one can, its answer stands; where they
disagree, the classic one's. So what an older version loads means the same.
Source: Alertmanager, matcher/compat/parse.go, matcher/parse, pkg/labels/parse.go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NoReturn, cast

from llm_research_lab.alerting.notifying.matching import reserved
from llm_research_lab.vocabulary import InvalidError
from llm_research_lab.vocabulary.matchers import Matcher, Op
from llm_research_lab.vocabulary.quoting import unquote

Mode = Literal["classic", "utf8", "fallback"]
"""Which parser reads: Alertmanager's ``classic-mode``, ``utf8-strict-mode``, or both."""

_CLASSIC = re.compile(
    r"[\t\n\f\r ]*([a-zA-Z_:][a-zA-Z0-9_:]*)[\t\n\f\r ]*(=~|=|!=|!~)[\t\n\f\r ]*(.*?)[\t\n\f\r ]*",
    re.DOTALL,
)
_SPACES = re.compile(r"\s*")
_OPERATOR = re.compile(r"=~|=|!=|!~")
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"', re.DOTALL)
_FIX = 'write matchers as name="value", name=~"expression"'


@dataclass(frozen=True, slots=True)
class Parsed:
    """Matchers in the order of the text; `note` says when the two parsers differ."""

    matchers: tuple[Matcher, ...]
    note: str | None = None


def parse_matchers(text: str, mode: Mode = "fallback") -> Parsed:
    """Read ``a="b",c=~"d"``, with or without braces. Raises InvalidError."""
    if mode == "classic":
        return Parsed(classic_matchers(text))
    if mode == "utf8":
        return Parsed(utf8_matchers(text))
    new, old = _tried(text, "utf8"), _tried(text, "classic")
    if isinstance(new, InvalidError):
        if isinstance(old, InvalidError):
            raise old
        return Parsed(old, f"only the classic parser reads this: put values in quotes: {text}")
    if not isinstance(old, InvalidError) and new != old:
        return Parsed(old, f"the classic and the UTF-8 parser read this differently: {text}")
    return Parsed(new)


def _tried(text: str, mode: Mode) -> tuple[Matcher, ...] | InvalidError:
    try:
        return parse_matchers(text, mode).matchers
    except InvalidError as error:
        return error


def classic_matchers(text: str) -> tuple[Matcher, ...]:
    """Read as all versions do: names are Prometheus's, quotes around values may be left out."""
    text = text.removeprefix("{").removesuffix("}")
    return tuple(_classic_matcher(token) for token in _classic_tokens(text))


def _classic_tokens(text: str) -> list[str]:
    """Cut at commas outside of quotes; the last part counts when it is more than spaces."""
    tokens, start = [], 0
    inside = escaped = False
    for place, character in enumerate(text):
        if character == ",":
            if not inside:
                tokens.append(text[start:place])
                start = place + 1
        else:
            inside ^= character == '"' and not escaped
            escaped = character == "\\" and not escaped
    last = text[start:].strip()
    return [*tokens, last] if last else tokens


def _classic_matcher(token: str) -> Matcher:
    found = _CLASSIC.fullmatch(token)
    if found is None:
        _refuse(f"bad matcher format: {token}")
    name, op, raw = found.groups()
    return Matcher(name, cast("Op", op), _classic_value(raw))


def _classic_value(raw: str) -> str:
    r"""Unescape ``\n``, ``\"`` and ``\\``; other backslashes stand for themselves."""
    quotes = raw.startswith('"')
    body = raw[1:] if quotes else raw
    if quotes and (len(body) < 1 or not _ends_quoted(body)):
        _refuse(f"matcher value contains unescaped double quote: {raw}")
    body = body[:-1] if quotes else body
    if re.search(r'(?<!\\)(?:\\\\)*"', body):
        _refuse(f"matcher value contains unescaped double quote: {raw}")
    meanings = {"n": "\n", '"': '"', "\\": "\\"}
    return re.sub(r"\\(.)", lambda at: meanings.get(at[1], at[0]), body, flags=re.DOTALL)


def _ends_quoted(body: str) -> bool:
    """Whether the last character is a quote that no backslash escapes."""
    before = body[:-1]
    return body.endswith('"') and (len(before) - len(before.rstrip("\\"))) % 2 == 0


def utf8_matchers(text: str) -> tuple[Matcher, ...]:
    """Read names and values quoted, or without reserved characters and spaces."""
    return _Utf8(text).read()


@dataclass(slots=True)
class _Utf8:
    """Reads from the front; `at` is how far it is."""

    text: str
    at: int = 0

    def read(self) -> tuple[Matcher, ...]:
        found: list[Matcher] = []
        braced = self._take("{")
        while not self._ended() and self._peek() != "}":
            found.append(self._matcher())
            if not self._take(",") and not self._ended() and self._peek() != "}":
                self._stop("a comma or close brace")
        if braced != self._take("}"):
            self._stop("close brace" if braced else "opening brace")
        if not self._ended():
            self._stop("end of input")
        return tuple(found)

    def _matcher(self) -> Matcher:
        name = self._word("label name")
        self._space()
        op = _OPERATOR.match(self.text, self.at)
        if op is None:
            self._stop("an operator such as '=', '!=', '=~' or '!~'")
        self.at = op.end()
        return Matcher(name, cast("Op", op[0]), self._word("label value"))

    def _word(self, what: str) -> str:
        self._space()
        quoted = _QUOTED.match(self.text, self.at)
        if quoted is not None:
            self.at = quoted.end()
            return self._unquoted(quoted[0])
        start = self.at
        while self.at < len(self.text) and not reserved(self.text[self.at]):
            self.at += 1
        if start == self.at:
            self._stop(what)
        return self.text[start : self.at]

    def _unquoted(self, word: str) -> str:
        try:
            value = unquote(word)
        except ValueError:
            self._stop("an escape of Go's strings")
        if "\n" in word or ("\ufffd" in value and "\ufffd" not in word):
            self._stop("a quoted string of one line, valid as UTF-8")
        return value

    def _space(self) -> None:
        found = _SPACES.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _ended(self) -> bool:
        self._space()
        return self.at == len(self.text)

    def _peek(self) -> str:
        return self.text[self.at]

    def _take(self, character: str) -> bool:
        if self._ended() or self._peek() != character:
            return False
        self.at += 1
        return True

    def _stop(self, expected: str) -> NoReturn:
        _refuse(f"expected {expected} at {self.at + 1} of {self.text}")


def _refuse(message: str) -> NoReturn:
    raise InvalidError("matcher", "a list of matchers", message, _FIX)
