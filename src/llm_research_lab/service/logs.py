"""A line of the log is one JSON object to a program, readable to a person, and never a secret."""

from __future__ import annotations

import logging
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

import orjson
import structlog

from llm_research_lab import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from structlog.typing import EventDict, Processor

FIRST = ("timestamp", "level", "event", "service", "version", "logger")
"""Every line has these, in this order. Source: docs/spec, 5.1.2."""

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}
"""The spec's words for the levels, and the standard library's numbers."""

HIDDEN = "***"

_SECRET = re.compile(
    r"lab_[A-Za-z0-9_-]{43}"  # a key of the lab
    r"|\bsk-[A-Za-z0-9_-]{16,}"  # a key of a provider
    r"|(?<=[Bb]earer )[^\s\"'\\]+"
)
_SECRET_FIELDS = re.compile(
    r"(?i)(^|_)(key|secret|password|passwd|authorization|cookie|credentials?|token)$"
)


class Handler(logging.StreamHandler[TextIO]):
    """Counts the lines that could not be written (a full disk, a closed pipe) and goes on."""

    lost = 0

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Count the line; there is nowhere left to say so."""
        del record
        Handler.lost += 1


def configure(service: str, level: str, stream: TextIO | None = None) -> None:
    """Send all logs of this process to the stream, standard output by default.

    JSON lines unless the stream is a terminal. `level` is the least that is logged.
    """
    stream = stream or sys.stdout
    person = stream.isatty()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(allow={"request_id"}),
        _Stamp(service),
        _hide_fields,
    ]
    handler = Handler(stream)
    handler.setFormatter(
        _Masked(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *([_plain] if person else [structlog.processors.format_exc_info, _ordered]),
                structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
                if person
                else _json,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=LEVELS[level], force=True)
    for chatty in ("httpx", "httpcore", "openai", "alembic", "asyncio", "uvicorn.error"):
        logging.getLogger(chatty).setLevel(max(LEVELS[level], logging.WARNING))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def masked(text: str) -> str:
    """Hide what has the form of a key."""
    return _SECRET.sub(HIDDEN, text)


class _Masked(structlog.stdlib.ProcessorFormatter):
    """Looks at the finished line, so that no way into it is missed."""

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))


class _Stamp:
    """Adds when, how grave, and who says it."""

    def __init__(self, service: str) -> None:
        self.service = service

    def __call__(self, _logger: Any, method: str, event: EventDict) -> EventDict:
        event["timestamp"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        event["level"] = {"warning": "warn", "exception": "error"}.get(method, method)
        event["service"] = self.service
        event["version"] = __version__
        return event


def _hide_fields(_logger: Any, _method: str, event: EventDict) -> EventDict:
    return _hidden(event)


def _hidden(fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide values whose name says that they are secret, in mappings inside too."""
    for name, value in fields.items():
        if _SECRET_FIELDS.search(name):
            fields[name] = HIDDEN
        elif isinstance(value, dict):
            fields[name] = _hidden(dict(value))
    return fields


def _ordered(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Put what every line has first."""
    return {**{name: event.get(name) for name in FIRST}, **event}


def _plain(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Leave out what a person at the terminal knows."""
    return {name: value for name, value in event.items() if name not in {"version", "service"}}


def _json(_logger: Any, _method: str, event: Mapping[str, Any]) -> str:
    return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()
