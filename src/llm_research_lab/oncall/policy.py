"""An escalation policy in PagerDuty's words: rules with targets, a delay each, and loops.

PagerDuty's `escalation_delay_in_minutes` is how long a rule waits before the next one, and is at
least 1. The specification's policy (5.4.2) says 0, 15, 30, 60, and its table says that the
secondary is due 15 minutes after the page; added up as PagerDuty adds, the secondary would come
at 0, the manager at 15, the director at 45 and the next loop at 105. So `delays: after_trigger`
reads the numbers as the table means them: minutes after the page. A policy whose first delay is 0
cannot be PagerDuty's and is read so by itself (`lab lint` asks to write it down); any other policy
is read as PagerDuty reads it.

Read so, a last rule has no delay of its own: it waits as long as the one before it did, in the
specification 30 minutes, hence the next loop starts at 90.

Source: PagerDuty's REST API, escalation policies; the specification, 5.4.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from llm_research_lab.oncall.clock import MINUTE_MS, THURSDAY_MS, WEEK_MS, Clock
from llm_research_lab.oncall.rotation import Window, within
from llm_research_lab.vocabulary import Instant

UNTIL_NEXT_RULE = "until_next_rule"
AFTER_TRIGGER = "after_trigger"
DEFAULT_MINUTES = 30
"""PagerDuty's delay of a new rule; what a lone rule that is read after_trigger waits."""


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a rule names: `type` is schedule_reference or user_reference."""

    type: str
    id: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """All targets are told at once; without an answer, the next rule is due after the delay."""

    delay_ms: int
    targets: tuple[Target, ...]
    where: str = ""


@dataclass(frozen=True, slots=True)
class Hours:
    """When a policy may tell anybody; outside, what is due waits for the next opening."""

    clock: Clock
    windows: tuple[Window, ...]

    def open_at(self, at_ms: Instant) -> Instant:
        """Give the instant itself when it lies within, else the next opening."""
        shown = self.clock.reading(at_ms)
        if within(self.windows, shown):
            return at_ms
        return min(self.clock.instant(shown + ahead) for ahead in self._ahead(shown))

    def _ahead(self, shown: int) -> tuple[int, ...]:
        place = (shown + THURSDAY_MS) % WEEK_MS
        return tuple((start - place) % WEEK_MS for start, _ in self.windows)


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules are run through `num_loops` times more after the first time, if nobody answers."""

    name: str
    rules: tuple[Rule, ...]
    num_loops: int = 0
    handoffs: str = "if_has_services"
    """PagerDuty's on_call_handoff_notifications: if_has_services or always."""
    delays: str = UNTIL_NEXT_RULE
    declared: bool = False
    """Whether the file says how its delays are meant."""
    written: tuple[int, ...] = ()
    """The delays in minutes as they stand in the file."""
    hours: Hours | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Severity:
    """A row of the matrix: what a severity's pages do.

    An acknowledgement holds for `acknowledged_ms` (None: for good). After `manager_ms` a page that
    is not resolved is told to the manager, even when it is acknowledged.
    """

    severity: str
    policy: str
    acknowledged_ms: int | None = 30 * MINUTE_MS
    manager_ms: int | None = None
    where: str = ""


Matrix = tuple[Severity, ...]


def delays_ms(minutes: tuple[int, ...], delays: str) -> tuple[int, ...]:
    """How long each rule waits for the next, from the numbers of a file."""
    if delays == UNTIL_NEXT_RULE:
        return tuple(one * MINUTE_MS for one in minutes)
    apart = [later - sooner for sooner, later in pairwise(minutes)]
    last = apart[-1] if apart else DEFAULT_MINUTES
    return tuple(one * MINUTE_MS for one in (*apart, last))


def reading_of(minutes: tuple[int, ...]) -> str:
    """How delays are meant when a policy does not say: a first delay of 0 is not PagerDuty's."""
    return AFTER_TRIGGER if minutes[:1] == (0,) else UNTIL_NEXT_RULE


def due_ms(policy: Policy) -> tuple[int, ...]:
    """How long after the page each rule is due, in the first loop."""
    return tuple(
        sum(rule.delay_ms for rule in policy.rules[:place]) for place in range(len(policy.rules))
    )
