"""A field is declared once; from it come the reading, the checks, and every finding's place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from llm_research_lab.vocabulary import Finding

Path = tuple[str | int, ...]
SHOWN = 60
"""Characters of a wrong value that a finding repeats."""


@dataclass(frozen=True, slots=True)
class Source:
    """A value and where its parts stand: marks ``line:column`` by path, or None for JSON.

    Without marks a place is the JSON pointer below `root`. Source: RFC 6901.
    """

    value: Any
    values: Mapping[Path, str] | None = None
    keys: Mapping[Path, str] | None = None
    root: str = ""

    def where(self, path: Path, *, key: bool = False) -> str:
        """The place of a value, or of its key; what came by an alias has the alias's place."""
        if self.values is None or self.keys is None:
            return self.root + "".join(f"/{_escaped(part)}" for part in path) or "/"
        if key and path in self.keys:
            return self.keys[path]
        while path not in self.values and path:
            path = path[:-1]
        return self.values.get(path, "1:1")


@dataclass(frozen=True, slots=True)
class Place:
    """A point of a source and the findings so far, which all points of one reading share."""

    source: Source
    findings: list[Finding]
    path: Path = ()

    def at(self, part: str | int) -> Place:
        """The point one step below."""
        return Place(self.source, self.findings, (*self.path, part))

    @property
    def name(self) -> str:
        """What a message calls the value: the nearest key."""
        names = [part for part in self.path if isinstance(part, str)]
        return names[-1] if names else "the file"

    def find(self, law: str, message: str, fix: str, *, key: bool = False) -> None:
        """Note that a law is broken here."""
        self.findings.append(Finding(self.source.where(self.path, key=key), law, message, fix))

    def expect(self, law: str, expected: str, value: Any) -> None:
        """Note that the value should have been another."""
        message = f"{self.name}: expected {expected}, got {shown(value)}"
        self.find(law, message, f"write {expected}")


Reader = Callable[[Any, Place], Any]
"""Checks a value and gives it in its final form; a wrong one leaves a finding and gives None."""


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a mapping: how it is read, whether it must stand, whether null may."""

    name: str
    read: Reader
    required: bool = False
    nullable: bool = False


def read_fields(value: Any, place: Place, fields: Sequence[Field]) -> dict[str, Any]:
    """The fields that stand in the value, each read; keys that no field has are findings."""
    if not isinstance(value, Mapping):
        place.expect("type", "a mapping", value)
        return {}
    by_name = {field.name: field for field in fields}
    for key in value:
        if key not in by_name:
            unknown(place.at(key), "key", str(key), list(by_name))
    found: dict[str, Any] = {}
    for field in fields:
        if field.name in value:
            inner = value[field.name]
            absent = inner is None and field.nullable
            found[field.name] = None if absent else field.read(inner, place.at(field.name))
        elif field.required:
            place.find("missing-key", f"{field.name} is missing", f"add {field.name}")
    return found


def unknown(place: Place, what: str, word: str, known: Sequence[str]) -> None:
    """Note a word that is none of the known, with the nearest of them as the mend."""
    near = get_close_matches(word[:SHOWN], known, 1)
    fix = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
    place.find(f"unknown-{what}", f"unknown {what} {shown(word)}", fix, key=what == "key")


def shown(value: Any) -> str:
    """What a finding repeats of a value: short, on one line, in JSON's words."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def _escaped(part: str | int) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")
