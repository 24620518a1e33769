"""Alertmanager's semantics: who is notified of which alerts, when, and why not of the others."""

from llm_research_lab.alerting.notifying.configuration import (
    Configuration,
    InhibitRule,
    Integration,
    Receiver,
    Route,
)
from llm_research_lab.alerting.notifying.course import Arrival, Reload, course
from llm_research_lab.alerting.notifying.decide import Decision, receivers_at
from llm_research_lab.alerting.notifying.dispatching import Dispatcher, Told
from llm_research_lab.alerting.notifying.effects import Effect, Logged, Notification, Withheld
from llm_research_lab.alerting.notifying.group import Arrived, Flush, Group, View, opened, step
from llm_research_lab.alerting.notifying.intervals import TimeInterval
from llm_research_lab.alerting.notifying.log import Entry, LogKey
from llm_research_lab.alerting.notifying.parsing import parse_matchers
from llm_research_lab.alerting.notifying.read import read_routes
from llm_research_lab.alerting.notifying.reasons import (
    AllResolved,
    Because,
    FirstTold,
    Grouped,
    InhibitedBy,
    Invalid,
    MutedBy,
    NeverTold,
    NewFiring,
    NewResolved,
    NoIntegration,
    NonEffect,
    OutsideActive,
    Reason,
    Repeated,
    ResolvedNotSent,
    Routed,
    SilencedBy,
    TooSoon,
    Waiting,
)
from llm_research_lab.alerting.notifying.routing import routes_of
from llm_research_lab.alerting.notifying.semantics import LATEST, V0_25, Semantics
from llm_research_lab.alerting.notifying.sending import Fired, sendings
from llm_research_lab.alerting.notifying.silencing import Silences
from llm_research_lab.alerting.notifying.values import Alert, Silence, fingerprint

__all__ = [
    "LATEST",
    "V0_25",
    "Alert",
    "AllResolved",
    "Arrival",
    "Arrived",
    "Because",
    "Configuration",
    "Decision",
    "Dispatcher",
    "Effect",
    "Entry",
    "Fired",
    "FirstTold",
    "Flush",
    "Group",
    "Grouped",
    "InhibitRule",
    "InhibitedBy",
    "Integration",
    "Invalid",
    "LogKey",
    "Logged",
    "MutedBy",
    "NeverTold",
    "NewFiring",
    "NewResolved",
    "NoIntegration",
    "NonEffect",
    "Notification",
    "OutsideActive",
    "Reason",
    "Receiver",
    "Reload",
    "Repeated",
    "ResolvedNotSent",
    "Route",
    "Routed",
    "Semantics",
    "Silence",
    "SilencedBy",
    "Silences",
    "TimeInterval",
    "Told",
    "TooSoon",
    "View",
    "Waiting",
    "Withheld",
    "course",
    "fingerprint",
    "opened",
    "parse_matchers",
    "read_routes",
    "receivers_at",
    "routes_of",
    "sendings",
    "step",
]
