"""A value of a template is a plain Python value; its Go type decides what fits and how it prints.

None is nil, a mapping a ``map[string]interface {}``, a sequence a ``[]interface {}``; what Go's
programs give another type has a class here. Strings count in bytes of UTF-8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llm_research_lab.templates.errors import CallError

ANY = "interface {}"


class StringMap(dict[str, str]):
    """A ``map[string]string``: a missing key is an empty string."""

    go_type = "map[string]string"


class Byte(int):
    """One byte of a string."""

    go_type = "uint8"


@dataclass(frozen=True, slots=True)
class Record:
    """A struct, or a pointer to one where its type starts with a star; methods are functions."""

    go_type: str
    fields: Mapping[str, Any]
    methods: Mapping[str, Function] = field(default_factory=dict)
    text: str | None = None
    """What it prints as, where it has a ``String()``."""

    tags: Mapping[str, str] = field(default_factory=dict)
    """What fields are called in JSON, where it is another name."""

    json: str | None = None
    """What it is in JSON, where it has a ``MarshalJSON()``."""


@dataclass(frozen=True, slots=True)
class Records(Sequence[Any]):
    """A slice with a type of its own."""

    go_type: str
    items: tuple[Any, ...]
    methods: Mapping[str, Function] = field(default_factory=dict)
    text: str | None = None

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: Any) -> Any:
        return self.items[index]


@dataclass(frozen=True, slots=True)
class Function:
    """What a template may call: the Go types of its parameters, the last of them repeated or not.

    `call` gets values that fit, and raises CallError for what it does not take.
    """

    call: Callable[..., Any]
    parameters: tuple[str, ...] = ()
    variadic: bool = False


def methods_of(value: Any) -> Mapping[str, Function]:
    """Give the methods of a value, by name."""
    methods: Mapping[str, Function] = getattr(value, "methods", {})
    return methods


class _Missing:
    """No value was given."""


MISSING = _Missing()


MOST_CHARACTERS = 1 << 21
"""Longest text that a function may make on its way."""


def bounded(parts: Iterable[str]) -> Iterator[str]:
    """Give the parts. Raises CallError where they come to more than a function may make."""
    total = 0
    for part in parts:
        total += len(part)
        if total > MOST_CHARACTERS:
            raise CallError(f"text of more than {MOST_CHARACTERS} characters")
        yield part


def type_of(value: Any) -> str:
    """Give the name of the value's Go type."""
    if value is None:
        return "<nil>"
    named = getattr(value, "go_type", None)
    if named is not None:
        return str(named)
    for kind, name in (
        (bool, "bool"),
        (int, "int"),
        (float, "float64"),
        (str, "string"),
        (Mapping, "map[string]interface {}"),
        (Function, "func"),
    ):
        if isinstance(value, kind):
            return name
    return "[]interface {}"


def can_be_nil(go_type: str) -> bool:
    """Whether nil is a value of the type."""
    return go_type.startswith(("*", "[]", "map", "interface", "func")) or go_type.endswith("Result")


def is_sequence(value: Any) -> bool:
    """Whether the value is a slice."""
    return isinstance(value, Sequence) and not isinstance(value, str)


def truth(value: Any) -> bool:
    """Give what if makes of it: nil, nought and what is empty are false, a struct is true."""
    if isinstance(value, Record | Function):
        return True
    if isinstance(value, Mapping | Sequence):
        return len(value) > 0
    return bool(value)


def element(holder: Mapping[str, Any], key: str) -> Any:
    """Give what a map holds under the key, the zero of its type where there is none."""
    zero = "" if isinstance(holder, StringMap) else None
    return holder.get(key, zero)


def sorted_items(holder: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Give a map's pairs by key, as Go prints and walks them: in the order of bytes."""
    return sorted(holder.items(), key=lambda pair: pair[0].encode("utf-8", "replace"))
