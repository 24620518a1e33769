"""The spans of a trace are a forest: each below its parent, or on top if that is not here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Read = Mapping[str, Any]
"""A span as `span_store.read_spans` gives it."""

ALIKE = 10
"""Siblings of one name that are shown; of more, the failed and the longest."""


@dataclass(slots=True)
class Branch:
    """A span and what lies below it, by time. `hidden` siblings of its name are not shown."""

    span: Read
    below: list[Branch] = field(default_factory=list)
    hidden: int = 0


def trees(spans: Iterable[Read]) -> list[Branch]:
    """Build the forest, by time. Every span is in it once, even one that is its own ancestor."""
    branches = {str(span["span_id"]): Branch(span) for span in spans}
    children: dict[str, list[Branch]] = defaultdict(list)
    tops: list[Branch] = []
    for branch in branches.values():
        parent = branch.span["parent_id"]
        (children[parent] if parent in branches else tops).append(branch)
    placed: set[str] = set()
    for top in tops:
        _grow(top, children, placed)
    for key, branch in branches.items():  # what is left goes round in circles
        if key not in placed:
            tops.append(branch)
            _grow(branch, children, placed)
    return sorted(tops, key=_start)


def _grow(top: Branch, children: Mapping[str, Sequence[Branch]], placed: set[str]) -> None:
    placed.add(top.span["span_id"])
    waiting = [top]
    while waiting:
        branch = waiting.pop()
        for child in children.get(branch.span["span_id"], ()):
            if child.span["span_id"] not in placed:
                placed.add(child.span["span_id"])
                branch.below.append(child)
                waiting.append(child)
        branch.below.sort(key=_start)


def folded(branches: Sequence[Branch], most: int = ALIKE) -> list[Branch]:
    """Leave of each name at most so many siblings, at every level; the last counts the hidden."""
    by_name: dict[str, list[Branch]] = defaultdict(list)
    for branch in branches:
        by_name[branch.span["name"]].append(branch)
    kept: list[Branch] = []
    for alike in by_name.values():
        chosen = sorted(alike, key=_weight, reverse=True)[:most]
        chosen.sort(key=_start)
        last = len(chosen) - 1
        kept += [
            Branch(one.span, folded(one.below, most), len(alike) - len(chosen) if n == last else 0)
            for n, one in enumerate(chosen)
        ]
    return sorted(kept, key=_start)


def walk(branches: Sequence[Branch], depth: int = 0) -> Iterator[tuple[int, Branch]]:
    """Give every branch with its depth, from the top down."""
    for branch in branches:
        yield depth, branch
        yield from walk(branch.below, depth + 1)


def slowest(spans: Iterable[Read], most: int) -> list[Read]:
    """Give the longest span of each trace, the longest of them first."""
    longest: dict[str, Read] = {}
    for span in spans:
        known = longest.get(span["trace_id"])
        if known is None or span["took_ns"] > known["took_ns"]:
            longest[span["trace_id"]] = span
    return sorted(longest.values(), key=lambda span: -int(span["took_ns"]))[:most]


def bar(span: Read, start_ns: int, total_ns: int, width: int) -> str:
    """Draw when the span was, in a line that is as long as the whole trace."""
    total_ns = max(1, total_ns)
    left = min(width - 1, max(0, (int(span["start_ns"]) - start_ns) * width // total_ns))
    long = max(1, min(width - left, round(int(span["took_ns"]) * width / total_ns)))
    return " " * left + "█" * long


def extent(spans: Sequence[Read]) -> tuple[int, int]:
    """Give when the first began, and the time to the end of the last, in nanoseconds."""
    start = min(int(span["start_ns"]) for span in spans)
    return start, max(int(span["start_ns"]) + int(span["took_ns"]) for span in spans) - start


def _start(branch: Branch) -> int:
    return int(branch.span["start_ns"])


def _weight(branch: Branch) -> tuple[bool, int]:
    return branch.span["failure"] is not None, int(branch.span["took_ns"])
