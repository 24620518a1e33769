"""A text is read as a time by a layout of Go's, or it is none.

Source: Go, package time (Parse): what each word of a layout takes; a fraction may follow seconds.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from llm_research_lab.templates.calendar import DAYS, LAYOUT, MONTHS
from llm_research_lab.templates.errors import CallError
from llm_research_lab.vocabulary.quoting import quote

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CENTURY = 69
"""Two digits from here on are of the last century. Source: Go, package time, Layout "06"."""


def _names(names: tuple[str, ...], length: int | None = None) -> str:
    return "|".join(name[:length] for name in names)


_SECONDS = r"(?P<second>{})(?:[.,](?P<rest>[0-9]+))?"
_PATTERNS = {
    "January": f"(?P<month_name>{_names(MONTHS)})",
    "Jan": f"(?P<month_name>{_names(MONTHS, 3)})",
    "Monday": f"(?:{_names(DAYS)})",
    "Mon": f"(?:{_names(DAYS, 3)})",
    "MST": "(?:[A-Z]{3,5}|[+-][0-9]{2,4})",
    "2006": "(?P<year>[0-9]{4})",
    "06": "(?P<short_year>[0-9]{2})",
    "002": "(?P<year_day>[0-9]{3})",
    "__2": "(?P<year_day>[ 0-9]{2}[0-9])",
    "_2": "(?P<day> ?[0-9]{1,2})",
    "01": "(?P<month>[0-9]{2})",
    "1": "(?P<month>[0-9]{1,2})",
    "02": "(?P<day>[0-9]{2})",
    "2": "(?P<day>[0-9]{1,2})",
    "15": "(?P<hour>[0-9]{2})",
    "03": "(?P<hour>[0-9]{2})",
    "3": "(?P<hour>[0-9]{1,2})",
    "04": "(?P<minute>[0-9]{2})",
    "4": "(?P<minute>[0-9]{1,2})",
    "05": _SECONDS.format("[0-9]{2}"),
    "5": _SECONDS.format("[0-9]{1,2}"),
    "PM": "(?P<half>[AP]M)",
    "pm": "(?P<half>[ap]m)",
}
_OFFSETS = {
    "07": "[+-][0-9]{2}",
    "0700": "[+-][0-9]{4}",
    "07:00": "[+-][0-9]{2}:[0-9]{2}",
    "070000": "[+-][0-9]{6}",
    "07:00:00": "[+-][0-9]{2}:[0-9]{2}:[0-9]{2}",
}


def parse_time(layout: str, text: str) -> int:
    """Give the nanoseconds since 1970. Raises CallError."""
    wrong = CallError(f"parsing time {quote(text)} as {quote(layout)}: cannot parse")
    try:
        found = re.fullmatch(_pattern(layout), text, re.ASCII)
        if found is None:
            raise wrong
        return _nanos({name: value for name, value in found.groupdict().items() if value})
    except (re.error, ValueError, OverflowError):
        # A word that stands twice, or a day that no month has.
        raise wrong from None


def _pattern(layout: str) -> str:
    parts, done = [], 0
    for found in LAYOUT.finditer(layout):
        parts.append(re.escape(layout[done : found.start()]))
        parts.append(_word(found.group()))
        done = found.end()
    return "".join((*parts, re.escape(layout[done:])))


def _word(word: str) -> str:
    if word[0] in ".,":
        # Right after seconds, those have taken it.
        count = "+" if word[1] == "9" else f"{{{len(word) - 1}}}"
        return f"(?:[.,](?P<fraction>[0-9]{count}))?"
    if word[0] in "Z-":
        zulu = "Z|" if word[0] == "Z" else ""
        return f"(?P<offset>{zulu}{_OFFSETS[word[1:]]})"
    return _PATTERNS[word]


def _nanos(parts: dict[str, str]) -> int:
    year = _year(parts)
    if "year_day" in parts:
        within = datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=int(parts["year_day"]) - 1)
    else:
        within = datetime(year, _month(parts), int(parts.get("day", "1")), tzinfo=UTC)
    within += timedelta(0, int(parts.get("second", "0")) - _offset(parts.get("offset", "Z")))
    within += timedelta(hours=_hour(parts), minutes=int(parts.get("minute", "0")))
    rest = parts.get("rest") or parts.get("fraction") or "0"
    seconds = (within - _EPOCH) // timedelta(seconds=1)
    return seconds * 1_000_000_000 + int(rest[:9].ljust(9, "0"))


def _year(parts: dict[str, str]) -> int:
    if "short_year" in parts:
        short = int(parts["short_year"])
        return short + (1900 if short >= _CENTURY else 2000)
    # Go's year without one is nought, which Python's calendar has not.
    return int(parts.get("year", "1")) or 1


def _month(parts: dict[str, str]) -> int:
    if "month_name" in parts:
        return next(at for at, name in enumerate(MONTHS, 1) if name.startswith(parts["month_name"]))
    return int(parts.get("month", "1"))


def _hour(parts: dict[str, str]) -> int:
    hour = int(parts.get("hour", "0"))
    if "half" not in parts:
        return hour
    return hour % 12 + (12 if parts["half"].lower() == "pm" else 0)


def _offset(text: str) -> int:
    if text == "Z":
        return 0
    digits = text[1:].replace(":", "").ljust(6, "0")
    seconds = int(digits[:2]) * 3600 + int(digits[2:4]) * 60 + int(digits[4:])
    return -seconds if text[0] == "-" else seconds
