"""Groups of rules, evaluated live by Prometheus 2.42 and by us on the same samples at its ticks.

Ours are evaluated twice: over the past, a layer in one pass; and live, tick by tick. Each time all
that rules wrote is compared, markers and ``ALERTS`` with it, and how rules and alerts stand at last.
"""

from __future__ import annotations

import json
import re

import pytest
from tests.reference.chains import chains
from tests.reference.rule_cases import cases
from tests.reference.rule_runs import run, same
from tests.reference.rule_sides import group_of, live, over_the_past, shown

SEEDS = [1, *(pytest.param(n, marks=pytest.mark.long) for n in range(2, 12))]
GENERATED = 27
SECONDS = 8
ATTEMPTS = 3
"""How often a run is tried of which a tenth of the groups, or more, was late."""
WORDS = re.compile(
    r"for the match group .* (on the .*of the operation: ).*(;many-to-many)"
    r"|\d+:\d+: parse error: .*?(?=>$|$)"
)
"""Which of several pairs of series are too many, in an order of their own; a parser's words."""


def groups_of(seed):
    """Generated groups, and the named cases after them."""
    return [*chains(seed, GENERATED), *cases(GENERATED)]


@pytest.fixture(scope="module", params=SEEDS)
def told(request, tmp_path_factory):
    """A run in which most groups saw all that they should have seen."""
    for _ in range(ATTEMPTS):
        folder = tmp_path_factory.mktemp("prometheus")
        made = run(folder, groups_of(request.param), request.param, SECONDS)
        if 10 * len(made.steady()) > 9 * len(made.chains):
            break
    return made


def differences(made, ours, *, circular):
    """What differs, a line each."""
    sound = [one for one in made.steady() if circular or not one.circular]
    assert len(sound) > 1
    numbers = {one.number for one in sound}
    rules = {
        (one.number, place): rule
        for one in sound
        for place, rule in enumerate(one.written["rules"])
    }
    mine = ours.written(numbers)
    theirs = {labels: got for labels, got in made.series.items() if group_of(labels) in numbers}
    lines = []
    for labels in sorted(mine.keys() | theirs.keys()):
        a, b = mine.get(labels, {}), theirs.get(labels, {})
        for at in sorted(a.keys() | b.keys()):
            if not (at in a and at in b and same(a[at], b[at])):
                lines.append(
                    f"{dict(labels)} at {at}: ours {a.get(at, '-')}, theirs {b.get(at, '-')}"
                )
                break
    for key, rule in rules.items():
        a, b = ours.states[key], shown(made, made.groups)[key]
        if WORDS.sub(r"\1\2", json.dumps(a)) != WORDS.sub(r"\1\2", json.dumps(b)):
            lines.append(f"{key} {rule}:\n  ours   {a}\n  theirs {b}")
    return lines


@pytest.mark.parametrize("stepped", [False, pytest.param(True, marks=pytest.mark.long)])
def test_over_the_past_all_is_as_it_was_live_in_prometheus(told, stepped):
    lines = differences(told, over_the_past(told, stepped=stepped), circular=False)
    assert not lines, "\n".join(lines[:20])


async def test_live_all_is_as_it_is_in_prometheus(told, tmp_path):
    lines = differences(told, await live(told, tmp_path / "lab"), circular=True)
    assert not lines, "\n".join(lines[:20])
