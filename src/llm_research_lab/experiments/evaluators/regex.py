"""``regex``: the answer matches a pattern, or a pattern finds the target in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import re2

from llm_research_lab.documents.fields import Place
from llm_research_lab.documents.readers import flag, text
from llm_research_lab.experiments.evaluators.kind import (
    CASE_SENSITIVE,
    Kind,
    Option,
    Options,
    Render,
    Row,
    Score,
)
from llm_research_lab.experiments.evaluators.wording import form
from llm_research_lab.vocabulary import InvalidError

PATTERN_CHARACTERS = 10_000
"""The longest pattern, also after rendering."""

PROGRAM = PATTERN_CHARACTERS
"""Instructions of a compiled pattern; ``\\pL`` alone takes 1,200. RE2's time is at worst their
number times the answer's length, so the two bounds keep one score below about a second."""

ANSWER_CHARACTERS = 65_536
"""The longest answer that is searched."""


def _regex(target: Render, options: Options, where: str) -> Score:
    """1 when the pattern is found in the answer, else 0. The syntax is RE2's; time is linear.

    Without `pattern`, the rendered target is the pattern. Texts of the row that are put into it
    stand for themselves, whatever signs they hold: they are escaped before the template sees
    them (numbers are not texts). `escape: false` is for datasets that hold patterns.

    With `pattern`, its first group that took part is the answer proper, and is compared with the
    target as `exact` does.

    A rendered pattern that is empty (it stands in everything) or that RE2 refuses, and an answer
    of more than 65,536 characters, cannot be scored. Flags such as `(?i)` stand in the pattern.

    Source: https://github.com/google/re2/wiki/Syntax; Inspect, `pattern` (groups are compared
    with the target).
    """
    if options["pattern"] is None:
        return _matching(target, options, where)
    return _extracting(target, options, where)


def _matching(target: Render, options: Options, where: str) -> Score:
    def score(answer: str, row: Row) -> float:
        words = target(quoted(row) if options["escape"] else row)
        if not words:
            raise _refused(f"{where}, target", "an empty one")
        pattern = compiled(words, options, f"{where}, target")
        return float(_found(pattern, answer, options, where) is not None)

    return score


def _extracting(target: Render, options: Options, where: str) -> Score:
    pattern = compiled(options["pattern"], options, f"{where}, pattern")

    def score(answer: str, row: Row) -> float:
        match = _found(pattern, answer, options, where)
        groups = () if match is None else match.groups()
        got = next((group for group in groups if group is not None), None)
        case_sensitive = options["case_sensitive"]
        expected = form(target(row), case_sensitive=case_sensitive, strip=True)
        return float(
            got is not None and form(got, case_sensitive=case_sensitive, strip=True) == expected
        )

    return score


def _found(pattern: Any, answer: str, options: Options, where: str) -> Any:
    """Give the match or None."""
    if len(answer) > ANSWER_CHARACTERS:
        raise InvalidError(
            f"{where}, answer",
            f"at most {ANSWER_CHARACTERS:,} characters",
            f"{len(answer):,}",
            "lower max_tokens",
        )
    clean = _clean(answer)
    return pattern.fullmatch(clean) if options["full"] else pattern.search(clean)


def _clean(words: str) -> str:
    """Put U+FFFD for a lone surrogate, which has no bytes in UTF-8."""
    return words.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def compiled(pattern: str, options: Mapping[str, Any], where: str) -> Any:
    """Compile a pattern, or raise InvalidError with RE2's own words."""
    if len(pattern) > PATTERN_CHARACTERS:
        raise _refused(where, f"{len(pattern):,} characters")
    flags = re2.Options()
    flags.log_errors = False
    flags.case_sensitive = options["case_sensitive"]
    try:
        made = re2.compile(_clean(pattern), flags)
    except re2.error as error:
        raise _refused(where, error.args[0].decode("utf-8", "replace")[:200]) from error
    if made.programsize > PROGRAM:
        raise _refused(where, f"one of {made.programsize:,} instructions")
    return made


def _refused(where: str, got: str) -> InvalidError:
    expected = f"an RE2 pattern of at most {PATTERN_CHARACTERS:,} characters and instructions"
    return InvalidError(where, expected, got, "mend it; RE2 has no look-around, nor \\1")


def quoted(value: Any) -> Any:
    """Escape every text in a value, however deep; keys and all else stay."""
    if isinstance(value, str):
        return re2.escape(value)
    if isinstance(value, Mapping):
        return {key: quoted(inner) for key, inner in value.items()}
    return [quoted(inner) for inner in value] if isinstance(value, list) else value


def _pattern(value: Any, place: Place) -> Any:
    """Read a pattern with a group."""
    if text(PATTERN_CHARACTERS)(value, place) is None:
        return None
    try:
        groups = compiled(value, {"case_sensitive": True}, place.name).groups
    except InvalidError as error:
        message = f"{error.where}: expected {error.expected}, got {error.got}"
        place.find("regex", message, error.fix)
        return None
    if not groups:
        message = f"{place.name}: expected a group, which is compared with the target, got none"
        place.find("regex", message, "put (…) around it, or write the pattern as the target")
    return value


REGEX = Kind(
    _regex,
    (
        Option("pattern", None, "An RE2 pattern with a group; without it the target is.", _pattern),
        Option("escape", True, "Whether the row's texts stand for themselves in a target.", flag),
        Option("full", False, "Whether the whole answer must match, not a part of it.", flag),
        Option("case_sensitive", True, CASE_SENSITIVE, flag),
    ),
)
