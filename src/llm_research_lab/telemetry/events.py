"""An event is written as it is declared, with where it was said and the ids of its work.

What breaks its declaration raises under ``LAB_STRICT_SIGNALS=1``; otherwise it is counted, and
written all the same.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from llm_research_lab.telemetry.context import Ids, ids
from llm_research_lab.telemetry.logs import LEVELS, Output, file_of, output, told
from llm_research_lab.telemetry.masking import hidden, masked
from llm_research_lab.telemetry.strict import STRICT

Line = dict[str, Any]

_NO_IDS: Ids = {}
_TYPES: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int,),
    "number": (float, int),
    "boolean": (bool,),
    "object": (dict,),
    "list": (list, tuple),
}


def emit(name: str, /, *, exception: BaseException | None = None, **fields: Any) -> None:
    """Write the event, if its level is written; `exception` is told with its traceback.

    Raises ValueError under test when it is not as declared.
    """
    line = _made(name, sys._getframe(1), fields, _NO_IDS, exception)  # noqa: SLF001 - the caller
    if line is not None:
        write(line)


def made(name: str, known: Ids = _NO_IDS, /, **fields: Any) -> Line | None:
    """Make the event's line, said here and written later; None when its level is not written.

    `known` are ids besides those of the work at hand.
    """
    return _made(name, sys._getframe(1), fields, known, None)  # noqa: SLF001 - the caller


def write(line: Line) -> None:
    """Write a line that was made."""
    out = output()
    if out is not None:
        out.write(line)


def on_refused(heard: Callable[[], None] | None) -> None:
    """Have each event that is not as declared counted by this."""
    global _refused  # noqa: PLW0603 - a process counts in one place
    _refused = heard


class _Shape:
    """An event's declaration, made quick to look at."""

    __slots__ = ("level", "message", "needs", "nested", "number", "required", "types")

    def __init__(self, name: str) -> None:
        # Heavy, and needed only by who says something: a command at the terminal may not.
        from llm_research_lab.telemetry.catalog import declaration

        event = declaration().events.get(name)
        fields = [] if event is None else list(event.fields.values())
        self.level = "error" if event is None else event.level
        self.number = LEVELS[self.level]
        self.message = name if event is None else event.message
        self.needs = ("event",) if event is None else event.needs
        self.required = frozenset(field.name for field in fields if field.required)
        self.types = {field.name: (_TYPES[field.type], field.values) for field in fields}
        self.nested = tuple(field.name for field in fields if field.type == "object")

    def fits(self, fields: Mapping[str, Any], known: Ids) -> bool:
        """Whether it is as declared, at a glance; if not, `check_event` says what is wrong."""
        types = self.types
        for name, value in fields.items():
            kind = types.get(name)
            if kind is None or value.__class__ not in kind[0]:
                return False
            if kind[1] and value not in kind[1]:
                return False
        if not self.required <= fields.keys():
            return False
        return all(need in known for need in self.needs)


_shapes: dict[str, _Shape] = {}
_loggers: dict[str, logging.Logger] = {}
_files: dict[str, str] = {}
_refused: Callable[[], None] | None = None


def _made(
    name: str, frame: FrameType, fields: Line, known: Ids, exception: BaseException | None
) -> Line | None:
    shape = _shapes.get(name)
    if shape is None:
        shape = _shapes[name] = _Shape(name)
    module: str = frame.f_globals["__name__"]
    logger = _loggers.get(module)
    if logger is None:
        logger = _loggers[module] = logging.getLogger(module)
    if not logger.isEnabledFor(shape.number) and not STRICT:
        return None
    work = {**ids(), **known} if known else ids()
    if not shape.fits(fields, work):
        fields = _checked(name, fields, work)
    if not logger.isEnabledFor(shape.number):
        return None
    for one in shape.nested:
        fields[one] = hidden(fields[one])
    out = output()
    if out is None:
        _say(shape, logger, fields)
        return None
    return _line(out, shape, name, frame, fields, known, exception)


def _line(  # noqa: PLR0917 - all that a line is made of
    out: Output,
    shape: _Shape,
    name: str,
    frame: FrameType,
    fields: Line,
    known: Ids,
    exception: BaseException | None,
) -> Line:
    source = frame.f_code.co_filename
    file = _files.get(source)
    if file is None:
        file = _files[source] = file_of(source)
    module = frame.f_globals["__name__"]
    line = out.line(shape.level, name, shape.message, module, file, frame.f_lineno)
    if known:
        line.update(known)
    line.update(fields)
    if exception is not None:
        line["exception"] = told(exception)
    return line


def _checked(name: str, fields: Line, known: Ids) -> Line:
    """Say what is wrong with it, if anything is; give the fields that are there."""
    from llm_research_lab.signals import check_event
    from llm_research_lab.telemetry.catalog import declaration

    findings = check_event(declaration(), name, fields, known)
    if findings:
        if STRICT:
            raise ValueError("; ".join(f"{one.where}: {one.message}" for one in findings))
        if _refused is not None:
            _refused()
    return {field: value for field, value in fields.items() if value is not None}


def _say(shape: _Shape, logger: logging.Logger, fields: Line) -> None:
    """Tell a person at once what is grave, where nobody has said where lines go."""
    if shape.number >= logging.WARNING:
        logger.log(shape.number, "%s: %s", shape.message, masked(str(fields)))
