"""An Alertmanager's configuration: one tree of routes, receivers, inhibitions, time intervals.

A route's settings are here as they act: inherited from its parent where it names none itself.
Source: Alertmanager, dispatch/route.go, config/config.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from llm_research_lab.alerting.notifying.intervals import TimeInterval
from llm_research_lab.alerting.notifying.values import RESOLVE_TIMEOUT_MS
from llm_research_lab.vocabulary import Finding
from llm_research_lab.vocabulary.matchers import Matcher

GROUP_WAIT_MS = 30_000
GROUP_INTERVAL_MS = 5 * 60_000
REPEAT_INTERVAL_MS = 4 * 60 * 60_000
"""What the root has where it names nothing. Source: dispatch/route.go, DefaultRouteOpts."""


@dataclass(frozen=True, slots=True)
class Route:
    """A node of the tree; `key` is its path, ``{}/{severity="critical"}``.

    `id` is the key and the place among its siblings: unlike the key it is never shared. `group_by`
    None groups by all labels (``...``). `where` is ``line:column`` in the file.
    """

    key: str
    id: str
    receiver: str
    group_by: frozenset[str] | None = frozenset()
    matchers: tuple[Matcher, ...] = ()
    goes_on: bool = False
    group_wait_ms: int = GROUP_WAIT_MS
    group_interval_ms: int = GROUP_INTERVAL_MS
    repeat_interval_ms: int = REPEAT_INTERVAL_MS
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()
    where: str = ""

    def walk(self) -> Iterator[Route]:
        """The route and all below it, depth first."""
        yield self
        for route in self.routes:
            yield from route.walk()


@dataclass(frozen=True, slots=True)
class Integration:
    """One way in which a receiver is told; `index` counts within its kind.

    `settings` are as the file has them, defaults of the global section not filled in.
    """

    kind: str
    index: int
    send_resolved: bool
    settings: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        """``webhook[0]``, as Alertmanager's log has it."""
        return f"{self.kind}[{self.index}]"


@dataclass(frozen=True, slots=True)
class Receiver:
    """A name that routes send to."""

    name: str
    integrations: tuple[Integration, ...] = ()
    where: str = ""


@dataclass(frozen=True, slots=True)
class InhibitRule:
    """While an alert fires that `source` accepts, alerts that `target` accepts are not told of.

    Both must agree in the labels `equal`; a label that both lack agrees.
    """

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()
    name: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Configuration:
    """A file that Alertmanager would load; `notes` are what it would only warn of."""

    route: Route
    receivers: Mapping[str, Receiver]
    inhibit_rules: tuple[InhibitRule, ...] = ()
    time_intervals: Mapping[str, tuple[TimeInterval, ...]] = field(default_factory=dict)
    resolve_timeout_ms: int = RESOLVE_TIMEOUT_MS
    templates: tuple[str, ...] = ()
    global_settings: Mapping[str, Any] = field(default_factory=dict, compare=False)
    notes: tuple[Finding, ...] = ()
