"""A value is of its declared type and among its words, or the difference is said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llm_research_lab.signals.declaration import Attribute

_TYPES: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "list": (list, tuple),
}


def broken_by(
    declared: Mapping[str, Attribute], given: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Give (name, what is wrong) of each that is missing, unknown, of another type or word.

    None is as good as not there.
    """
    for name in given:
        if name not in declared:
            yield name, "is not declared"
    for name, attribute in declared.items():
        value = given.get(name)
        if value is None:
            if attribute.required:
                yield name, "is missing"
        elif not _is(attribute, value):
            yield name, f"is no {attribute.type}"
        elif attribute.values and value not in attribute.values:
            yield name, f"is none of {', '.join(attribute.values)}"


def _is(attribute: Attribute, value: Any) -> bool:
    if isinstance(value, bool):
        return attribute.type == "boolean"
    if attribute.type == "list":
        return isinstance(value, Sequence) and not isinstance(value, str | bytes)
    return isinstance(value, _TYPES[attribute.type])
