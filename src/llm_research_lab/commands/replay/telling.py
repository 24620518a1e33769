"""A replay as JSON: equal input gives equal bytes; every instant in UTC and where it was night."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from llm_research_lab import __version__
from llm_research_lab.alerting.notifying import Notification, Waiting
from llm_research_lab.commands.replay.running import Replayed
from llm_research_lab.oncall import clock_of
from llm_research_lab.stories.replay import (
    Acknowledged,
    Closed,
    Comparison,
    Difference,
    Ended,
    Heard,
    NotReached,
    Opened,
    Outcome,
    Record,
    Unpaged,
    Woken,
)
from llm_research_lab.stories.replay.responding import is_night
from llm_research_lab.vocabulary import Instant, rfc3339
from llm_research_lab.vocabulary.labels import label

HOUR_MS = 3_600_000
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
KINDS = ("gone", "new", "earlier", "later")
FIGURES = (
    *(f"{kind}_pages" for kind in KINDS),
    *(f"{kind}_night_pages" for kind in KINDS),
    "nights_saved",
)
THURSDAY = 3
"""1970-01-01 was one."""


def told(done: Replayed) -> dict[str, Any]:
    """Give the whole replay; what was heard of each alert, `lab why` reads in it."""
    woken = [one for one in done.records if isinstance(one, Woken)]
    answers = _answers(done.records)
    return {
        "head": head(done),
        "totals": totals(done),
        "by_person": by_person(woken),
        "by_hour": by_hour(woken),
        "by_weekday": by_weekday(woken),
        "woken": [_woken(one, answers) for one in woken],
        "not_reached": [_not_reached(one) for one in done.records if isinstance(one, NotReached)],
        "ended": [_ended(one) for one in done.records if isinstance(one, Ended)],
        "pages": pages(done.records),
        "alerts": [_outcome(one) for one in done.outcomes],
        "never_fired": list(done.never),
    }


def head(done: Replayed) -> dict[str, Any]:
    """Say what was replayed, by which version, and what is not known."""
    return {
        "lab": __version__,
        "time_zone_data": version("tzdata"),
        "seed": done.inputs.responders.seed,
        "from": rfc3339(done.span.from_ms),
        "to": rfc3339(done.span.to_ms),
        "files": done.inputs.digest,
        "unknown": [
            {"kind": one.kind, "told": one.told, "rules": list(one.rules)} for one in done.doubts
        ],
    }


def totals(done: Replayed) -> dict[str, int]:
    """Count what matters."""
    woken = [one for one in done.records if isinstance(one, Woken)]
    words = Counter(one.word for one in done.outcomes)
    return {
        "alerts_fired": len(done.fired),
        "alerts_that_woke": words["woken"],
        "alerts_of_an_open_page": words["joined"],
        "alerts_told_quietly": words["told"],
        "alerts_withheld": words["withheld"],
        "pages": sum(isinstance(one, Opened) for one in done.records),
        "times_woken": len(woken),
        "times_woken_at_night": sum(is_night(one.at_ms, one.time_zone) for one in woken),
        "policies_at_their_end": sum(isinstance(one, Ended) for one in done.records),
        "unpaged": sum(isinstance(one, Unpaged) for one in done.records),
    }


def by_person(woken: Sequence[Woken]) -> list[dict[str, Any]]:
    """Count by person, the most often woken first."""
    found: dict[str, list[Woken]] = {}
    for one in woken:
        found.setdefault(one.user, []).append(one)
    rows = [
        {
            "user": user,
            "name": ones[0].name,
            "woken": len(ones),
            "at_night": sum(is_night(one.at_ms, one.time_zone) for one in ones),
            "at_weekends": sum(_weekday(one) >= 5 for one in ones),  # noqa: PLR2004 - Saturday
        }
        for user, ones in found.items()
    ]
    return sorted(rows, key=lambda row: (-row["woken"], row["user"]))


def by_hour(woken: Sequence[Woken]) -> list[int]:
    """Count by the hour that the person's clock showed."""
    found = Counter(_wall(one.at_ms, one.time_zone) // HOUR_MS % 24 for one in woken)
    return [found[hour] for hour in range(24)]


def by_weekday(woken: Sequence[Woken]) -> dict[str, int]:
    """Count by the day of the week where the person lives."""
    found = Counter(_weekday(one) for one in woken)
    return {name: found[place] for place, name in enumerate(WEEKDAYS)}


def pages(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Give each page with when it was opened, acknowledged and closed."""
    found: dict[str, dict[str, Any]] = {}
    for one in records:
        match one:
            case Opened():
                found[one.page] = {
                    "page": one.page,
                    "opened": rfc3339(one.at_ms),
                    "severity": one.severity,
                    "policy": one.policy,
                    "alerts": names(one.notification),
                    "receiver": one.notification.receiver,
                    "acknowledged": None,
                    "by": None,
                    "after_seconds": None,
                    "closed": None,
                    "why": why(one.notification),
                }
            case Acknowledged():
                row = found[one.page]
                if row["acknowledged"] is None:
                    row["acknowledged"], row["by"] = rfc3339(one.at_ms), one.user
                    row["after_seconds"] = one.after_ms / 1000
            case Closed():
                found[one.page]["closed"] = rfc3339(one.at_ms)
            case _:
                pass
    return list(found.values())


def compared(found: Comparison) -> dict[str, Any]:
    """Give a comparison."""
    return {
        "same": found.same,
        **counts(found),
        "differences": [_difference(one) for one in found.differences],
    }


def counts(found: Comparison) -> dict[str, int]:
    """Give the figures that a pipeline may fail on: those of FIGURES."""
    return {
        **{f"{kind}_pages": found.count(kind) for kind in KINDS},
        **{f"{kind}_night_pages": found.count(kind, night=True) for kind in KINDS},
        "nights_saved": found.nights_saved,
    }


def names(notification: Notification) -> list[str]:
    """Give the names of the alerts that fire, or of those that are over where none does."""
    alerts = notification.firing or notification.alerts
    return sorted({label(one.labels, "alertname") for one in alerts})


def why(notification: Notification) -> list[str]:
    """Say the chain of reasons in plain words."""
    return [str(one) for one in notification.why]


def wall(at_ms: Instant, time_zone: str) -> str:
    """Give what hung on the wall: ``Tue 2026-02-24 04:10``."""
    shown = _wall(at_ms, time_zone)
    day = WEEKDAYS[(shown // (24 * HOUR_MS) + THURSDAY) % 7]
    return f"{day} {rfc3339(shown)[:16].replace('T', ' ')}"


def _wall(at_ms: Instant, time_zone: str) -> int:
    return clock_of(time_zone).wall(at_ms)


def _weekday(one: Woken) -> int:
    return (_wall(one.at_ms, one.time_zone) // (24 * HOUR_MS) + THURSDAY) % 7


def _answers(records: Sequence[Record]) -> Mapping[str, list[Acknowledged]]:
    found: dict[str, list[Acknowledged]] = {}
    for one in records:
        if isinstance(one, Acknowledged):
            found.setdefault(one.page, []).append(one)
    return found


def _woken(one: Woken, answers: Mapping[str, list[Acknowledged]]) -> dict[str, Any]:
    later = [each for each in answers.get(one.page, []) if each.at_ms >= one.at_ms]
    return {
        "at": rfc3339(one.at_ms),
        "local": wall(one.at_ms, one.time_zone),
        "time_zone": one.time_zone,
        "night": is_night(one.at_ms, one.time_zone),
        "user": one.user,
        "name": one.name,
        "way": one.way,
        "level": one.level,
        "page": one.page,
        "severity": one.severity,
        "alerts": names(one.notification),
        "group": dict(one.notification.group_labels),
        "receiver": one.notification.receiver,
        "acknowledged_by": later[0].user if later else None,
        "after_seconds": (later[0].at_ms - one.at_ms) / 1000 if later else None,
        "why": [*why(one.notification), str(one.reason)],
    }


def _not_reached(one: NotReached) -> dict[str, Any]:
    skipped = one.skipped
    return {
        "at": rfc3339(one.at_ms),
        "page": one.page,
        "target": skipped.target,
        "level": skipped.level,
        "why": str(skipped.reason),
    }


def _ended(one: Ended) -> dict[str, Any]:
    return {"at": rfc3339(one.at_ms), "page": one.page, "why": str(one.reason.reason)}


def _outcome(one: Outcome) -> dict[str, Any]:
    fired = one.firing
    quiet = dict.fromkeys((each.receiver, each.integration) for each in one.told)
    last = sorted(one.withheld, key=lambda each: isinstance(each.what, Waiting))
    withheld = dict.fromkeys((each.receiver, str(each.what)) for each in last)
    return {
        "alert": fired.rule,
        "labels": dict(fired.labels),
        "from": rfc3339(fired.from_ms),
        "to": None if fired.to_ms is None else rfc3339(fired.to_ms),
        "outcome": one.word,
        "woken": list(dict.fromkeys(each.user for each in one.woken)),
        "joined": list(one.joined),
        "told": [{"receiver": name, "integration": kind} for name, kind in quiet],
        "withheld": [{"receiver": name, "why": reason} for name, reason in withheld],
        "unpaged": [str(each) for each in one.unpaged],
        "heard": [_heard(each) for each in one.heard],
    }


def _heard(one: Heard) -> dict[str, Any]:
    return {
        "at": rfc3339(one.at_ms),
        "receiver": one.receiver,
        "integration": one.integration,
        "told": isinstance(one.what, Notification),
        "why": why(one.what) if isinstance(one.what, Notification) else [str(one.what)],
    }


def _difference(one: Difference) -> dict[str, Any]:
    either = one.page
    return {
        "kind": one.kind,
        "name": either.name,
        "alerts": names(either.notification),
        "before": None if one.before is None else rfc3339(one.before.at_ms),
        "after": None if one.after is None else rfc3339(one.after.at_ms),
        "local": wall(either.at_ms, either.time_zone),
        "night": is_night(either.at_ms, either.time_zone),
    }
