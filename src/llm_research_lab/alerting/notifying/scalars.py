"""A scalar is read as Alertmanager's YAML library reads it into a field of a given kind.

A number or boolean is taken as text where text is asked, as it is written; ``yes`` and ``on`` are
booleans where a boolean is asked. Source: gopkg.in/yaml.v2, decode.go and resolve.go.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llm_research_lab.documents.fields import Path, Place, Reader, Source
from llm_research_lab.documents.yaml import read_yaml
from llm_research_lab.vocabulary import Finding, InvalidError
from llm_research_lab.vocabulary.durations import parse_duration

MOST_BYTES = 16 << 20
MOST_VALUES = 1_000_000

_PLAIN = re.compile(r"(?:&\S+\s+)?([^\s,\[\]{}#*&]+)")
_BREAK = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")
_TRUE = frozenset({"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"})
_FALSE = frozenset({"n", "N", "no", "No", "NO", "off", "Off", "OFF"})


@dataclass(frozen=True, slots=True)
class WrittenSource(Source):
    """A source that still has its text."""

    lines: tuple[str, ...] = ()

    def raw(self, path: Path) -> str | None:
        """Give a plain scalar as it is written; None for one that came by an alias."""
        line, _, column = self.where(path).partition(":")
        found = _PLAIN.match(self.lines[int(line) - 1], int(column) - 1)
        return found[1] if found else None


def read_written(content: str) -> tuple[WrittenSource | None, tuple[Finding, ...]]:
    """Read a file's YAML."""
    source, broken = read_yaml(content, most_bytes=MOST_BYTES, most_values=MOST_VALUES)
    if source is None:
        return None, broken
    lines = tuple(_BREAK.split(content.removeprefix("\ufeff")))
    return WrittenSource(source.value, source.values, source.keys, lines=lines), ()


def text(value: Any, place: Place) -> str:
    """Read text; null is none."""
    if isinstance(value, Mapping | list | tuple):
        place.expect("type", "text", value)
        return ""
    if value is None or isinstance(value, str):
        return value or ""
    raw = place.source.raw(place.path) if isinstance(place.source, WrittenSource) else None
    return json.dumps(value) if raw is None else raw


def boolean(value: Any, place: Place) -> bool:
    """Read a boolean; null is false."""
    if isinstance(value, bool) or value is None:
        return bool(value)
    plain = isinstance(place.source, WrittenSource) and place.source.raw(place.path) == value
    if plain and value in _TRUE | _FALSE:
        return value in _TRUE
    place.expect("type", "true or false", value)
    return False


def duration(value: Any, place: Place) -> int | None:
    """Read a duration in Prometheus's notation, as milliseconds."""
    try:
        return parse_duration(text(value, place))
    except InvalidError as error:
        place.expect("duration", error.expected, value)
        return None


def list_of(inner: Reader) -> Reader:
    """Read a list; null is none; what is no list is a finding. A tuple in the end."""

    def read(value: Any, place: Place) -> tuple[Any, ...]:
        if value is None:
            return ()
        if not isinstance(value, list | tuple):
            place.expect("type", "a list", value)
            return ()
        return tuple(inner(one, place.at(index)) for index, one in enumerate(value))

    return read


def texts_by_name(value: Any, place: Place) -> dict[str, str]:
    """Read a mapping of texts; null is none."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        place.expect("type", "a mapping", value)
        return {}
    return {name: text(one, place.at(name)) for name, one in value.items()}
