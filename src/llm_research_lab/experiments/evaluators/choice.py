"""``choice``: the answer takes the right one of lettered choices."""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import ascii_uppercase
from typing import Any

from llm_research_lab.documents.fields import Place, shown
from llm_research_lab.documents.readers import list_of, whole
from llm_research_lab.experiments.evaluators.kind import (
    Kind,
    Option,
    Options,
    Render,
    Row,
    Score,
)
from llm_research_lab.experiments.evaluators.wording import form
from llm_research_lab.experiments.sandbox import compile_text, template
from llm_research_lab.vocabulary import InvalidError

LEAST, MOST = 2, len(ascii_uppercase)

_OPEN = r"[\s\"'(\[{*_$]*+"
_SHUT = r"[ \t\"')\]}*_$.,:;!]*+"
_ALONE = re.compile(rf"{_OPEN}([A-Za-z]){_SHUT}\s*+")
_SAID = re.compile(
    rf"(?i:\banswer)[*_]*+(?:\s++(?i:is)\b)?\s*+[:=]?{_OPEN}"
    rf"(?:([A-Z])(?![\w'\u2019])|([a-z]){_SHUT}(?:\n|\Z))"
)
_LED = re.compile(r"[\s\"'(\[*_]*+([A-Z])[*_]*+[).:\]]")
# Repetitions are possessive: an answer of a million blanks is read once.


def taken(answer: str) -> str | None:
    """Give the letter that an answer takes, large; None when it says none.

    The first of these that finds one: the answer is a letter and signs around it; the last
    ``answer`` (``is``, ``:``) followed by a large letter that stands alone, or by a small one that
    ends its line; a large letter with ``)`` ``.`` ``:`` or ``]`` behind it at the answer's start.
    """
    alone = _ALONE.fullmatch(answer)
    if alone:
        return alone[1].upper()
    said = list(_SAID.finditer(answer))
    if said:
        return (said[-1][1] or said[-1][2]).upper()
    led = _LED.match(answer)
    return led[1] if led else None


def _choice(target: Render, options: Options, where: str) -> Score:
    """1 when the answer takes the target's choice, else 0.

    `choices` says how many there are, lettered from A, or lists their texts, which are templates
    over the row too. The target is a letter, or with a list the text of a choice.

    The answer's letter is found by the first of these rules that applies: it is nothing but the
    letter, as `B`, `(b)` or `**B**.`; the last `answer: B`, `Answer is (B)` in it; it begins with
    `B)`, `B.`, `B:`. With a list, an answer that is a choice's text, case apart, takes it. An
    answer that takes none, or one beyond the last letter, is wrong. A target that is none of the
    choices cannot be scored.

    Source: Inspect, `multiple_choice` and `choice` (`ANSWER: $LETTER`, in either case; an answer
    in another form is wrong).
    """
    given = options["choices"]
    renders = [] if isinstance(given, int) else [compile_text(one, where) for one in given]
    letters = ascii_uppercase[: given if isinstance(given, int) else len(given)]

    def score(answer: str, row: Row) -> float:
        texts = [_plain(render(row)) for render in renders]
        wanted = target(row)
        right = _letter(wanted, letters, texts)
        if right is None:
            expected = f"a letter from A to {letters[-1]}" + (" or a choice's text" * bool(texts))
            raise InvalidError(f"{where}, target", expected, shown(wanted), "mend choices")
        got = taken(answer) or _letter(answer, "", texts)
        return float(got == right)

    return score


def _letter(words: str, letters: str, texts: Sequence[str]) -> str | None:
    """Give the letter that the words are, or that their choice has."""
    plain = _plain(words)
    if plain in texts:
        return ascii_uppercase[texts.index(plain)]
    letter = words.strip().upper()
    return letter if len(letter) == 1 and letter in letters else None


def _plain(text: str) -> str:
    return form(text, case_sensitive=False, strip=True)


def _choices(value: Any, place: Place) -> Any:
    """Read a number of choices, or their texts as a list."""
    if isinstance(value, list | tuple):
        return list(list_of(template(10_000), LEAST, MOST)(value, place))
    return whole(LEAST, MOST)(value, place)


def _templates(options: Options) -> Sequence[str]:
    given = options["choices"]
    return () if isinstance(given, int) else given


CHOICE = Kind(
    _choice,
    (Option("choices", 4, "How many choices there are, 2 to 26, or their texts.", _choices),),
    _templates,
)
