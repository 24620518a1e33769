"""Why somebody is on call, or nobody: each reason is a type, and a sentence for a person."""

from __future__ import annotations

from dataclasses import dataclass

from llm_research_lab.vocabulary import Instant, rfc3339


@dataclass(frozen=True, slots=True)
class OnTurn:
    """The rotation of a layer has come to the person; `turn` counts from the virtual start."""

    layer: str
    turn: int

    def __str__(self) -> str:
        return f"turn {self.turn} of layer {self.layer}"


@dataclass(frozen=True, slots=True)
class OnOverride:
    """An override puts the person on, whatever the layers say."""

    start_ms: Instant
    end_ms: Instant
    note: str = ""

    def __str__(self) -> str:
        told = f" ({self.note})" if self.note else ""
        return f"override until {_short(self.end_ms)}{told}"


@dataclass(frozen=True, slots=True)
class OnSwap:
    """The person took over the duty of `instead`, by a swap that both confirmed."""

    instead: str
    duty: OnTurn | OnOverride

    def __str__(self) -> str:
        return f"swapped with {self.instead}, who had {self.duty}"


@dataclass(frozen=True, slots=True)
class OnShadow:
    """The person's turn comes next on the schedule that this one shadows."""

    schedule: str
    layer: str
    turn: int
    """The turn of the primary that is shadowed."""

    def __str__(self) -> str:
        return f"shadows turn {self.turn} of layer {self.layer} of {self.schedule}"


@dataclass(frozen=True, slots=True)
class Away:
    """Whoever should be on is away, and nothing below fills in."""

    user: str
    until_ms: Instant
    note: str = ""

    def __str__(self) -> str:
        told = f" ({self.note})" if self.note else ""
        return f"{self.user} is away until {_short(self.until_ms)}{told}, and nobody fills in"


@dataclass(frozen=True, slots=True)
class OutsideHours:
    """Every layer that is in force is restricted to other times."""

    layers: tuple[str, ...]

    def __str__(self) -> str:
        return f"outside the restrictions of {', '.join(self.layers)}"


@dataclass(frozen=True, slots=True)
class NoLayer:
    """No layer of the schedule is in force."""

    def __str__(self) -> str:
        return "no layer is in force"


@dataclass(frozen=True, slots=True)
class NoShadow:
    """The layer that is shadowed has nobody else who is there."""

    schedule: str

    def __str__(self) -> str:
        return f"nobody of {self.schedule} is free to shadow it"


@dataclass(frozen=True, slots=True)
class NotRecorded:
    """The roster, or its record of the schedule, starts later: what was before is not known."""

    from_ms: Instant

    def __str__(self) -> str:
        return f"not recorded before {_short(self.from_ms)}"


@dataclass(frozen=True, slots=True)
class NoSchedule:
    """The roster has no schedule of that name."""

    schedule: str

    def __str__(self) -> str:
        return f"no schedule {self.schedule}"


Duty = OnTurn | OnOverride | OnSwap | OnShadow
Nobody = Away | OutsideHours | NoLayer | NoShadow | NotRecorded | NoSchedule
Reason = Duty | Nobody


def _short(at_ms: Instant) -> str:
    """To the second when it is whole, as all instants of rosters are."""
    return rfc3339(at_ms).replace(".000Z", "Z")
