"""The tree of routes is read node by node; then each node's settings are what its parent's are not.

Source: Alertmanager, config/config.go, Route and checkReceiver; dispatch/route.go, NewRoute.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from llm_research_lab.alerting.notifying.configuration import Route
from llm_research_lab.alerting.notifying.matching import matchers_text
from llm_research_lab.alerting.notifying.reading_matchers import MatchersReader
from llm_research_lab.alerting.notifying.scalars import boolean, duration, list_of, text
from llm_research_lab.documents.fields import Field, Place, read_fields
from llm_research_lab.vocabulary.matchers import Matcher

ALL_LABELS = "..."

_ROOT = Route("", "", "")


@dataclass(frozen=True, slots=True)
class Node:
    """A route as it is written: what is not named is not in `found`."""

    place: Place
    found: Mapping[str, Any]
    matchers: tuple[Matcher, ...]
    children: tuple[Node, ...]


def read_node(value: Any, place: Place, reader: MatchersReader) -> Node:
    """Read a route and all below it."""

    def child(inner: Any, at: Place) -> Node:
        return read_node(inner, at, reader)

    fields = [
        Field("receiver", text),
        Field("group_by", lambda one, at: _group_by(one, at, reader)),
        *reader.fields(),
        Field("mute_time_intervals", list_of(text)),
        Field("active_time_intervals", list_of(text)),
        Field("continue", boolean),
        Field("routes", list_of(child)),
        Field("group_wait", duration, nullable=True),
        Field("group_interval", _above_zero, nullable=True),
        Field("repeat_interval", _above_zero, nullable=True),
    ]
    found = read_fields(value, place, fields)
    return Node(place, found, reader.joined(found), found.get("routes", ()))


def _above_zero(value: Any, place: Place) -> int | None:
    found = duration(value, place)
    if found == 0:
        place.find("duration", f"{place.name} cannot be zero", "write a duration such as 5m")
    return found


def _group_by(value: Any, place: Place, reader: MatchersReader) -> tuple[str, ...]:
    """Read the labels, or ``...`` alone; each stands once."""
    names: tuple[str, ...] = list_of(text)(value, place)
    others = [name for name in names if name != ALL_LABELS]
    for index, name in enumerate(names):
        if name != ALL_LABELS and not reader.is_name(name):
            message = f'invalid label name "{name}" in group_by list'
            place.at(index).find("label-name", message, "rename it")
        elif name != ALL_LABELS and name in names[:index]:
            message = f'duplicated label "{name}" in group_by'
            place.at(index).find("duplicate-label", message, "leave it out once")
    if others and len(others) < len(names):
        message = "cannot have wildcard group_by (`...`) and other labels at the same time"
        place.find("group-by-all", message, "keep `...` alone, or leave it out")
    return names


def check_root(node: Node) -> None:
    """Say what the root must have, and what it must not."""
    place = node.place
    if not node.found.get("receiver"):
        place.find("root", "root route must specify a default receiver", "add receiver")
    if node.matchers or any(node.found.get(key) for key in ("match", "match_re", "matchers")):
        place.find("root", "root route must not have any matchers", "move them to a child route")
    for key in ("mute_time_intervals", "active_time_intervals"):
        if node.found.get(key):
            message = f"root route must not have any {key.replace('_', ' ')}"
            place.at(key).find("root", message, "move them to a child route")
    if node.found.get("continue"):
        place.at("continue").find("root", "cannot have continue in root route", "leave it out")


def check_names(node: Node, receivers: Collection[str], intervals: Collection[str]) -> None:
    """Say which names of the tree stand for nothing."""
    receiver = node.found.get("receiver")
    if receiver and receiver not in receivers:
        message = f'undefined receiver "{receiver}" used in route'
        node.place.at("receiver").find("undefined-receiver", message, "define it under receivers")
    for key in ("active_time_intervals", "mute_time_intervals"):
        for index, name in enumerate(node.found.get(key, ())):
            if name not in intervals:
                message = f'undefined time interval "{name}" used in route'
                place = node.place.at(key).at(index)
                place.find("undefined-interval", message, "define it under time_intervals")
    for child in node.children:
        check_names(child, receivers, intervals)


def built(node: Node, parent: Route = _ROOT, place: int | None = None) -> Route:
    """Give the route with its inherited settings; `place` is its index among its siblings."""
    own = matchers_text(node.matchers)
    found = node.found
    wait, interval, repeat = (
        found.get(key) for key in ("group_wait", "group_interval", "repeat_interval")
    )
    route = Route(
        key=own if place is None else f"{parent.key}/{own}",
        id=own if place is None else f"{parent.id}/{own}/{place}",
        receiver=found.get("receiver") or parent.receiver,
        group_by=_inherited(found.get("group_by", ()), parent.group_by),
        matchers=node.matchers,
        goes_on=found.get("continue", False),
        group_wait_ms=parent.group_wait_ms if wait is None else wait,
        group_interval_ms=parent.group_interval_ms if interval is None else interval,
        repeat_interval_ms=parent.repeat_interval_ms if repeat is None else repeat,
        mute_time_intervals=found.get("mute_time_intervals", ()),
        active_time_intervals=found.get("active_time_intervals", ()),
        where=node.place.source.where(node.place.path),
    )
    children = tuple(built(child, route, at) for at, child in enumerate(node.children))
    return replace(route, routes=children)


def _inherited(names: tuple[str, ...], parent: frozenset[str] | None) -> frozenset[str] | None:
    """An empty list inherits too; None groups by all labels."""
    if not names:
        return parent
    return None if ALL_LABELS in names else frozenset(names)
