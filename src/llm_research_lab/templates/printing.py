"""A value prints as Go's fmt prints it, by every verb; a verb that is not for it is said.

Source: Go, package fmt, "Printing".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llm_research_lab.templates.errors import CallError
from llm_research_lab.templates.values import (
    Function,
    Record,
    bounded,
    sorted_items,
    type_of,
)
from llm_research_lab.vocabulary.floats import format_float
from llm_research_lab.vocabulary.quoting import quote

_DEEPEST = 16
"""Maps and slices in each other."""

POINTER = "0xc000000000"
_HIGHEST = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


@dataclass(frozen=True, slots=True)
class Style:
    """What stands between the percent sign and the verb."""

    sharp: bool = False
    zero: bool = False
    plus: bool = False
    minus: bool = False
    space: bool = False
    width: int | None = None
    precision: int | None = None

    def pad(self, text: str) -> str:
        """Fill the text up to the width, with noughts where the flag says so."""
        if self.width is None:
            return text
        if self.minus:
            return text.ljust(self.width)
        return text.rjust(self.width, "0" if self.zero else " ")


_PLAIN = Style()


def sprint(values: Sequence[Any]) -> str:
    """Write the values with a space between two that are both no strings."""
    parts: list[str] = []
    for number, value in enumerate(values):
        if number and not isinstance(value, str) and not isinstance(values[number - 1], str):
            parts.append(" ")
        parts.append(show(value))
    return "".join(bounded(parts))


def sprintln(values: Sequence[Any]) -> str:
    """Write the values with spaces between, and the end of a line."""
    return " ".join(map(show, values)) + "\n"


def show(value: Any) -> str:
    """Write the value as %v."""
    return write_value(value, "v", _PLAIN, 0)


def wrong_verb(value: Any, verb: str, style: Style) -> str:
    """Say that the verb is not for the value, which keeps its width."""
    if value is None:
        return f"%!{verb}(<nil>)"
    forms = ((bool, "t"), (int, "d"), (float, "g"), (str, "s"))
    simple = next((form for kind, form in forms if isinstance(value, kind)), "v")
    return f"%!{verb}({type_of(value)}={write_value(value, simple, style, 0)})"


def write_value(value: Any, verb: str, style: Style, depth: int) -> str:
    """Write the value by the verb; what holds others writes each by it."""
    if depth > _DEEPEST:
        raise CallError("value is nested too deeply")
    text = getattr(value, "text", None)
    if text is not None and verb in "vsxXq" and not (verb == "v" and style.sharp):
        return write_string(text, verb, style)
    for kind, write in _BASIC:
        if isinstance(value, kind):
            return write(value, verb, style)
    if value is None:
        return _nil(verb, style, depth)
    if verb == "w":
        return wrong_verb(value, verb, style)
    if isinstance(value, Record):
        return _record(value, verb, style, depth)
    return _holder(value, verb, style, depth)


def _nil(verb: str, style: Style, depth: int) -> str:
    if depth:
        return "interface {}(nil)" if verb == "v" and style.sharp else "<nil>"
    return style.pad("<nil>") if verb == "v" else wrong_verb(None, verb, style)


def _bool(value: bool, verb: str, style: Style) -> str:
    return (
        style.pad("true" if value else "false") if verb in "tv" else wrong_verb(value, verb, style)
    )


def _function(_value: Function, _verb: str, style: Style) -> str:
    return style.pad(POINTER)


def _holder(value: Any, verb: str, style: Style, depth: int) -> str:
    """Write a map or a slice."""
    sharp = verb == "v" and style.sharp
    if isinstance(value, Mapping):
        pairs = (
            f"{write_value(key, verb, style, depth + 1)}:{write_value(one, verb, style, depth + 1)}"
            for key, one in sorted_items(value)
        )
        return (
            f"{type_of(value)}{{{', '.join(bounded(pairs))}}}"
            if sharp
            else f"map[{' '.join(bounded(pairs))}]"
        )
    items = (write_value(one, verb, style, depth + 1) for one in value)
    return (
        f"{type_of(value)}{{{', '.join(bounded(items))}}}"
        if sharp
        else f"[{' '.join(bounded(items))}]"
    )


def _record(value: Record, verb: str, style: Style, depth: int) -> str:
    """Write a struct; a pointer to one shows it at the top, and its address inside."""
    pointer = value.go_type.startswith("*")
    if pointer and depth:
        return style.pad(POINTER)
    sharp = verb == "v" and style.sharp
    named = sharp or (verb == "v" and style.plus)
    inner = replace(style, plus=style.plus and verb == "v")
    fields = (
        (f"{name}:" if named else "") + write_value(one, verb, inner, depth + 1)
        for name, one in value.fields.items()
    )
    mark = "&" if pointer else ""
    if sharp:
        return f"{mark}{value.go_type.lstrip('*')}{{{', '.join(fields)}}}"
    return f"{mark}{{{' '.join(fields)}}}"


def _signed(sign: str, digits: str, style: Style) -> str:
    """Put sign and digits into the width; noughts go between them."""
    if style.width is not None and style.zero and not style.minus:
        digits = digits.rjust(style.width - len(sign), "0")
    return replace(style, zero=False).pad(sign + digits)


def _sign(negative: bool, style: Style) -> str:
    return "-" if negative else "+" if style.plus else " " if style.space else ""


def _integer(value: int, verb: str, style: Style) -> str:
    if verb == "v":
        style = replace(style, plus=False)
    if verb in ("c", "q", "U"):
        return _code_point(value, verb, style)
    forms = {"d": "d", "v": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}
    if verb not in forms:
        return wrong_verb(value, verb, style)
    if style.precision == 0 and value == 0:
        return replace(style, zero=False).pad("")
    digits = format(abs(value), forms[verb])
    if style.precision is not None:
        digits, style = digits.rjust(style.precision, "0"), replace(style, zero=False)
    prefix = {"x": "0x", "X": "0X", "b": "0b"}.get(verb, "") if style.sharp else ""
    prefix = "0o" if verb == "O" else prefix
    sign = _sign(value < 0, style)
    if style.zero and style.width is not None and not style.minus:
        # Go fills before it puts the prefix on.
        digits, style = digits.rjust(style.width - len(sign), "0"), replace(style, zero=False)
    if style.sharp and verb in "oO" and not digits.startswith("0"):
        digits = f"0{digits}"
    return _signed(sign + prefix, digits, style)


def _code_point(value: int, verb: str, style: Style) -> str:
    known = 0 <= value <= _HIGHEST and value not in _SURROGATES
    char = chr(value) if known else "\ufffd"
    if verb == "c":
        return style.pad(char)
    if verb == "q":
        return style.pad(quote(char, mark="'", ascii_only=style.plus))
    text = f"U+{value % (1 << 64):0{max(4, style.precision or 0)}X}"
    if style.sharp and known and char.isprintable():
        text += f" '{char}'"
    return replace(style, zero=False).pad(text)


def _float(value: float, verb: str, style: Style) -> str:
    if verb == "v":
        style = replace(style, plus=False, sharp=False)
    form = {"v": "g", "F": "f"}.get(verb, verb).lower()
    if form not in ("e", "f", "g", "x", "b") or verb in ("V", "B"):
        return wrong_verb(value, verb, style)
    least = 6 if form in "ef" else -1
    precision = least if style.precision is None else style.precision
    text = format_float(value, form, precision)
    text = text.upper() if verb.isupper() and text[-1] not in "fN" else text
    number = text.lstrip("+-")
    if style.sharp and form != "b" and number[0] not in "IN":
        number = _sharp(number, verb, 6 if style.precision is None else style.precision)
    sign = _sign(text.startswith("-"), style)
    if number[0] in "IN":
        sign = sign or ("+" if number[0] == "I" else "")
        style = replace(style, zero=False)
    return _signed(sign, number, style)


def _sharp(number: str, verb: str, precision: int) -> str:
    """Put a point in, and the noughts that the form would leave out; Go forgets X."""
    cut = number.lower().find("p" if verb in "xX" else "e")
    head, tail = (number, "") if cut < 0 else (number[:cut], number[cut:])
    missing = 0
    if verb in "gGx":
        missing = precision - len(head.replace(".", "").lstrip("0"))
    if "." not in head:
        missing -= head == "0"
        head += "."
    return head + "0" * missing + tail


def write_string(value: str, verb: str, style: Style) -> str:
    """Write a text by the verb."""
    if verb in ("v", "s") and not (verb == "v" and style.sharp):
        return style.pad(value if style.precision is None else value[: style.precision])
    if verb in ("v", "q"):
        value = value if style.precision is None else value[: style.precision]
    if verb == "v":
        return style.pad(quote(value))
    if verb == "q":
        raw = style.sharp and "`" not in value and all(c == "\t" or c >= " " for c in value)
        return style.pad(f"`{value}`" if raw else quote(value, ascii_only=style.plus))
    if verb in ("x", "X"):
        return style.pad(_bytes(value, verb, style))
    return wrong_verb(value, verb, style)


def _bytes(value: str, verb: str, style: Style) -> str:
    parts = [f"{byte:02x}" for byte in value.encode("utf-8", "replace")[: style.precision]]
    if verb == "X":
        parts = [part.upper() for part in parts]
    prefix = f"0{verb}" if style.sharp and parts else ""
    return prefix + (f" {prefix}" if style.space else "").join(parts)


_BASIC: tuple[tuple[type, Callable[[Any, str, Style], str]], ...] = (
    (bool, _bool),
    (int, _integer),
    (float, _float),
    (str, write_string),
    (Function, _function),
)
