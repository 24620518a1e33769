"""An alert takes the deepest routes whose matchers accept it, from the left, until one holds it.

A route holds what it takes unless it says ``continue``; who is taken by no child stays with the
parent. Source: Alertmanager, dispatch/route.go, Match; dispatch/dispatch.go, getGroupLabels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from llm_research_lab.alerting.notifying.configuration import Route
from llm_research_lab.alerting.notifying.matching import accepted, labels_text
from llm_research_lab.vocabulary.labels import Labels

MOST_REMEMBERED = 100_000
"""Label sets whose answers are remembered."""


def routes_of(route: Route, labels: Labels) -> tuple[Route, ...]:
    """The routes that take the labels, in the tree's order; none when the route does not match."""
    if not accepted(route.matchers, labels):
        return ()
    found: list[Route] = []
    for child in route.routes:
        taken = routes_of(child, labels)
        found += taken
        if taken and not child.goes_on:
            break
    return tuple(found) or (route,)


def group_labels(route: Route, labels: Labels) -> Labels:
    """The labels by which the route groups; a label that the alert lacks is not among them."""
    if route.group_by is None:
        return labels
    return tuple(pair for pair in labels if pair[0] in route.group_by)


def group_key(route: Route, labels: Labels) -> str:
    """Name a group as Alertmanager's notifications do: ``{}/{a="b"}:{alertname="x"}``."""
    return f"{route.key}:{labels_text(labels)}"


@dataclass(slots=True, eq=False)
class Routing:
    """The tree's answers, remembered by label set: alerts come again and again."""

    root: Route
    most: int = MOST_REMEMBERED
    _known: dict[Labels, tuple[tuple[Route, Labels], ...]] = field(default_factory=dict)

    def of(self, labels: Labels) -> tuple[tuple[Route, Labels], ...]:
        """Each route that takes the labels, with the labels of its group."""
        found = self._known.get(labels)
        if found is None:
            if len(self._known) == self.most:
                self._known.clear()
            routes = routes_of(self.root, labels)
            found = tuple((route, group_labels(route, labels)) for route in routes)
            self._known[labels] = found
        return found
