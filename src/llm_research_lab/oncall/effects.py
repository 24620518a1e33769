"""What an escalation does, or does not do: each is a value that says why."""

from __future__ import annotations

from dataclasses import dataclass

from llm_research_lab.oncall.reasons import Duty, Nobody
from llm_research_lab.oncall.roster import ContactMethod
from llm_research_lab.vocabulary import Instant, rfc3339
from llm_research_lab.vocabulary.durations import format_duration


@dataclass(frozen=True, slots=True)
class Page:
    """What somebody is told of: one incident or alert group."""

    id: str
    severity: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """The policy names the person."""

    def __str__(self) -> str:
        return "named by the policy"


@dataclass(frozen=True, slots=True)
class AtRule:
    """A rule of the policy is due: `level` and `loop` count from 1."""

    level: int
    loop: int
    target: str
    duty: Duty | Named

    def __str__(self) -> str:
        return f"level {self.level}, loop {self.loop}: {self.target}, {self.duty}"


@dataclass(frozen=True, slots=True)
class AckTimeout:
    """The person acknowledged, and the page was not resolved in time."""

    user: str

    def __str__(self) -> str:
        return f"{self.user} acknowledged, and it is not resolved"


@dataclass(frozen=True, slots=True)
class ManagerOf:
    """The page has been open so long that the manager of whoever has it is told."""

    user: str
    open_ms: int

    def __str__(self) -> str:
        return f"manager of {self.user}, open for {format_duration(self.open_ms)}"


Why = AtRule | AckTimeout | ManagerOf


@dataclass(frozen=True, slots=True)
class UnknownUser:
    """The roster has nobody of that name."""

    user: str

    def __str__(self) -> str:
        return f"no user {self.user}"


@dataclass(frozen=True, slots=True)
class AwayUntil:
    """The person is away."""

    user: str
    until_ms: Instant

    def __str__(self) -> str:
        return f"{self.user} is away until {rfc3339(self.until_ms)}"


@dataclass(frozen=True, slots=True)
class NoWay:
    """The person has no contact method."""

    user: str

    def __str__(self) -> str:
        return f"{self.user} has no contact method"


@dataclass(frozen=True, slots=True)
class AlreadyTold:
    """Another target of the same rule has led to the person."""

    user: str

    def __str__(self) -> str:
        return f"{self.user} is told by another target of the rule"


@dataclass(frozen=True, slots=True)
class NoManager:
    """Whoever has the page has no manager in the roster, or nobody ever had it."""

    user: str | None

    def __str__(self) -> str:
        return f"{self.user} has no manager" if self.user else "nobody has had the page"


@dataclass(frozen=True, slots=True)
class OutsideSupportHours:
    """The policy tells nobody before its support hours begin."""

    until_ms: Instant

    def __str__(self) -> str:
        return f"outside the support hours, until {rfc3339(self.until_ms)}"


@dataclass(frozen=True, slots=True)
class NobodyReached:
    """No rule of the policy reaches anybody now."""

    def __str__(self) -> str:
        return "no rule reaches anybody"


@dataclass(frozen=True, slots=True)
class AllLoopsDone:
    """Every rule was run as often as the policy says, and nobody acknowledged."""

    loops: int

    def __str__(self) -> str:
        return f"nobody acknowledged in {self.loops} loop{'s' if self.loops > 1 else ''}"


Unreached = Nobody | UnknownUser | AwayUntil | NoWay | AlreadyTold | NoManager


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell the person this way at `at_ms`; what is due later is dropped when it is acknowledged."""

    user: str
    way: ContactMethod
    page: Page
    level: int
    reason: Why
    at_ms: Instant


@dataclass(frozen=True, slots=True)
class Skipped:
    """A target of a rule is not told."""

    target: str
    level: int
    reason: Unreached


@dataclass(frozen=True, slots=True)
class Waiting:
    """A rule is due, and is put off."""

    until_ms: Instant
    reason: OutsideSupportHours | NobodyReached


@dataclass(frozen=True, slots=True)
class Exhausted:
    """The policy has come to its end; the page stays open, and nobody more is told of it."""

    reason: AllLoopsDone | NobodyReached


Effect = Notify | Skipped | Waiting | Exhausted
