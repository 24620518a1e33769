"""A rule comes after the rules whose series it reads; those that read in a circle stand together.

A rule that reads itself, a later rule of its group, or a recorded series at another time than the
past (``@``, a negative offset) cannot be evaluated in one pass: its circle is stepped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llm_research_lab.alerting.rules.read import Group, Rule
from llm_research_lab.promql import Call, Expr, Selector, Subquery, walk
from llm_research_lab.vocabulary.labels import METRIC_NAME
from llm_research_lab.vocabulary.matchers import Matcher


@dataclass(frozen=True, slots=True)
class Node:
    """A rule and where it stands: its group's number and its own within the group."""

    group: int
    index: int
    rule: Rule


@dataclass(frozen=True, slots=True)
class Circle:
    """Rules that are evaluated together; a single one that is not `stepped` takes one pass."""

    nodes: tuple[Node, ...]
    stepped: bool


def circles(groups: Sequence[Group]) -> tuple[Circle, ...]:
    """Order all rules: what is read comes before its reader."""
    nodes = [
        Node(number, index, rule)
        for number, group in enumerate(groups)
        for index, rule in enumerate(group.rules)
    ]
    reads = [_reads(nodes, reader) for reader in nodes]
    for reader, found in enumerate(reads):
        for writer in found:
            offsets = [groups[nodes[one].group].query_offset_ms or 0 for one in (reader, writer)]
            if offsets[1] > offsets[0] or _backward(nodes[reader], nodes[writer]):
                reads[writer].add(reader)
    reach = [_reached(reads, start) for start in range(len(nodes))]
    done: set[int] = set()
    ordered: list[Circle] = []
    for number in sorted(range(len(nodes)), key=lambda one: (len(reach[one]), one)):
        if number in done:
            continue
        members = [other for other in reach[number] if number in reach[other]] or [number]
        done.update(members)
        stepped = number in reach[number]
        ordered.append(Circle(tuple(nodes[one] for one in sorted(members)), stepped))
    return tuple(ordered)


def _reached(reads: Sequence[set[int]], start: int) -> frozenset[int]:
    found: set[int] = set()
    pending = list(reads[start])
    while pending:
        one = pending.pop()
        if one not in found:
            found.add(one)
            pending += reads[one]
    return frozenset(found)


def _backward(reader: Node, writer: Node) -> bool:
    later = reader.group == writer.group and reader.index <= writer.index
    return later or _leaves_the_past(reader.rule.expr)


def _leaves_the_past(expr: Expr) -> bool:
    for part in walk(expr):
        if isinstance(part, Selector | Subquery):
            fixed = isinstance(part.offset, int) and part.offset >= 0
            if part.at is not None or not fixed:
                return True
    return False


def _reads(nodes: Sequence[Node], reader: Node) -> set[int]:
    parts = list(walk(reader.rule.expr))
    if any(isinstance(part, Call) and part.function == "info" for part in parts):
        return set(range(len(nodes)))
    matchers = [part.matchers for part in parts if isinstance(part, Selector)]
    return {
        number
        for number, node in enumerate(nodes)
        if any(_may_read(one, node.rule) for one in matchers)
    }


def _may_read(matchers: Sequence[Matcher], rule: Rule) -> bool:
    """Whether the selector can accept a series of the rule, by the labels that are certain."""
    if rule.kind == "record":
        return _accepts(matchers, METRIC_NAME, rule.name)
    named = any(_accepts(matchers, METRIC_NAME, name) for name in ("ALERTS", "ALERTS_FOR_STATE"))
    return named and _accepts(matchers, "alertname", rule.name)


def _accepts(matchers: Sequence[Matcher], name: str, value: str) -> bool:
    return all(one.matches(value) for one in matchers if one.name == name)
