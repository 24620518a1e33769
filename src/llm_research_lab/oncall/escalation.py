"""An escalation is stepped by events: (escalation, event, now) to (escalation, effects).

- The first rule is run at the page. When a rule's delay is over and nobody has acknowledged, the
  next is run; after the last the first again, `num_loops` times; then the escalation is exhausted.
- Who is on call is asked when a rule is run, so a loop reaches whoever has taken over.
- A rule that reaches nobody is passed over at once. When no rule reaches anybody, the policy waits
  as its last rule waits and begins its next loop: a short gap in a roster loses no page.
- An acknowledgement ends the notifying. When it times out, the rule that was current is run again:
  its targets of now and who acknowledged are told, and its delay starts anew.
- After `manager_ms` the manager of whoever has the page is told once, acknowledged or not: who
  acknowledged it, else the first person that the current rule told.
- A contact method with a start delay is used when that is over, unless the page is acknowledged,
  resolved, or another rule has taken it over by then.
- What is due outside the policy's support hours waits for their beginning.

A timer that comes late counts from when it came. Source: PagerDuty, escalation policies,
acknowledgement timeouts ("starts the notification process again", telling who acknowledged and
who is on call now); the specification, 5.4.1 and 5.4.2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from llm_research_lab.oncall.effects import (
    AckTimeout,
    AllLoopsDone,
    AlreadyTold,
    AtRule,
    Effect,
    Exhausted,
    ManagerOf,
    NobodyReached,
    NoManager,
    Notify,
    OutsideSupportHours,
    Page,
    Skipped,
    Waiting,
    Why,
)
from llm_research_lab.oncall.policy import Policy, Rule, Severity, Target
from llm_research_lab.oncall.reaching import OnCall, Reached, Unreachable
from llm_research_lab.oncall.roster import Person
from llm_research_lab.vocabulary import Instant

TRIGGERED, ACKNOWLEDGED, RESOLVED, EXHAUSTED = "triggered", "acknowledged", "resolved", "exhausted"


@dataclass(frozen=True, slots=True)
class TimerDue:
    """The clock has reached `next_at_ms`."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A person has taken the page on."""

    user: str


@dataclass(frozen=True, slots=True)
class AckTimedOut:
    """The acknowledgement is void, before its time: somebody gave the page back."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """The page is over."""


Event = TimerDue | Acknowledged | AckTimedOut | Resolved


@dataclass(frozen=True, slots=True)
class Escalation:
    """A page on its way through a policy."""

    policy: Policy
    terms: Severity
    page: Page
    started_ms: Instant
    state: str = TRIGGERED
    loop: int = 0
    place: int = 0
    """The rule that is current; the one to be run, while `ran` is false."""
    ran: bool = False
    due_ms: Instant | None = None
    """When the next rule is run."""
    holders: tuple[Person, ...] = ()
    """Who was told last, the first first; after an acknowledgement who gave it, if known."""
    acknowledged_by: str | None = None
    acknowledged_until_ms: Instant | None = None
    manager_at_ms: Instant | None = None
    pending: tuple[Notify, ...] = ()

    @property
    def next_at_ms(self) -> Instant | None:
        """When a TimerDue is needed; None when nothing more happens by itself."""
        times = (self.due_ms, self.acknowledged_until_ms, self.manager_at_ms)
        waiting = [one.at_ms for one in self.pending]
        return min((one for one in (*times, *waiting) if one is not None), default=None)


Step = tuple[Escalation, tuple[Effect, ...]]


def start(
    policy: Policy, page: Page, now_ms: Instant, who: OnCall, terms: Severity | None = None
) -> Step:
    """Begin: the first rule is run now, or when the support hours begin."""
    agreed = terms or Severity(page.severity, policy.name)
    manager_at = None if agreed.manager_ms is None else now_ms + agreed.manager_ms
    begun = Escalation(policy, agreed, page, now_ms, due_ms=now_ms, manager_at_ms=manager_at)
    return step(begun, TimerDue(), now_ms, who)


def step(escalation: Escalation, event: Event, now_ms: Instant, who: OnCall) -> Step:
    """Take an event; what comes after the resolution changes nothing."""
    if escalation.state == RESOLVED:
        return escalation, ()
    match event:
        case Acknowledged(user):
            return _acknowledged(escalation, user, now_ms, who), ()
        case AckTimedOut():
            return _timed_out(escalation, now_ms, who)
        case Resolved():
            return _resolved(escalation), ()
        case TimerDue():
            return _timer(escalation, now_ms, who)


def _resolved(escalation: Escalation) -> Escalation:
    return replace(
        escalation,
        state=RESOLVED,
        due_ms=None,
        acknowledged_until_ms=None,
        manager_at_ms=None,
        pending=(),
    )


def _acknowledged(escalation: Escalation, user: str, now_ms: Instant, who: OnCall) -> Escalation:
    """Stop the notifying; the last who acknowledges holds the page."""
    timeout = escalation.terms.acknowledged_ms
    found = who(Target("user_reference", user), now_ms)
    known = [found.person] if isinstance(found, Reached) else []
    known += [one for one in escalation.holders if one.id == user]
    return replace(
        escalation,
        state=ACKNOWLEDGED,
        due_ms=None,
        pending=(),
        acknowledged_by=user,
        acknowledged_until_ms=None if timeout is None else now_ms + timeout,
        holders=tuple(known[:1]) or escalation.holders,
    )


def _timed_out(escalation: Escalation, now_ms: Instant, who: OnCall) -> Step:
    """Run the current rule again, and tell who acknowledged first."""
    user = escalation.acknowledged_by
    if escalation.state != ACKNOWLEDGED or user is None:
        return escalation, ()
    opens = _opening(escalation, now_ms)
    if opens > now_ms:
        later = replace(escalation, acknowledged_until_ms=opens)
        return later, (Waiting(opens, OutsideSupportHours(opens)),)
    again = replace(
        escalation,
        state=TRIGGERED,
        acknowledged_by=None,
        acknowledged_until_ms=None,
        ran=False,
    )
    level = again.place + 1
    found = who(Target("user_reference", user), now_ms)
    if isinstance(found, Unreachable):
        stepped, effects = _run(again, now_ms, who)
        return stepped, (Skipped(user, level, found.reason), *effects)
    told = _told(again, found.person, level, AckTimeout(user), now_ms)
    return _run(again, now_ms, who, (found.person,), told)


def _timer(escalation: Escalation, now_ms: Instant, who: OnCall) -> Step:
    """Do all that is due by now, in order of time; at one time: ways, timeout, rule, manager."""
    effects: list[Effect] = []
    while escalation.next_at_ms is not None and escalation.next_at_ms <= now_ms:
        at_ms = escalation.next_at_ms
        ready = tuple(one for one in escalation.pending if one.at_ms == at_ms)
        done: tuple[Effect, ...]
        if ready:
            rest = tuple(one for one in escalation.pending if one.at_ms != at_ms)
            escalation, done = replace(escalation, pending=rest), ready
        elif escalation.acknowledged_until_ms == at_ms:
            escalation, done = _timed_out(escalation, now_ms, who)
        elif escalation.due_ms == at_ms:
            escalation, done = _due(escalation, now_ms, who)
        else:
            escalation, done = _manager(escalation, now_ms, who)
        effects += done
    return escalation, tuple(effects)


def _due(escalation: Escalation, now_ms: Instant, who: OnCall) -> Step:
    """Run the next rule, within the support hours."""
    following = _next(escalation) if escalation.ran else escalation
    if following is None:
        return _exhausted(escalation)
    opens = _opening(escalation, now_ms)
    if opens > now_ms:
        return replace(escalation, due_ms=opens), (Waiting(opens, OutsideSupportHours(opens)),)
    return _run(following, now_ms, who)


def _opening(escalation: Escalation, now_ms: Instant) -> Instant:
    """From when on the policy may tell anybody: now, or when the support hours begin."""
    hours = escalation.policy.hours
    return now_ms if hours is None else hours.open_at(now_ms)


def _next(escalation: Escalation) -> Escalation | None:
    """Turn to the rule after the current one; after the last to the first, while loops remain."""
    if escalation.place + 1 < len(escalation.policy.rules):
        return replace(escalation, place=escalation.place + 1, ran=False)
    if escalation.loop < escalation.policy.num_loops:
        return replace(escalation, place=0, loop=escalation.loop + 1, ran=False)
    return None


def _exhausted(escalation: Escalation) -> Step:
    """End: somebody was told and did not acknowledge, or nobody ever could be told."""
    reason = AllLoopsDone(escalation.loop + 1) if escalation.holders else NobodyReached()
    return replace(escalation, state=EXHAUSTED, due_ms=None), (Exhausted(reason),)


def _run(
    escalation: Escalation,
    now_ms: Instant,
    who: OnCall,
    told: tuple[Person, ...] = (),
    effects: tuple[Notify, ...] = (),
) -> Step:
    """Run the current rule, or the first after it that reaches anybody.

    `told` were told already for another reason, by `effects`, and count as reached.
    """
    found: list[Effect] = []
    for _ in escalation.policy.rules:
        rule = escalation.policy.rules[escalation.place]
        people, done = _rule(escalation, rule, now_ms, who, told)
        found += done
        if people or told:
            return _reached(escalation, rule, (*told, *people), (*effects, *found), now_ms)
        following = _next(escalation)
        if following is None:
            ended, end = _exhausted(escalation)
            return ended, (*found, *end)
        escalation = following
    again_ms = now_ms + escalation.policy.rules[-1].delay_ms
    waiting = replace(escalation, place=0, due_ms=again_ms)
    return waiting, (*found, Waiting(again_ms, NobodyReached()))


def _reached(
    escalation: Escalation,
    rule: Rule,
    people: tuple[Person, ...],
    effects: tuple[Effect, ...],
    now_ms: Instant,
) -> Step:
    """Keep what is due later, and start the rule's delay."""
    later = tuple(one for one in effects if isinstance(one, Notify) and one.at_ms > now_ms)
    held = replace(
        escalation, ran=True, due_ms=now_ms + rule.delay_ms, holders=people, pending=later
    )
    return held, tuple(one for one in effects if one not in later)


def _rule(
    escalation: Escalation, rule: Rule, now_ms: Instant, who: OnCall, told: tuple[Person, ...]
) -> tuple[tuple[Person, ...], list[Effect]]:
    """Tell every target that leads to somebody; nobody is told twice."""
    people: list[Person] = []
    effects: list[Effect] = []
    level = escalation.place + 1
    for target in rule.targets:
        found = who(target, now_ms)
        if isinstance(found, Unreachable):
            effects.append(Skipped(target.id, level, found.reason))
        elif found.person.id in {one.id for one in (*told, *people)}:
            effects.append(Skipped(target.id, level, AlreadyTold(found.person.id)))
        else:
            people.append(found.person)
            why = AtRule(level, escalation.loop + 1, target.id, found.reason)
            effects += _told(escalation, found.person, level, why, now_ms)
    return tuple(people), effects


def _told(
    escalation: Escalation, person: Person, level: int, why: Why, now_ms: Instant
) -> tuple[Notify, ...]:
    """Use each way to reach the person, when its delay is over."""
    return tuple(
        Notify(person.id, way, escalation.page, level, why, now_ms + way.start_delay_ms)
        for way in person.contact_methods
    )


def _manager(escalation: Escalation, now_ms: Instant, who: OnCall) -> Step:
    """Tell the manager of whoever has the page, by all ways at once; only once."""
    opens = _opening(escalation, now_ms)
    if opens > now_ms:
        later = replace(escalation, manager_at_ms=opens)
        return later, (Waiting(opens, OutsideSupportHours(opens)),)
    told = replace(escalation, manager_at_ms=None)
    level = escalation.place + 1
    holder = next(iter(escalation.holders), None)
    if holder is None or holder.manager is None:
        return told, (Skipped("manager", level, NoManager(holder.id if holder else None)),)
    found = who(Target("user_reference", holder.manager), now_ms)
    if isinstance(found, Unreachable):
        return told, (Skipped(holder.manager, level, found.reason),)
    why = ManagerOf(holder.id, now_ms - escalation.started_ms)
    ways = _told(escalation, found.person, level, why, now_ms)
    return told, tuple(replace(one, at_ms=now_ms) for one in ways)
