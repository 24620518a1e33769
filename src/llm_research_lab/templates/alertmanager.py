"""A notification is a template over its alerts, with Alertmanager's functions, as text or as HTML.

Source: Alertmanager, docs/notifications.md, "Functions"; template/template.go.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from llm_research_lab.templates.calendar import (
    ZERO,
    format_time,
    nanos_of_time,
    time_record,
    zone_at,
    zone_of,
)
from llm_research_lab.templates.casing import lower, titled, upper
from llm_research_lab.templates.durations import Duration
from llm_research_lab.templates.errors import CallError, ExecutionError
from llm_research_lab.templates.evaluating import Limits
from llm_research_lab.templates.html import Html, Url
from llm_research_lab.templates.humanizing import humanize_duration
from llm_research_lab.templates.marshalling import marshal
from llm_research_lab.templates.notification import NotificationData, data_record, strings
from llm_research_lab.templates.pages import located, read_pages
from llm_research_lab.templates.patterns import matches, replace_all
from llm_research_lab.templates.timeparsing import parse_time
from llm_research_lab.templates.values import ANY, Function, Record, Records, bounded
from llm_research_lab.vocabulary.errors import InvalidError
from llm_research_lab.vocabulary.instants import Instant
from llm_research_lab.vocabulary.labels import label
from llm_research_lab.vocabulary.quoting import quote

_NANOS = 1_000_000
_TIME, _STRINGS, _ITEMS = "time.Time", "[]string", "[]interface {}"
_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
_SPACE += "\u200a\u2028\u2029\u202f\u205f\u3000"
_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2}).{0,2}", re.DOTALL)
_NOT_BASE64 = re.compile(r"[^-\w]|=", re.ASCII)


def expand_notification(
    template: str,
    data: NotificationData,
    *,
    html: bool = False,
    files: tuple[str, ...] = (),
    now_ms: Instant,
    limits: Limits | None = None,
) -> str:
    """Write a notification's field; `files` are texts that define templates, later ones win.

    With `html` each action is escaped for the place where it stands in the page. Raises
    InvalidError, where ``line:column``, or ``files[0]:line:column`` in one of the files.
    """
    if not template:
        return ""
    pages = read_pages(template, files, _NAMES, html=html)
    try:
        return pages.render(data_record(data), _functions(data, now_ms), limits)
    except ExecutionError as error:
        expected = "a template that can be carried out with the notification's data"
        fix = "mend the action, or ask by if or with for what may be missing"
        where = located(error.page, error.where)
        raise InvalidError(where, expected, error.reason, fix) from None


def check_notification(template: str, *, html: bool = False, files: tuple[str, ...] = ()) -> None:
    """Refuse a template that no notification can have. Raises InvalidError."""
    read_pages(template, files, _NAMES, html=html)


# --- functions


def _functions(data: NotificationData, now_ms: Instant) -> Mapping[str, Function]:
    """Give the functions, for this notification at this instant."""
    now = now_ms * _NANOS
    return {
        **_FIXED,
        "now": Function(lambda: time_record(now, _TIME)),
        "since": Function(lambda time: Duration.within(now - nanos_of_time(time)), (_TIME,)),
        "routeLabels": Function(lambda name: label(data.route_labels, name), ("string",)),
    }


def _joined(separator: str, values: Records | None) -> str:
    return separator.join(bounded(values or ()))


def _unescaped(text: str) -> str:
    if bad := _BAD_ESCAPE.search(text):
        raise CallError(f"invalid URL escape {quote(bad.group())}")
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8", "replace")


def _in_zone(name: str, time: Record) -> Record:
    nanos = nanos_of_time(time)
    return time_record(nanos, _TIME, zone_at(name, nanos))


def _humanized(value: Any) -> str:
    return humanize_duration(value.seconds if isinstance(value, Duration) else value)


def _to_date(layout: str, text: str) -> Record:
    try:
        return time_record(parse_time(layout, text), _TIME)
    except CallError:
        return time_record(ZERO, _TIME)


def _decoded(text: str) -> str:
    text = text.replace("\r", "").replace("\n", "")
    try:
        return base64.b64decode(text, b"-_", validate=True).decode("utf-8", "replace")
    except binascii.Error:
        bad = _NOT_BASE64.search(text)
        at = bad.start() if bad else len(text)
        raise CallError(f"illegal base64 data at input byte {at}") from None
    except ValueError:
        raise CallError("illegal base64 data at input byte 0") from None


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode("utf-8", "replace")).decode()


def _appended(items: Any, *values: Any) -> tuple[Any, ...]:
    return (*(items or ()), *values)


def _dictionary(*values: Any) -> dict[str, Any]:
    if len(values) % 2:
        raise CallError("dict requires an even number of arguments")
    if not all(type(key) is str for key in values[::2]):
        raise CallError("dict keys must be strings")
    return dict(zip(values[::2], values[1::2], strict=True))


_FIXED: Mapping[str, Function] = {
    "toUpper": Function(upper, ("string",)),
    "toLower": Function(lower, ("string",)),
    "title": Function(titled, ("string",)),
    "join": Function(_joined, ("string", _STRINGS)),
    "safeHtml": Function(Html, ("string",)),
    "reReplaceAll": Function(replace_all, ("string", "string", "string")),
    # since 0.16
    "match": Function(matches, ("string", "string")),
    # since 0.20
    "stringSlice": Function(lambda *values: strings(values), ("string",), variadic=True),
    # after 0.25
    "trimSpace": Function(lambda text: text.strip(_SPACE), ("string",)),
    # since 0.28, and so is `since`
    "date": Function(
        lambda layout, time: format_time(nanos_of_time(time), layout, zone_of(time)),
        ("string", _TIME),
    ),
    "tz": Function(_in_zone, ("string", _TIME)),
    "humanizeDuration": Function(_humanized, (ANY,)),
    # since 0.30
    "safeUrl": Function(Url, ("string",)),
    "urlUnescape": Function(_unescaped, ("string",)),
    "toJson": Function(marshal, (ANY,)),
    # since 0.32
    "list": Function(lambda *values: values, (ANY,), variadic=True),
    "append": Function(_appended, (_ITEMS, ANY), variadic=True),
    "dict": Function(_dictionary, (ANY,), variadic=True),
    # since 0.33: `now`; since 0.34: `routeLabels`
    "toDate": Function(_to_date, ("string", "string")),
    "mustToDate": Function(
        lambda layout, text: time_record(parse_time(layout, text), _TIME), ("string", "string")
    ),
    # after 0.34
    "base64encode": Function(_encoded, ("string",)),
    "base64decode": Function(_decoded, ("string",)),
}
"""By the version of Alertmanager that has them first; where none is named, all have them."""

_NAMES = frozenset(_FIXED) | {"now", "since", "routeLabels"}
