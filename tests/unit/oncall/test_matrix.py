"""The specification's matrix (5.4.2), as the how-to writes it, worked out by hand minute by minute."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.oncall.planted import DAY, HOUR, MINUTE, at, layer, person, roster, schedule
from tests.unit.oncall.test_escalation import run

from llm_research_lab.oncall.effects import Page
from llm_research_lab.oncall.escalation import Acknowledged, start, step
from llm_research_lab.oncall.laws import roster_findings
from llm_research_lab.oncall.reaching import on_call, terms_of
from llm_research_lab.oncall.read_policies import read_policies

PAGE = Path(__file__).parents[3] / "docs/how-to/on-call.md"
T = at("2026-01-05 00:00")  # a Monday; in New York it is Sunday, 19:00


@pytest.fixture(scope="module")
def known():
    blocks = PAGE.read_text(encoding="utf-8").split("```yaml\n")
    (policies, matrix), findings = read_policies(blocks[2].partition("```")[0])
    assert findings == ()
    staff = [person("engineering-manager"), person("director-of-engineering"), person("team-lead")]
    return roster(
        schedule("primary", layer("a", "2026-01-01 00:00", DAY)),
        schedule("secondary", layer("b", "2026-01-01 00:00", DAY), level="secondary"),
        people=[person("a", manager="e"), *staff],
        policies=policies,
        matrix=matrix,
        from_ms=T,
    )


def played(known, severity, minutes):
    policy, terms = terms_of(known, severity)
    who = on_call(known)
    return run(*start(policy, Page("1", severity), T, who, terms), who, minutes)[1]


MANAGER, DIRECTOR = "engineering-manager@3", "director-of-engineering@4"


@pytest.mark.parametrize(
    ("severity", "minutes", "expected"),
    [
        ("P1", 100, [(0, "a@1"), (15, "b@2"), (30, MANAGER), (60, DIRECTOR), (90, "a@1")]),
        ("P2", 130, [(0, "a@1"), (30, "b@2"), (60, MANAGER), (90, "a@1"), (120, "b@2")]),
        ("P3", 300, [(0, "a@1"), (120, "b@2"), (240, "end")]),
        # P4: Monday 09:00 in New York is 14:00 UTC; eight hours later it is closed until Tuesday
        ("P4", 3000, [(0, "wait"), (14 * 60, "a@1"), (22 * 60, "wait"), (38 * 60, "team-lead@2"), (46 * 60, "end")]),
    ],
)  # fmt: skip
def test_a_page_that_nobody_acknowledges(known, severity, minutes, expected):
    assert played(known, severity, minutes) == expected


def test_the_manager_hears_of_a_p1_after_two_hours_though_it_is_acknowledged(known):
    policy, terms = terms_of(known, "P1")
    who = on_call(known)
    escalation, _ = start(policy, Page("1", "P1"), T, who, terms)
    times = []
    for minute in range(1, 125, 20):  # acknowledged again before each timeout
        escalation, effects = step(escalation, Acknowledged("a"), T + minute * MINUTE, who)
        escalation, told = run(escalation, effects, who, minute + 19)
        times += told
    assert times == [(120, "e@1")]
    assert policy.hours is None
    assert escalation.started_ms + 2 * HOUR == T + 2 * HOUR


def test_the_matrix_breaks_no_law(known):
    assert roster_findings(known, T) == ()
