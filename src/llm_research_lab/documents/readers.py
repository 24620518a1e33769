"""A reader takes one kind of value: text, number, money, word, list, mapping, plain JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

from llm_research_lab.documents.fields import Field, Place, Reader, read_fields, unknown
from llm_research_lab.vocabulary import InvalidError, checked_name, parse_reference

DEPTH = 32
"""Levels of a plain JSON value, as many as a YAML file may have."""

MONEY_LENGTH = 40
"""Characters of an amount: more than any that fits the bounds needs."""

Law = tuple[str, str, Callable[[Any], bool]]
"""A law's name, what it expects, and whether a value keeps it."""


def leaf(*laws: Law, form: Callable[[Any], Any] = lambda value: value) -> Reader:
    """A reader that asks one law after the other, says the first that is broken, then forms."""

    def read(value: Any, place: Place) -> Any:
        for law, expected, holds in laws:
            if not holds(value):
                place.expect(law, expected, value)
                return None
        return form(value)

    return read


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _encodes(value: str) -> bool:
    """Whether UTF-8 has bytes for the text: it holds no half of a surrogate pair."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


TEXT: Law = ("type", "text", _is_text)


def text(longest: int = 10_000, *, least: int = 1) -> Reader:
    """Text of so many characters, which UTF-8 can hold."""
    expected = f"text of {least} to {longest} characters"
    length: Law = ("length", expected, lambda value: least <= len(value) <= longest)
    return leaf(TEXT, length, ("utf-8", "text without lone surrogates", _encodes))


def _checked(check: Callable[[str, str], object]) -> Reader:
    """Text that the vocabulary's own check lets pass, kept as it was written."""

    def read(value: Any, place: Place) -> Any:
        if leaf(TEXT)(value, place) is None:
            return None
        try:
            check(value, place.name)
        except InvalidError as error:
            message = f"{error.where}: expected {error.expected}, got {error.got}"
            place.find("form", message, error.fix)
            return None
        return value

    return read


name = _checked(checked_name)
reference = _checked(parse_reference)
flag = leaf(("type", "true or false", lambda value: isinstance(value, bool)))


def whole(least: int, most: int) -> Reader:
    """A whole number within bounds; a boolean is none."""
    expected = f"a whole number from {least} to {most}"
    return leaf(
        ("type", expected, _is_whole), ("range", expected, lambda value: least <= value <= most)
    )


def number(least: float, most: float, *, above: bool = False) -> Reader:
    """A finite number within bounds, as float; `above` leaves out the least itself."""
    expected = f"a number {'above' if above else 'from'} {least:g} to {most:g}"

    def within(value: float) -> bool:
        return least <= value <= most and not (above and value == least)

    return leaf(("type", expected, _is_number), ("range", expected, within), form=float)


def money(most: int, decimals: int) -> Reader:
    """US dollars as Decimal, from 0; best written as text, since a float is what it prints as."""
    expected = f"US dollars from 0 to {most} with up to {decimals} decimals"

    def within(value: Any) -> bool:
        amount = _decimal(value)
        return amount is not None and 0 <= amount <= most and _decimals(amount) <= decimals

    return leaf(
        ("type", expected, lambda value: _is_number(value) or isinstance(value, str | Decimal)),
        ("range", expected, within),
        form=_decimal,
    )


def _decimal(value: Any) -> Decimal | None:
    """A finite Decimal of at most forty characters, or None."""
    written = f"{value}"
    try:
        amount = Decimal(written if len(written) <= MONEY_LENGTH else "nan")
    except InvalidOperation:
        return None
    return abs(amount) if amount == 0 else amount if amount.is_finite() else None


def _decimals(amount: Decimal) -> int:
    """How many decimals are written, trailing zeros apart."""
    exponent = amount.normalize().as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def one_of(*words: str) -> Reader:
    """One of the words; another is a finding with the nearest of them."""

    def read(value: Any, place: Place) -> Any:
        if leaf(TEXT)(value, place) is None:
            return None
        if value not in words:
            unknown(place, place.name, value, words)
            return None
        return value

    return read


def list_of(inner: Reader, least: int, most: int) -> Reader:
    """A list of so many; a tuple in the end, each item read."""
    expected = f"{least} to {most} items"

    def read(value: Any, place: Place) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            place.expect("type", "a list", value)
            return ()
        if not least <= len(value) <= most:
            message = f"{place.name}: expected {expected}, got {len(value)}"
            place.find("length", message, f"write {expected}")
        return tuple(inner(item, place.at(index)) for index, item in enumerate(value[:most]))

    return read


def mapping_of(fields: Sequence[Field]) -> Reader:
    """A mapping with these fields."""
    return lambda value, place: read_fields(value, place, fields)


def plain(value: Any, place: Place) -> dict[str, Any]:
    """A mapping of plain JSON: text keys, finite numbers, at most 32 levels."""
    if not isinstance(value, Mapping):
        place.expect("type", "a mapping", value)
        return {}
    _plain(value, place, DEPTH)
    return dict(value)


def _plain(value: Any, place: Place, depth: int) -> None:
    """Say what JSON or the store could not keep."""
    if depth == 0:
        place.find("depth", f"{place.name}: more than {DEPTH} levels of nesting", "nest less")
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            _scalar(key, place)
            _plain(inner, place.at(str(key)), depth - 1)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            _plain(inner, place.at(index), depth - 1)
    else:
        _scalar(value, place)


def _is_json(value: Any) -> bool:
    """Whether JSON, UTF-8 and a 64-bit reader all keep the scalar as it is."""
    if isinstance(value, str):
        return _encodes(value)
    if isinstance(value, float):
        return isfinite(value)
    return value is None or (isinstance(value, int) and -(2**63) <= value < 2**63)


_scalar = leaf(("json", "text, a finite number of at most 64 bits, true, false or null", _is_json))
