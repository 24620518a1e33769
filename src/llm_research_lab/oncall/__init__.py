"""Who is on call, who will be, and who is told next when nobody answers."""

from llm_research_lab.oncall.clock import Clock, clock_of, zone_names
from llm_research_lab.oncall.effects import (
    Effect,
    Exhausted,
    Notify,
    Page,
    Skipped,
    Waiting,
)
from llm_research_lab.oncall.escalation import (
    Acknowledged,
    AckTimedOut,
    Escalation,
    Event,
    Resolved,
    TimerDue,
    start,
    step,
)
from llm_research_lab.oncall.fairness import Paged, Share, fairness
from llm_research_lab.oncall.handing_over import HandOff, handoffs
from llm_research_lab.oncall.ical import read_ical, write_ical
from llm_research_lab.oncall.laws import edited, policy_findings, roster_findings
from llm_research_lab.oncall.moments import Moment, parsed_moment
from llm_research_lab.oncall.policy import Policy, Rule, Severity, Target, due_ms
from llm_research_lab.oncall.reaching import OnCall, Reached, Unreachable, on_call, terms_of
from llm_research_lab.oncall.read import read_roster
from llm_research_lab.oncall.read_policies import read_policies
from llm_research_lab.oncall.reasons import Nobody, Reason
from llm_research_lab.oncall.roster import ContactMethod, Override, Person, Roster, Schedule
from llm_research_lab.oncall.shifts import Gap, Overlap, Shift, gaps, overlaps, shifts
from llm_research_lab.oncall.swapping import judged
from llm_research_lab.oncall.who import who

__all__ = [
    "AckTimedOut",
    "Acknowledged",
    "Clock",
    "ContactMethod",
    "Effect",
    "Escalation",
    "Event",
    "Exhausted",
    "Gap",
    "HandOff",
    "Moment",
    "Nobody",
    "Notify",
    "OnCall",
    "Overlap",
    "Override",
    "Page",
    "Paged",
    "Person",
    "Policy",
    "Reached",
    "Reason",
    "Resolved",
    "Roster",
    "Rule",
    "Schedule",
    "Severity",
    "Share",
    "Shift",
    "Skipped",
    "Target",
    "TimerDue",
    "Unreachable",
    "Waiting",
    "clock_of",
    "due_ms",
    "edited",
    "fairness",
    "gaps",
    "handoffs",
    "judged",
    "on_call",
    "overlaps",
    "parsed_moment",
    "policy_findings",
    "read_ical",
    "read_policies",
    "read_roster",
    "roster_findings",
    "shifts",
    "start",
    "step",
    "terms_of",
    "who",
    "write_ical",
    "zone_names",
]
