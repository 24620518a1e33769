"""What an evaluation of a group of rules says of its alerts: handed to whoever decides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from llm_research_lab.alerting.rules import Alert
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels


@dataclass(frozen=True, slots=True)
class Standing:
    """One alert of a rule as it stands after an evaluation; `labels` are those that are sent."""

    rule: str
    labels: Labels
    alert: Alert
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A group was evaluated at its tick; rules that failed have no alerts here, as in Prometheus.

    `file` and `group` name the group: two files may have groups of one name.
    """

    file: str
    group: str
    interval_ms: int
    at_ms: Instant
    alerts: tuple[Standing, ...]

    @property
    def key(self) -> tuple[str, str]:
        """The group's name among all."""
        return self.file, self.group


Heard = Callable[[Evaluated], Awaitable[None]]
"""Takes an evaluation in, and answers when it has been taken."""


async def unheard(_evaluated: Evaluated) -> None:
    """Tell nobody: there is nobody to decide."""
