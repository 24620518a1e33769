"""A body is strict JSON: UTF-8, no NaN, no doubled key, no NUL, shallow, integers of 64 bits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from llm_research_lab.api.findings import refusal
from llm_research_lab.api.problems import RequestError
from llm_research_lab.vocabulary import Finding, InvalidError

if TYPE_CHECKING:
    from starlette.requests import Request

Body = TypeVar("Body", bound=BaseModel)

DEPTH = 32
"""Arrays and objects within each other; a model's JSON schema is the deepest honest input."""

_INT64 = 1 << 63


async def read_json(request: Request) -> tuple[bytes, Any]:
    """Give the body's bytes and its value. Raises InvalidError, or RequestError (415)."""
    check_media_type(request, ("application/json",))
    raw = await request.body()
    return raw, parse(raw)


async def read_nothing(request: Request) -> bytes:
    """A command without arguments takes no body, or an empty object."""
    raw = await request.body()
    if raw.strip() not in (b"", b"{}"):
        raise InvalidError("body", "none", f"{len(raw)} bytes", "send the request without a body")
    return raw


def check_media_type(request: Request, known: tuple[str, ...]) -> None:
    """Refuse a body that says to be something else; silence is taken for the first of `known`."""
    said = request.headers.get("content-type", known[0])
    media_type, *parameters = (part.strip().lower() for part in said.split(";"))
    charsets = [one[8:].strip('"') for one in parameters if one.startswith("charset=")]
    if media_type not in known or any(charset != "utf-8" for charset in charsets):
        raise _unread("Content-Type", " or ".join(known), said, f"send Content-Type: {known[0]}")
    coding = request.headers.get("content-encoding", "identity")
    if coding.lower() != "identity":
        raise _unread("Content-Encoding", "none", coding, "send the body uncompressed")


def _unread(header: str, expected: str, got: str, fix: str) -> RequestError:
    return RequestError(415, "media-type", f"header {header}", expected, repr(got[:80]), fix)


def checked(model: type[Body], value: Any) -> Body:
    """Check a value against a body's model: every broken rule is a finding with its pointer."""
    try:
        return model.model_validate(value, strict=True)
    except ValidationError as error:
        raise refusal(error.errors(include_url=False), model) from None


def parse(raw: bytes) -> Any:
    """Read strict JSON. Source: RFC 8259; doubled keys and lone surrogates are refused too."""
    try:
        orjson.loads(raw)  # UTF-8, grammar, NaN, nesting beyond any stack
        value = json.loads(raw, object_pairs_hook=_once)
    except _DoubledKeyError as error:
        raise _invalid("each key once", f"{error.args[0]!r} twice") from None
    except (ValueError, RecursionError) as error:
        raise _invalid("JSON in UTF-8", str(error)[:200] or "nesting without end") from None
    _walk(value)
    return value


class _DoubledKeyError(ValueError):
    """A key stands twice in one object."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        raise _DoubledKeyError(next(name for name in names if names.count(name) > 1)[:60])
    return made


def _walk(value: Any) -> None:
    """Bound what JSON's grammar leaves open, without recursion."""
    open_values: list[tuple[Any, str, int]] = [(value, "", 1)]
    while open_values:
        item, where, depth = open_values.pop()
        if isinstance(item, str):
            _check_text(item, where)
        elif isinstance(item, int) and not -_INT64 <= item < _INT64:
            raise _invalid("an integer of 64 bits", f"one of {len(str(item))} digits", where)
        elif isinstance(item, (dict, list)):
            if depth > DEPTH:
                raise _invalid(f"at most {DEPTH} levels", "more", where[:80])
            open_values.extend(_items(item, where, depth + 1))


def _items(item: Any, where: str, depth: int) -> list[tuple[Any, str, int]]:
    if isinstance(item, list):
        return [(each, f"{where}/{place}", depth) for place, each in enumerate(item)]
    for key in item:
        _check_text(key, where)
    return [(each, f"{where}/{key[:60]}", depth) for key, each in item.items()]


def _check_text(text: str, where: str) -> None:
    if "\0" in text:
        raise _invalid("text without NUL", "a NUL character", where)


def _invalid(expected: str, got: str, where: str = "") -> InvalidError:
    finding = Finding(where or "/", expected, f"got {got}", "mend the body")
    return InvalidError(f"body {where}".rstrip(), expected, got, "mend the body", (finding,))
