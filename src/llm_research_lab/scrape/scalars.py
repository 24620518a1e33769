"""A reader takes one kind of value of a prometheus.yml: a duration, a size, labels, a list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from llm_research_lab.documents.fields import Field, Place, Reader, shown
from llm_research_lab.documents.readers import text
from llm_research_lab.vocabulary import InvalidError
from llm_research_lab.vocabulary.durations import parse_duration
from llm_research_lab.vocabulary.labels import Labels, labels_of

LONGEST = 10_000
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_SIZE = re.compile(r"([0-9]+)(B|[KMGTPE]i?B)?")
_UNITS = "BKMGTPE"

_text = text(LONGEST, least=0)


def words(value: Any, place: Place) -> str | None:
    """Text; a whole number or a boolean is taken as it prints, as Prometheus takes them."""
    if isinstance(value, bool):
        return str(value).lower()
    found: str | None = _text(str(value) if isinstance(value, int) else value, place)
    return found


def duration(value: Any, place: Place) -> int | None:
    """Milliseconds of ``1m30s``."""
    try:
        return parse_duration(str(value) if isinstance(value, int | str) else "")
    except InvalidError:
        place.expect("duration", "a duration such as 30s, 5m or 1h", value)
        return None


def positive(value: Any, place: Place) -> int | None:
    """A duration above 0."""
    found = duration(value, place)
    if found == 0:
        place.expect("duration", "a duration above 0", value)
        return None
    return found


def size(value: Any, place: Place) -> int | None:
    """Bytes of ``10MB``: a unit is a power of 1,024. Source: alecthomas/units, Base2Bytes."""
    found = _SIZE.fullmatch(str(value))
    if found is None or isinstance(value, float | bool):
        place.expect("size", "a size such as 512KB or 10MB", value)
        return None
    unit: int = 1024 ** _UNITS.index((found[2] or "B")[0])
    return int(found[1]) * unit


def label_name(value: Any, place: Place) -> str | None:
    """A label's name; UTF-8 names are written as they are."""
    found = words(value, place)
    if found == "":
        place.expect("label", "a label's name", value)
    return found


def labels(value: Any, place: Place) -> Labels:
    """Labels and their values."""
    if not isinstance(value, Mapping):
        place.expect("type", "a mapping of labels", value)
        return ()
    read = {}
    for name, inner in value.items():
        if not _LABEL.fullmatch(name):
            place.at(name).find(
                "label", f"{shown(name)} is no label's name", "use letters and _", key=True
            )
        read[name] = words(inner, place.at(name)) or ""
    return labels_of(read)


def mapping_of_lists(value: Any, place: Place) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Names, each with a list of text."""
    if not isinstance(value, Mapping):
        place.expect("type", "a mapping of lists", value)
        return ()
    return tuple(
        (name, texts(inner, place.at(name))) for name, inner in value.items() if inner is not None
    )


def texts(value: Any, place: Place) -> tuple[str, ...]:
    """A list of text."""
    if not isinstance(value, list):
        place.expect("type", "a list", value)
        return ()
    return tuple(words(inner, place.at(index)) or "" for index, inner in enumerate(value))


def ignored(name: str, why: str) -> Field:
    """A key of Prometheus's that changes nothing here; said when it stands."""

    def read(_value: Any, place: Place) -> None:
        place.find("ignored", f"{name} is ignored: {why}", "leave it, or leave it out", key=True)

    return Field(name, read)


def refused(name: str, why: str) -> Field:
    """A key without which the rest would mean something else; the file is not taken with it."""

    def read(_value: Any, place: Place) -> None:
        place.find("refused", f"{name} is refused: {why}", "take it out", key=True)

    return Field(name, read)


def optional(name: str, read: Reader) -> Field:
    """A key that may be missing, or null."""
    return Field(name, read, nullable=True)
