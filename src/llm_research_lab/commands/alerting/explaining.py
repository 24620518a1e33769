"""What became of an alert, in plain words, out of a record: a replay's, or a live run's.

A record is what `lab replay --json` prints; a live run's has the same shape (`commands.alerting.
recorded`). One firing becomes a chain of steps, each with its instant, whom it is about, and why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from llm_research_lab.vocabulary import Instant, NotFoundError, rfc3339

Row = Mapping[str, Any]
Labels = Mapping[str, str]

FIRES, TOLD, NOT_TOLD, OVER = "fires", "told", "not told", "is over"
OPENED, JOINED, WOKEN, NOT_REACHED = "page opened", "page open", "woken", "not reached"
WAITING, ACKNOWLEDGED, ENDED, CLOSED = "page waits", "acknowledged", "nobody is left", "page closed"
UNPAGED = "no page"
_ORDER = (FIRES, NOT_TOLD, OVER, TOLD, UNPAGED, OPENED, JOINED, NOT_REACHED, WOKEN, WAITING)
_LAST = (*_ORDER, ACKNOWLEDGED, ENDED, CLOSED)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened, or did not; `at` is RFC 3339."""

    at: str
    what: str
    whom: str
    why: tuple[str, ...]

    def told(self) -> dict[str, Any]:
        """Give it as JSON has it."""
        return {"at": self.at, "what": self.what, "whom": self.whom, "why": list(self.why)}


@dataclass(frozen=True, slots=True)
class Explained:
    """The firings at the instant, each with its steps; and the nearest before and after it."""

    alert: str
    at_ms: Instant
    firings: tuple[tuple[Row, tuple[Step, ...]], ...]
    last: Row | None
    next: Row | None
    unknown: tuple[str, ...] = field(default=())
    """What the record says that it does not know of this alert's rule."""

    def told(self) -> dict[str, Any]:
        """Give it as JSON has it."""
        return {
            "alert": self.alert,
            "at": rfc3339(self.at_ms),
            "firing": [
                {**_firing(row), "steps": [step.told() for step in steps]}
                for row, steps in self.firings
            ],
            "last": None if self.last is None else _firing(self.last),
            "next": None if self.next is None else _firing(self.next),
            "unknown": list(self.unknown),
        }


@dataclass(frozen=True, slots=True)
class Chosen:
    """Of an alert's firings: those at an instant, the last before it and the first after."""

    there: tuple[Row, ...]
    last: Row | None
    next: Row | None


def chosen(rows: Iterable[Row], at_ms: Instant, labels: Labels) -> Chosen:
    """Choose among an alert's firings those that have the labels."""
    at = rfc3339(at_ms)
    mine = [row for row in rows if labels.items() <= row["labels"].items()]
    mine.sort(key=lambda row: row["from"])
    there = [row for row in mine if row["from"] <= at and (row["to"] is None or at < row["to"])]
    before = [row for row in mine if row["to"] is not None and row["to"] <= at]
    after = [row for row in mine if row["from"] > at]
    last = max(before, key=lambda row: row["to"], default=None)
    return Chosen(tuple(there), last, after[0] if after else None)


def explain(record: Row, alert: str, at_ms: Instant, labels: Labels) -> Explained:
    """Explain an alert at an instant. Raises NotFoundError when the record knows none of it."""
    rows = [row for row in record["alerts"] if row["alert"] == alert]
    known = {row["alert"] for row in record["alerts"]} | set(record.get("never_fired", ()))
    if not rows and alert not in known:
        raise unknown(alert, known)
    found = chosen(rows, at_ms, labels)
    firings = tuple((row, tuple(_steps(record, row))) for row in found.there)
    doubted = tuple(_doubted(record.get("head", {}), alert, rfc3339(at_ms)))
    return Explained(alert, at_ms, firings, found.last, found.next, doubted)


def _doubted(head: Row, alert: str, at: str) -> Iterator[str]:
    """Say what the record does not know: times outside it, and its own doubts of the rule."""
    begins, ends = head.get("from"), head.get("to")
    if begins is not None and at < begins:
        yield f"The record begins at {begins}."
    if ends is not None and at > ends:
        yield f"The record ends at {ends}."
    for one in head.get("unknown", ()):
        if not one["rules"] or alert in one["rules"]:
            yield one["told"]


def unknown(alert: str, known: Iterable[str]) -> NotFoundError:
    """Say that no alert of the name fired, and which was perhaps meant."""
    near = get_close_matches(alert, sorted(known), 1, 0.5)
    fix = (
        f"did you mean {near[0]}?" if near else "name an alert of the record: it is case-sensitive"
    )
    return NotFoundError(f"alert {alert}", "an alert that is in the record", "none", fix)


def _firing(row: Row) -> dict[str, Any]:
    kept = ("labels", "from", "to", "rule", "group", "file")
    return {name: row[name] for name in kept if name in row}


def _steps(record: Row, row: Row) -> list[Step]:
    """Give the chain of a firing, in the order of time."""
    of_group = f" of the group {row['group']}" if row.get("group") else ""
    began = Step(
        row["from"], FIRES, "", (f"by the rule {row.get('rule', row['alert'])}{of_group}",)
    )
    steps = [began, *_heard(row), *_paged(record, row)]
    if row["to"] is not None:
        steps.append(Step(row["to"], OVER, "", ()))
    return sorted(steps, key=lambda step: (step.at, _LAST.index(step.what)))


def _heard(row: Row) -> Iterator[Step]:
    for one in row["heard"]:
        whom = " by ".join(part for part in (one["receiver"], one["integration"]) if part)
        yield Step(one["at"], TOLD if one["told"] else NOT_TOLD, whom, tuple(one["why"]))
    for why in row.get("unpaged", ()):
        first = next((one["at"] for one in row["heard"] if one["told"]), row["from"])
        yield Step(first, UNPAGED, "", (why,))


def _paged(record: Row, row: Row) -> Iterator[Step]:
    pages = _pages(record, row)
    for one in record["pages"]:
        if one["page"] in pages:
            yield from _page(one, row)
    for one in record["woken"]:
        if one["page"] in pages:
            whom = f"{one['name']} ({one['user']}) by {one['way']}, level {one['level']}"
            local = f"{one['local']} there" if one.get("local") else ""
            yield Step(
                one["at"], WOKEN, whom, tuple(part for part in (one["why"][-1], local) if part)
            )
    for kind, what in (("not_reached", NOT_REACHED), ("waiting", WAITING), ("ended", ENDED)):
        for one in record.get(kind, ()):
            if one["page"] in pages:
                yield Step(one["at"], what, one.get("target", one["page"]), (one["why"],))


def _page(page: Row, row: Row) -> Iterator[Step]:
    why = (f"severity {page['severity']}, policy {page['policy']}",)
    what = OPENED if page["opened"] >= row["from"] else JOINED
    yield Step(page["opened"], what, page["page"], why)
    if page["acknowledged"] is not None:
        after = f"{page['after_seconds'] / 60:.0f} min after it was opened"
        yield Step(page["acknowledged"], ACKNOWLEDGED, f"{page['page']} by {page['by']}", (after,))
    if page["closed"] is not None:
        yield Step(page["closed"], CLOSED, page["page"], ())


def _pages(record: Row, row: Row) -> set[str]:
    """Name the pages of a firing: those it opened or joined, said or found by what is told."""
    if "pages" in row:
        return set(row["pages"])
    told = {(one["at"], one["receiver"]) for one in row["heard"] if one["told"]}
    opened = {
        one["page"]
        for one in record["pages"]
        if row["alert"] in one["alerts"] and (one["opened"], one["receiver"]) in told
    }
    return {*row.get("joined", ()), *_fitting(record["woken"], row, opened)}


def _fitting(woken: Sequence[Row], row: Row, opened: set[str]) -> set[str]:
    """Leave out pages whose group is another's: who was woken for them tells the group."""
    groups = {one["page"]: one["group"] for one in woken if one["page"] in opened}
    return {
        page
        for page in opened
        if page not in groups or groups[page].items() <= row["labels"].items()
    }
