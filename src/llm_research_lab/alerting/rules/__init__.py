"""Prometheus rules: read from files, and each alert stepped through its states."""

from llm_research_lab.alerting.rules.identity import identity
from llm_research_lab.alerting.rules.intervals import Interval, intervals
from llm_research_lab.alerting.rules.labelling import Expand, Templates, Told
from llm_research_lab.alerting.rules.past import evaluate_past
from llm_research_lab.alerting.rules.read import Group, Rule, RuleFile, read_rules
from llm_research_lab.alerting.rules.restoring import Outage, restored
from llm_research_lab.alerting.rules.running import Asked, Failure, Past, answer
from llm_research_lab.alerting.rules.state import Alert, State, Timing
from llm_research_lab.alerting.rules.unit_files import UnitFile, matching, read_unit_tests
from llm_research_lab.alerting.rules.unit_reports import Report, TestReport
from llm_research_lab.alerting.rules.unit_tests import run_unit_tests
from llm_research_lab.alerting.rules.written import Written

__all__ = [
    "Alert",
    "Asked",
    "Expand",
    "Failure",
    "Group",
    "Interval",
    "Outage",
    "Past",
    "Report",
    "Rule",
    "RuleFile",
    "State",
    "Templates",
    "TestReport",
    "Timing",
    "Told",
    "UnitFile",
    "Written",
    "answer",
    "evaluate_past",
    "identity",
    "intervals",
    "matching",
    "read_rules",
    "read_unit_tests",
    "restored",
    "run_unit_tests",
]
