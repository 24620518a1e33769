"""``numeric``: a number in the answer is the target, within a tolerance."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal

from llm_research_lab.documents.fields import shown
from llm_research_lab.documents.readers import flag, number, one_of
from llm_research_lab.experiments.evaluators.kind import (
    Kind,
    Option,
    Options,
    Render,
    Row,
    Score,
)
from llm_research_lab.vocabulary import InvalidError

DIGITS = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
"""Sixty digits, so that 0.4 - 0.3 is 0.1; a longer number is rounded, not refused."""

MOST = 1e300
"""The largest tolerance."""

_MINUS = "\u2212\ufe63\uff0d-"
"""Minus sign, small and full-width minus, hyphen (last: it stands in sets of a pattern)."""

_MARKS = ",_'\u2019\u00a0\u2009\u202f"
"""What stands between groups of three digits: comma, underscore, apostrophes, thin and
no-break spaces. Source: Unicode CLDR, numbering symbols, ``group``."""

_NUMBER = re.compile(
    rf"(?P<sign>(?<![\w.)\]])[+{_MINUS}])?"
    r"(?P<money>[$€£¥])?"
    r"(?<![^\W_])"
    rf"(?P<digits>(?:\d{{1,3}}(?P<mark>[{_MARKS}])\d{{3}}(?:(?P=mark)\d{{3}})*(?!\d)|\d+)"
    r"(?:\.\d+)?|(?<!\d)\.\d+)"
    rf"(?:[eE](?P<power>[+{_MINUS}]?\d+))?"
    r"(?P<percent>\s?%)?"
)


def numbers(text: str, *, percent: bool = False) -> Iterator[Decimal]:
    """Give every number of a text, in order; finite or not is the caller's to ask."""
    return (_value(match, percent=percent) for match in _NUMBER.finditer(text))


def _value(match: re.Match[str], *, percent: bool) -> Decimal:
    sign = "-" if (match["sign"] or "+") in _MINUS else ""
    digits = match["digits"].replace(match["mark"] or ",", "")
    power = (match["power"] or "0").translate({ord(dash): "-" for dash in _MINUS})
    value = DIGITS.create_decimal(f"{sign}{digits}e{power}")
    return DIGITS.scaleb(value, -2) if percent and match["percent"] else value


def _numeric(target: Render, options: Options, where: str) -> Score:
    """1 when the answer's number is the target's, within a tolerance, else 0.

    The number is the answer's last one, or its first: `take`. It is right when
    |answer - target| ≤ max(absolute, relative * |target|), reckoned in decimals: 0.4 is within 0.1
    of 0.3. An answer without a number is wrong. A target that is not one number cannot be scored.

    Read are signs (also the true minus), decimal points, exponents, digits of every script, a
    currency sign before and a percent sign behind, and groups of three digits parted by one of
    `,` `_` `'` or a no-break or thin space. A decimal comma is not read, nor a fraction: `1/2` is
    two numbers. Digits inside a word (`H2O`) are none. `60%` is 60, or with `percent: true` 0.6,
    in the answer as in the target.

    Source: HELM, `final_number_exact_match` (the last number); Python, `math.isclose` (the larger
    of two tolerances), but relative to the target, which is the truth.
    """
    absolute, relative = Decimal(repr(options["absolute"])), Decimal(repr(options["relative"]))
    percent, last = options["percent"], options["take"] == "last"

    def score(answer: str, row: Row) -> float:
        wanted = _target(target(row), percent=percent, where=where)
        allowed = max(absolute, DIGITS.multiply(relative, abs(wanted)))
        found = numbers(answer, percent=percent)
        got = next(iter(deque(found, maxlen=1) if last else found), None)
        if got is None or not got.is_finite():
            return 0.0
        return float(abs(DIGITS.subtract(got, wanted)) <= allowed)

    return score


def _target(text: str, *, percent: bool, where: str) -> Decimal:
    """Give the one number that the target is."""
    match = _NUMBER.fullmatch(text.strip())
    value = None if match is None else _value(match, percent=percent)
    if value is None or not value.is_finite():
        raise InvalidError(
            f"{where}, target", "a number", shown(text), "choose a column of numbers"
        )
    return value


NUMERIC = Kind(
    _numeric,
    (
        Option("absolute", 0.0, "How far off it may be.", number(0, MOST)),
        Option("relative", 0.0, "How far off, as a share of the target.", number(0, 1)),
        Option(
            "take", "last", "Which of the answer's numbers: first or last.", one_of("first", "last")
        ),
        Option("percent", False, "Whether `60%` is 0.6 rather than 60.", flag),
    ),
)
