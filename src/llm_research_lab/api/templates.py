"""A path has one template, found in a step a segment: the label of metrics, the Allow header."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.routing import BaseRoute


@dataclass(slots=True)
class _Node:
    fixed: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None
    template: str | None = None
    methods: set[str] = field(default_factory=set)

    def child(self, segment: str) -> _Node:
        if segment.startswith("{"):
            self.parameter = self.parameter or _Node()
            return self.parameter
        return self.fixed.setdefault(segment, _Node())


@dataclass(frozen=True, slots=True)
class Templates:
    """The routes of an application as a tree of segments. A fixed segment wins over a parameter."""

    root: _Node = field(default_factory=_Node)

    def add(self, template: str, methods: Iterable[str]) -> None:
        """Add a route."""
        node = self.root
        for segment in template.split("/"):
            node = node.child(segment)
        node.template = template
        node.methods.update(methods)

    def find(self, path: str) -> str | None:
        """Give the path's template, or None when no route has it."""
        node = self._find(path)
        return node.template if node else None

    def allowed(self, path: str) -> list[str]:
        """Give the methods that the path's routes answer, in order; GET brings HEAD with it."""
        node = self._find(path)
        methods = node.methods if node else set()
        return sorted(methods | {"HEAD"} if "GET" in methods else methods)

    def _find(self, path: str) -> _Node | None:
        node: _Node | None = self.root
        for segment in path.split("/"):
            if node is None:
                return None
            node = node.fixed.get(segment) or (node.parameter if segment else None)
        return node if node is not None and node.template else None


def templates_of(routes: Iterable[BaseRoute]) -> Templates:
    """Read the templates of an application's routes."""
    found = Templates()
    for route in routes:
        path, methods = getattr(route, "path", None), getattr(route, "methods", None)
        if path and methods:
            found.add(path, methods)
    return found
