"""Alerts over time become notifications over time, under a clock that is only counted.

Source: Alertmanager, cmd/alertmanager/main.go, which ties the same parts together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import merge

from llm_research_lab.alerting.notifying.configuration import Configuration
from llm_research_lab.alerting.notifying.dispatching import Dispatcher, Told
from llm_research_lab.alerting.notifying.semantics import V0_25, Semantics
from llm_research_lab.alerting.notifying.silencing import Silences
from llm_research_lab.alerting.notifying.values import Alert, Silence
from llm_research_lab.vocabulary import Instant


@dataclass(frozen=True, slots=True)
class Arrival:
    """Alerts that were sent together."""

    at_ms: Instant
    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True)
class Reload:
    """Another configuration from an instant on; a restart forgets the alerts too."""

    at_ms: Instant
    configuration: Configuration
    restart: bool = False


def course(
    configuration: Configuration,
    arrivals: Iterable[Arrival],
    silences: Iterable[Silence],
    from_ms: Instant,
    to_ms: Instant,
    *,
    reloads: Iterable[Reload] = (),
    semantics: Semantics = V0_25,
) -> Iterator[Told]:
    """Give what was told and what was withheld, in the order of time, up to `to_ms` included.

    Arrivals and reloads come in the order of time, none before `from_ms`; what is later than
    `to_ms` is left out. The same input gives the same output, to the order.
    """
    dispatcher = Dispatcher(configuration, from_ms, Silences.of(silences), semantics)
    events: Iterator[Arrival | Reload] = merge(reloads, arrivals, key=_at)
    for event in events:
        if event.at_ms > to_ms:
            break
        if isinstance(event, Reload):
            yield from dispatcher.reload(event.configuration, event.at_ms, restart=event.restart)
        else:
            yield from dispatcher.arrive(event.alerts, event.at_ms)
    yield from dispatcher.advance(to_ms)


def _at(event: Arrival | Reload) -> Instant:
    return event.at_ms
