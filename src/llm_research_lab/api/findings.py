"""What the checker of types found becomes findings: a JSON pointer, the law, the mend."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llm_research_lab.vocabulary import Finding, InvalidError

if TYPE_CHECKING:
    from pydantic import BaseModel

SHOWN = 20
"""Findings that an answer shows; the total is always said."""


def refusal(details: Sequence[Any], model: type[BaseModel] | None = None) -> InvalidError:
    """Collect the checker's details into one error, the first as its headline."""
    findings = tuple(_finding(detail, model) for detail in details[:SHOWN])
    first = findings[0]
    return InvalidError(
        first.where, first.law, first.message, first.fix, findings, total=len(details)
    )


def unknown(where: str, name: str, known: Iterable[str]) -> Finding:
    """Say that a name is not known, and which one was probably meant."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, 1)
    fix = f"did you mean {near[0]}?" if near else f"known are {', '.join(names) or 'none'}"
    return Finding(where, "a known field", f"{name[:60]!r} is not known", fix)


def pointer(location: Iterable[object]) -> str:
    """Write a JSON pointer. Source: RFC 6901."""
    parts = (str(part)[:60].replace("~", "~0").replace("/", "~1") for part in location)
    return "".join(f"/{part}" for part in parts)


def _finding(detail: Mapping[str, Any], model: type[BaseModel] | None) -> Finding:
    location = detail["loc"]
    where = _where(location)
    if detail["type"] == "extra_forbidden":
        return unknown(where, str(location[-1]), _known(model, location[:-1]))
    got = "nothing" if detail["type"] == "missing" else f"got {repr(detail['input'])[:80]}"
    return Finding(where, _law(detail), got, "see the schema in /v1/openapi.json")


def _where(location: Sequence[object]) -> str:
    if location and location[0] in ("query", "path", "header"):
        return f"{location[0]} parameter {'.'.join(str(part) for part in location[1:])}"
    return pointer(location) or "/"


def _law(detail: Mapping[str, Any]) -> str:
    message = str(detail["msg"])
    return message[:1].lower() + message[1:]


def _known(model: type[BaseModel] | None, location: Sequence[object]) -> list[str]:
    """The fields of the object at the place, through lists and nested models."""
    properties: Mapping[str, Any] = model.model_json_schema() if model else {}
    at = properties
    for part in location:
        at = _resolved(at, properties)
        inner = at.get("items", {}) if isinstance(part, int) else at.get("properties", {})
        at = inner if isinstance(part, int) else inner.get(part, {})
    return list(_resolved(at, properties).get("properties", {}))


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    for option in schema.get("anyOf", ()):
        if "$ref" in option or "properties" in option:
            schema = option
    if "$ref" in schema:
        found: Mapping[str, Any] = root["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
        return found
    return schema
