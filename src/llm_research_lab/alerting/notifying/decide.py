"""Who would be told of an alert at an instant, with others firing and silences standing?

Source: Alertmanager's ``amtool config routes test`` answers the first half: which receivers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from llm_research_lab.alerting.notifying.configuration import Configuration, Receiver, Route
from llm_research_lab.alerting.notifying.group import View, muted
from llm_research_lab.alerting.notifying.inhibiting import Inhibitor
from llm_research_lab.alerting.notifying.intervals import Spans
from llm_research_lab.alerting.notifying.reasons import (
    Grouped,
    Muted,
    NoIntegration,
    Reason,
    Routed,
)
from llm_research_lab.alerting.notifying.routing import group_labels, routes_of
from llm_research_lab.alerting.notifying.silencing import Silences
from llm_research_lab.alerting.notifying.values import Alert, Silence
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels


@dataclass(frozen=True, slots=True)
class Decision:
    """One route takes the alert: its receiver is told, or not and why.

    A receiver without integrations is not muted, as amtool has it; `why` says that it tells nobody.
    """

    route: Route
    receiver: Receiver
    group_labels: Labels
    muted: Muted | None

    @property
    def why(self) -> tuple[Reason, ...]:
        """The chain of reasons."""
        routed = Routed(self.route.id, self.receiver.name)
        chain: tuple[Reason, ...] = (routed, Grouped(self.group_labels))
        if self.muted is not None:
            return *chain, self.muted
        return chain if self.receiver.integrations else (*chain, NoIntegration(self.receiver.name))


def receivers_at(
    configuration: Configuration,
    labels: Labels,
    at_ms: Instant,
    others: Iterable[Labels] = (),
    silences: Iterable[Silence] = (),
) -> tuple[Decision, ...]:
    """Decide for each route that takes the labels, in the tree's order.

    The alert itself counts among those that fire.
    """
    inhibitor = Inhibitor(configuration.inhibit_rules)
    for firing in (labels, *others):
        inhibitor.put(Alert(firing, at_ms), at_ms)
    standing = Silences.of(silences)
    return tuple(
        _decision(configuration, route, labels, at_ms, inhibitor, standing)
        for route in routes_of(configuration.route, labels)
    )


def _decision(  # noqa: PLR0917 - what a decision rests on
    configuration: Configuration,
    route: Route,
    labels: Labels,
    at_ms: Instant,
    inhibitor: Inhibitor,
    silences: Silences,
) -> Decision:
    receiver = configuration.receivers[route.receiver]
    active, mute = (
        Spans(configuration.time_intervals, names) if names else None
        for names in (route.active_time_intervals, route.mute_time_intervals)
    )
    view = View(receiver, inhibitor, silences, active, mute, {})
    found = muted(labels, at_ms, view, route)
    return Decision(route, receiver, group_labels(route, labels), found)
