"""A line of the log is one JSON object to a program, readable to a person, and never a secret.

Source: docs/spec, 5.1.2; the fields of every line are declared in catalog/signals/events.yaml.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

import orjson
import structlog

from llm_research_lab import __version__
from llm_research_lab.telemetry.context import ids
from llm_research_lab.telemetry.masking import hidden, masked
from llm_research_lab.telemetry.spans import current

LEVELS: Mapping[str, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}
"""The spec's words for the levels, and the standard library's numbers."""

FLOORS: Mapping[str, int] = {
    "sqlalchemy": logging.INFO,  # below it, it shows rows
    "httpcore": logging.INFO,  # below it, it shows headers
    "openai": logging.INFO,
}
"""Libraries that show what is private, as prompts and headers, below this level: never lower."""

CHATTY = (
    "httpx",
    "httpcore",
    "openai",
    "alembic",
    "asyncio",
    "uvicorn",
    "sqlalchemy",
    "opentelemetry",
)
"""Libraries of which only warnings are written, unless `log_levels` asks for more."""

LIBRARY = "library.message"

PATIENT = frozenset({"debug", "info"})
"""Lines of these levels wait a moment for others: a write of its own for each gives the
interpreter's lock away, which costs a busy API a quarter of its requests. Graver ones take what
waits with them, at once; so does the process's end. Only a kill loses a moment's."""

GATHERING_SECONDS = 0.02

_KNOWN_TO_A_PERSON = ("version", "service", "environment", "file", "line", "thread")

_words = sorted(((number, word) for word, number in LEVELS.items()), reverse=True)


class Output:
    """Where a process's lines go. `counted` hears the level of each; `lost` counts those that
    could not be written, as to a full disk or a closed pipe."""  # noqa: D205, D209

    def __init__(self, stream: TextIO, service: str, environment: str) -> None:
        self.counted: Callable[[str], None] | None = None
        self.lost = 0
        self._about = {"service": service, "version": __version__, "environment": environment}
        self._person = _person() if stream.isatty() else None
        self._put, gathers = _putter(stream)
        self._waiting: list[bytes] = []
        self._wake = threading.Event()
        self._gathers = gathers and self._person is None
        if self._gathers:
            threading.Thread(target=self._serve, name="log", daemon=True).start()
            atexit.register(self.flush)
        self._door = threading.RLock()  # a signal's handler may interrupt its own thread's line
        self._second = 0
        self._until_second = ""

    def write(self, line: dict[str, Any]) -> None:
        """Write a line, which has its level, event and what it is about."""
        whole = {"timestamp": self._now(), **line}
        text = masked((self._person or _json)(whole))
        with self._door:
            self._waiting.append(f"{text}\n".encode("utf-8", "backslashreplace"))
        if not self._gathers or line["level"] not in PATIENT:
            self.flush()
        elif not self._wake.is_set():
            self._wake.set()
        if self.counted is not None:
            self.counted(line["level"])

    def flush(self) -> None:
        """Write what waits, now."""
        with self._door:
            lines, self._waiting = self._waiting, []
            try:
                if lines:
                    self._put(b"".join(lines))
            except (OSError, ValueError):  # a ValueError is a closed stream's
                self.lost += len(lines)

    def _serve(self) -> None:
        while True:
            self._wake.wait()
            time.sleep(GATHERING_SECONDS)
            self._wake.clear()
            self.flush()

    def line(  # noqa: PLR0917 - what each line begins with, in its order
        self, level: str, event: str, message: str | None, logger: str, file: str, number: int
    ) -> dict[str, Any]:
        """Begin a line of this thread and its work, which `write` will end."""
        about = self._about
        made: dict[str, Any] = {"level": level, "event": event}
        if message is not None:
            made["message"] = message
        made["service"] = about["service"]
        made["version"] = about["version"]
        made["environment"] = about["environment"]
        made["logger"] = logger
        made["file"] = file
        made["line"] = number
        made["thread"] = threading.current_thread().name
        made.update(ids())
        span = current()
        if span is not None:
            made["trace_id"] = span.trace
            made["span_id"] = span.id
        return made

    def _now(self) -> str:
        second, rest = divmod(time.time_ns(), 1_000_000_000)
        if second != self._second:
            self._until_second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._second = second
        return f"{self._until_second}.{rest // 1000:06d}Z"


class Libraries(logging.Handler):
    """Turns what libraries say through the standard library into lines."""

    def __init__(self, output: Output) -> None:
        super().__init__()
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record's words as the text of a ``library.message``."""
        try:
            text = record.getMessage()
        except Exception as error:  # noqa: BLE001 - a library's mistake must not end its caller
            text = f"{record.msg} ({type(error).__name__} in its arguments)"
        made = self._output.line(
            word_of(record.levelno),
            LIBRARY,
            None,
            record.name,
            file_of(record.pathname),
            record.lineno,
        )
        made["text"] = text
        if record.exc_info is not None and record.exc_info[1] is not None:
            made["exception"] = told(record.exc_info[1])
        self._output.write(made)


_output: Output | None = None
_levelled: set[str] = set()
_lock = threading.Lock()


def configure(
    service: str,
    level: str,
    stream: TextIO | None = None,
    *,
    levels: Mapping[str, str] | None = None,
    environment: str = "development",
) -> Output:
    """Send all lines of this process to the stream, standard output by default.

    JSON unless the stream is a terminal. `level` is the least that is written, `levels` that of
    single loggers and what is below them.
    """
    global _output  # noqa: PLW0603 - a process has one output
    _output = Output(stream or sys.stdout, service, environment)
    logging.basicConfig(handlers=[Libraries(_output)], level=LEVELS[level], force=True)
    set_levels(level, levels or {})
    return _output


def set_levels(level: str, levels: Mapping[str, str]) -> None:
    """Write no less than this from now on, while the process runs."""
    with _lock:
        logging.getLogger().setLevel(LEVELS[level])
        for name in _levelled - set(levels):
            logging.getLogger(name).setLevel(logging.NOTSET)
        _levelled.clear()
        for name in CHATTY:
            logging.getLogger(name).setLevel(max(LEVELS[level], logging.WARNING))
        for name, word in levels.items():
            floor = FLOORS.get(name.partition(".")[0], logging.NOTSET)
            logging.getLogger(name).setLevel(max(LEVELS[word], floor))
        _levelled.update(levels)


def close() -> None:
    """Write no more, as before `configure`."""
    global _output  # noqa: PLW0603 - as above
    if _output is not None:
        _output.flush()
        logging.getLogger().handlers = [
            one for one in logging.getLogger().handlers if not isinstance(one, Libraries)
        ]
        _output = None
    set_levels("warn", {})


def output() -> Output | None:
    """Give where this process's lines go; None before `configure`."""
    return _output


def word_of(number: int) -> str:
    """Give the spec's word for a level of the standard library."""
    return next((word for least, word in _words if number >= least), "debug")


def told(error: BaseException) -> str:
    """Tell an exception with its traceback, and without anybody's variables."""
    from traceback import format_exception  # a tenth of the start-up of a command that logs nothing

    return "".join(format_exception(error)).rstrip()


def file_of(path: str) -> str:
    """Give a source file's path from its package on; the machine's part is nobody's business."""
    for root in ("site-packages", "src"):
        _, found, below = path.rpartition(f"{os.sep}{root}{os.sep}")
        if found:
            return below
    return os.path.basename(path)  # noqa: PTH119 - no object for a file's last part


def _putter(stream: TextIO) -> tuple[Callable[[bytes], None], bool]:
    """Give what writes lines, and whether it is the operating system that takes them."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError, AttributeError):

        def keep(line: bytes) -> None:
            stream.write(line.decode())
            stream.flush()

        return keep, False

    def put(line: bytes) -> None:
        written = os.write(descriptor, line)
        while written < len(line):
            written += os.write(descriptor, line[written:])

    return put, True


def _json(line: Mapping[str, Any]) -> str:
    try:
        return orjson.dumps(line).decode()
    except TypeError:  # what JSON cannot carry as it is: half a character, another's object
        return _json_of_anything(line)


def _json_of_anything(line: Mapping[str, Any]) -> str:
    import json

    return json.dumps(line, default=repr, skipkeys=True)


def _person() -> Callable[[dict[str, Any]], str]:
    render = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)

    def rendered(line: dict[str, Any]) -> str:
        """Leave out what a person at the terminal knows; the words come before the name."""
        shown = {name: value for name, value in line.items() if name not in _KNOWN_TO_A_PERSON}
        name = shown.pop("event")
        words = shown.pop("message", None) or shown.pop("text", None)
        if words is not None:
            shown["logger"] = shown["logger"] if name == LIBRARY else name
        return str(render(None, line["level"], {**hidden(shown), "event": words or name}))

    return rendered
