"""A YAML text becomes plain values with the line and column of each; it can run nothing.

The values are JSON's: mappings with text keys, lists, text, numbers, booleans, null. Tags are
refused; an alias counts as all that it stands for, so a bomb of aliases stops at the bound.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    ScalarEvent,
)

from llm_research_lab.documents.fields import Path, Source
from llm_research_lab.documents.scalars import resolved
from llm_research_lab.vocabulary import Finding

SIZE_BYTES = 256 * 1024
"""An experiment file is a page; the parser takes seconds for more."""

VALUES = 10_000
"""Values in one file, each alias counted as what it stands for."""

QUOTE = 'use text as the key, and quotes around a template: "{{ column }}"'
"""Unquoted, a template is a mapping in a mapping's key."""

DEPTH = 32
"""Levels of nesting."""

_UNMARKED = (YAMLError, ValueError, OverflowError, AssertionError)
"""What the parser raises without a place: unprintable characters, the escape ``\\UFFFFFFFF``, the
directive ``%YAML 1.3``."""


class _BrokenError(Exception):
    """The text is no document of ours; carries the one finding that ends the reading."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come; `key` is the mapping's key that waits for its value."""

    value: Any
    path: Path
    anchor: str | None
    before: int
    key: str | None = None


@dataclass(slots=True)
class _Composer:
    """Builds values from events, without recursion."""

    most: int = VALUES
    values: dict[Path, str] = field(default_factory=dict)
    keys: dict[Path, str] = field(default_factory=dict)
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)
    open: list[_Open] = field(default_factory=list)
    count: int = 0
    documents: int = 0
    root: Any = None

    def take(self, event: Event) -> None:
        """Fold one event in, or raise _BrokenError."""
        if isinstance(event, DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                _break(event, "one-document", "a second document starts", "keep one to a file")
        elif isinstance(event, CollectionEndEvent):
            self._close()
        elif isinstance(event, AliasEvent):
            self._alias(event)
        elif isinstance(event, ScalarEvent | CollectionStartEvent):
            self._node(event)

    def _node(self, event: ScalarEvent | CollectionStartEvent) -> None:
        """Take a scalar, or the start of a collection."""
        if event.tag not in {None, "!"}:
            _break(event, "no-tags", "a tag is not read", "leave out what starts with !")
        self._grow(event, 1)
        if isinstance(event, CollectionStartEvent):
            self._start(event)
            return
        value = self._scalar(event)
        if self._is_key():
            self._key(event, value)
            return
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, 1)
        self._place(event, value)

    def _scalar(self, event: ScalarEvent) -> Any:
        """Give a quoted scalar as text, a plain one as YAML's core schema has it."""
        if event.style is not None or event.tag == "!":
            return event.value
        value, wrong = resolved(event.value)
        if wrong is not None:
            _break(event, "number", wrong, "quote it to keep it as text")
        return value

    def _start(self, event: CollectionStartEvent) -> None:
        """Open a mapping or a list at its place."""
        if self._is_key():
            _break(event, "text-keys", "a key is a mapping or a list", QUOTE)
        if len(self.open) == DEPTH:
            _break(event, "depth", f"more than {DEPTH} levels of nesting", "nest less")
        value: Any = {} if isinstance(event, MappingStartEvent) else []
        path = self._place(event, value)
        self.open.append(_Open(value, path, event.anchor, self.count - 1))

    def _close(self) -> None:
        """End the innermost collection; now it may be aliased."""
        done = self.open.pop()
        if done.anchor is not None:
            self.anchors[done.anchor] = (done.value, self.count - done.before)

    def _alias(self, event: AliasEvent) -> None:
        """Put the anchored value here once more; it is shared, never copied."""
        if event.anchor not in self.anchors:
            _break(event, "yaml", f"nothing before is anchored {event.anchor!r}", "anchor it first")
        value, size = self.anchors[event.anchor]
        self._grow(event, size)
        if self._is_key():
            self._key(event, value)
        else:
            self._place(event, value)

    def _grow(self, event: Event, size: int) -> None:
        """Count values against the bound."""
        self.count += size
        if self.count > self.most:
            _break(event, "size", f"more than {self.most} values", "make the file smaller")

    def _is_key(self) -> bool:
        """Whether the next node is a mapping's key."""
        return bool(self.open) and isinstance(self.open[-1].value, dict) and not self._waiting()

    def _waiting(self) -> bool:
        """Whether the innermost mapping has a key without its value."""
        return self.open[-1].key is not None

    def _key(self, event: Event, key: Any) -> None:
        """Note a key; it is text and stands once."""
        top = self.open[-1]
        if not isinstance(key, str):
            _break(event, "text-keys", f"the key {str(key)[:40]} is not text", "quote the key")
        if key in top.value:
            _break(event, "duplicate-key", f"{key[:40]!r} stands twice here", "keep one of them")
        top.key = key
        self.keys[(*top.path, key)] = _mark(event)

    def _place(self, event: Event, value: Any) -> Path:
        """Put a value into the innermost collection; its path."""
        path = self._attach(value)
        self.values[path] = _mark(event)
        return path

    def _attach(self, value: Any) -> Path:
        if not self.open:
            self.root = value
            return ()
        top = self.open[-1]
        if isinstance(top.value, list):
            top.value.append(value)
            return (*top.path, len(top.value) - 1)
        key = str(top.key)
        top.value[key] = value
        top.key = None
        return (*top.path, key)


def read_yaml(
    text: str | bytes, *, most_bytes: int = SIZE_BYTES, most_values: int = VALUES
) -> tuple[Source | None, tuple[Finding, ...]]:
    """Read one document, or say where it stops being one; never raises for any input.

    Source: YAML 1.2.2, core schema (section 10.3); ``.inf`` and ``.nan`` stay text.
    """
    size = len(text.encode("utf-8", "surrogatepass")) if isinstance(text, str) else len(text)
    if size > most_bytes:
        message = f"expected at most {most_bytes} bytes, got {size}"
        return None, (Finding("1:1", "size", message, "make the file smaller"),)
    try:
        words = text if isinstance(text, str) else text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text[: error.start].count(b"\n") + 1 if isinstance(text, bytes) else 1
        message = f"byte {error.start} is not UTF-8"
        return None, (Finding(f"{line}:1", "utf-8", message, "save the file as UTF-8"),)
    return _composed(words, most_values)


def _composed(text: str, most_values: int) -> tuple[Source | None, tuple[Finding, ...]]:
    """Fold the parser's events; the first that is wrong ends it."""
    composer = _Composer(most_values)
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            composer.take(event)
    except _BrokenError as broken:
        return None, (broken.finding,)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = "1:1" if mark is None else f"{mark.line + 1}:{mark.column + 1}"
        message = error.problem or error.context or "not YAML"
        return None, (Finding(where, "yaml", message, "mend the YAML here"),)
    except _UNMARKED as error:
        message = str(error).partition("\n")[0]
        fix = "use printable characters, and no directives"
        return None, (Finding("1:1", "yaml", message, fix),)
    return Source(composer.root, composer.values, composer.keys), ()


def _mark(event: Event) -> str:
    """``line:column``, both from 1."""
    return f"{event.start_mark.line + 1}:{event.start_mark.column + 1}"


def _break(event: Event, law: str, message: str, fix: str) -> NoReturn:
    """End the reading with a finding at the event."""
    raise _BrokenError(Finding(_mark(event), law, message, fix))
