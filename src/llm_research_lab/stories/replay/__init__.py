"""Replay: alerts that fired, through routes and a roster, to the people who would be woken."""

from llm_research_lab.stories.replay.comparing import Comparison, Difference, compare
from llm_research_lab.stories.replay.firing import Firing, arrivals, firings
from llm_research_lab.stories.replay.outcomes import Heard, Outcome, outcomes
from llm_research_lab.stories.replay.paging import PAGERS, replay
from llm_research_lab.stories.replay.records import (
    Acknowledged,
    Again,
    Closed,
    Ended,
    NotReached,
    Opened,
    Record,
    Unpaged,
    Woken,
)
from llm_research_lab.stories.replay.responding import Responder, Responders

__all__ = [
    "PAGERS",
    "Acknowledged",
    "Again",
    "Closed",
    "Comparison",
    "Difference",
    "Ended",
    "Firing",
    "Heard",
    "NotReached",
    "Opened",
    "Outcome",
    "Record",
    "Responder",
    "Responders",
    "Unpaged",
    "Woken",
    "arrivals",
    "compare",
    "firings",
    "outcomes",
    "replay",
]
