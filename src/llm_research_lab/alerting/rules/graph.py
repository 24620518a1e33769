"""A rule comes after the rules whose series it reads; those that read in a circle stand together.

A rule that reads itself, something written later, or another time than the past (``@``, a negative
offset) cannot be evaluated in one pass: its circle is stepped. Rules that may write the same series
stand together too, but are stepped only where they do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from llm_research_lab.alerting.rules.read import Group, Rule
from llm_research_lab.promql import (
    Call,
    Expr,
    Length,
    LengthNode,
    Range,
    Selector,
    Subquery,
    resolve,
    walk,
)
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
    """Rules that are evaluated together: in one pass over the range, or `stepped`.

    `after`: the numbers of the circles that they read, or whose readers they must not overtake.
    """

    nodes: tuple[Node, ...]
    stepped: bool
    after: frozenset[int] = frozenset()


def circles(groups: Sequence[Group], *, in_order: bool = False) -> tuple[Circle, ...]:
    """Order all rules: what is read comes before its reader.

    `in_order`: groups are evaluated one after the other at each tick; otherwise only the rules of
    one group are, and a reader in another sees what is written at the same tick.
    """
    nodes = [
        Node(number, index, rule)
        for number, group in enumerate(groups)
        for index, rule in enumerate(group.rules)
    ]
    graph = _Graph(groups, nodes, in_order)
    reads = [graph.reads(reader) for reader in nodes]
    for number, reader in enumerate(nodes):
        for writer in list(reads[number]):
            if graph.backward(reader, nodes[writer]):
                reads[writer].add(number)
        if leaves_the_past(reader.rule.expr):
            reads[number].add(number)
    return _ordered(nodes, reads, graph.together())


def mutual_reads(
    groups: Sequence[Group], circle: Circle
) -> dict[tuple[Matcher, ...], frozenset[tuple[int, int]]] | None:
    """Say which of a circle's rules its selectors may read, by their places; the others are absent.

    None unless all rules stand in one group, and each selector that reads one of them looks at the
    newest sample, at the rule's own instant.
    """
    if len({node.group for node in circle.nodes}) > 1:
        return None
    graph = _Graph(groups, circle.nodes, in_order=False)
    found: dict[tuple[Matcher, ...], frozenset[tuple[int, int]]] = {}
    for node in circle.nodes:
        if graph.reads_anything(node) or leaves_the_past(node.rule.expr):
            return None
        apart = _looking_apart(node.rule.expr)
        for part in walk(node.rule.expr):
            if isinstance(part, Selector):
                read = [graph.nodes[number] for number in graph.read_by((part.matchers,))]
                if read and id(part) in apart:
                    return None
                if read:
                    found[part.matchers] = frozenset((one.group, one.index) for one in read)
    return found


def _looking_apart(expr: Expr) -> set[int]:
    """Find the selectors that look at something else than the newest sample at an instant."""
    apart: set[int] = set()
    for part in walk(expr):
        timing = isinstance(part, Call) and part.function == "timestamp"
        if timing or isinstance(part, Range | Subquery):
            apart |= {id(one) for one in walk(part) if isinstance(one, Selector)}
        elif isinstance(part, Selector) and (part.offset or part.align or part.edges):
            apart.add(id(part))
    return apart


def _ordered(
    nodes: Sequence[Node], reads: Sequence[set[int]], together: Sequence[set[int]]
) -> tuple[Circle, ...]:
    near = [one | other for one, other in zip(reads, together, strict=True)]
    reach = [_reached(near, start) for start in range(len(nodes))]
    done: dict[int, int] = {}
    ordered: list[Circle] = []
    for number in sorted(range(len(nodes)), key=lambda one: (len(reach[one]), one)):
        if number in done:
            continue
        members = sorted({number, *(one for one in reach[number] if number in reach[one])})
        done.update(dict.fromkeys(members, len(ordered)))
        stepped = any(other in reads[one] for one in members for other in members)
        after = frozenset(done[one] for one in reach[number]) - {len(ordered)}
        ordered.append(Circle(tuple(nodes[one] for one in members), stepped, after))
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


@dataclass(frozen=True, slots=True)
class _Graph:
    """Who reads whom, by the labels that are certain before anything is evaluated."""

    groups: Sequence[Group]
    nodes: Sequence[Node]
    in_order: bool
    _known: dict[tuple[int, int], Mapping[str, str]] = field(default_factory=dict)

    def reads(self, reader: Node) -> set[int]:
        """Find the rules whose series the reader may read."""
        if self.reads_anything(reader):
            return set(range(len(self.nodes)))
        parts = walk(reader.rule.expr)
        return self.read_by([part.matchers for part in parts if isinstance(part, Selector)])

    def reads_anything(self, reader: Node) -> bool:
        """Whether what the reader reads is known only when it is evaluated."""
        asks = any("{{" in text and "query" in text for _, text in self._labels(reader))
        parts = walk(reader.rule.expr)
        return asks or any(isinstance(part, Call) and part.function == "info" for part in parts)

    def read_by(self, selectors: Sequence[Sequence[Matcher]]) -> set[int]:
        """Find the rules whose series one of the selectors may accept."""
        return {
            number
            for number, node in enumerate(self.nodes)
            if any(self._may_read(one, node) for one in selectors)
        }

    def backward(self, reader: Node, writer: Node) -> bool:
        """Whether the reader must not see what the writer writes at the same tick."""
        if self._offset(writer) > self._offset(reader):
            return True
        if self._offset(writer) and leaves_the_past(reader.rule.expr):
            return True
        if reader.group == writer.group:
            return reader.index <= writer.index
        return self.in_order and reader.group < writer.group

    def together(self) -> list[set[int]]:
        """Find for every rule the others that may write a series of its."""
        found: list[set[int]] = [set() for _ in self.nodes]
        named: dict[str, list[int]] = {}
        for number, node in enumerate(self.nodes):
            for name in _names(node.rule):
                for other in named.setdefault(name, []):
                    if self._may_meet(node, self.nodes[other]):
                        found[number].add(other)
                        found[other].add(number)
                named[name].append(number)
        return found

    def _offset(self, node: Node) -> int:
        return self.groups[node.group].query_offset_ms or 0

    def _labels(self, node: Node) -> list[tuple[str, str]]:
        return [*self.groups[node.group].labels, *node.rule.labels]

    def _certain(self, node: Node) -> Mapping[str, str]:
        """Give the labels that every series of the rule has, its name apart."""
        place = node.group, node.index
        if place not in self._known:
            certain = dict(self._labels(node))
            if node.rule.kind == "alert":
                certain = {name: text for name, text in certain.items() if "{{" not in text}
                certain["alertname"] = node.rule.name
            self._known[place] = certain
        return self._known[place]

    def _may_read(self, matchers: Sequence[Matcher], node: Node) -> bool:
        """Whether the selector can accept a series of the rule."""
        named = any(_accepts(matchers, METRIC_NAME, name) for name in _names(node.rule))
        certain = self._certain(node).items()
        return named and all(_accepts(matchers, name, value) for name, value in certain)

    def _may_meet(self, one: Node, other: Node) -> bool:
        mine, yours = self._certain(one), self._certain(other)
        return all(yours[name] == value for name, value in mine.items() if name in yours)


def _names(rule: Rule) -> tuple[str, ...]:
    """Give the names of the series that the rule writes."""
    return (rule.name,) if rule.kind == "record" else ("ALERTS", "ALERTS_FOR_STATE")


def leaves_the_past(expr: Expr) -> bool:
    """Whether the answer at an instant needs more than a fixed stretch of time before it."""
    for part in walk(expr):
        if isinstance(part, Selector | Subquery):
            offset = _fixed(part.offset)
            if part.at is not None or offset is None or offset < 0:
                return True
        if isinstance(part, Range | Subquery) and _fixed(part.range) is None:
            return True
        if isinstance(part, Subquery) and _fixed(part.step or 0) is None:
            return True
    return False


def _fixed(length: Length) -> int | None:
    """Give a length in milliseconds, unless it depends on the query's step or range."""
    if isinstance(length, int):
        return length
    return None if _asks(length) else resolve(length, step_ms=0, range_ms=0)


def _asks(length: LengthNode | float) -> bool:
    if not isinstance(length, LengthNode):
        return False
    return length.op in {"step", "range"} or any(_asks(one) for one in length.operands)


def _accepts(matchers: Sequence[Matcher], name: str, value: str) -> bool:
    return all(one.matches(value) for one in matchers if one.name == name)
