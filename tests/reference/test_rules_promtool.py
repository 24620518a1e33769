"""Generated chains of rules, as files of unit tests: promtool 2.42 and ours print the same.

Nothing is expected, so that both print all that the rules wrote, and all alerts as they are told.
A rule that fails ends promtool's test: most files are rid of those first.
"""

from __future__ import annotations

import json
import math
import random
import re

import pytest
from tests.reference.chains import SCRAPE_MS, chains, samples
from tests.reference.rule_cases import cases
from tests.reference.test_unit_tests_promtool import both, unit_file

from llm_research_lab.alerting.rules import run_unit_tests
from llm_research_lab.alerting.rules.expanding import expanding
from llm_research_lab.promql import Options

SEEDS = [*range(8), *(pytest.param(n, marks=pytest.mark.long) for n in range(8, 300))]
LENGTH_MS = 10_000
FAILED = re.compile(r"rule: (\S+), time: ")
WORDS = re.compile(r"(?<=for the match group )\{.*\}(?= on the )|(?<=: parse error: )[^>]*(?=>)")
"""Which of several pairs is too many, in an order of its own; a parser's words."""


def series(seed):
    """The samples as promtool reads them: a value every half second, or none."""
    batch = samples(seed, 0, LENGTH_MS)
    rows = zip(batch.labels, batch.times, batch.values, batch.stale, strict=True)
    found = {}
    for labels, time, value, stale in rows:
        cells = found.setdefault(labels, ["_"] * (LENGTH_MS // SCRAPE_MS))
        cells[time // SCRAPE_MS] = "stale" if stale else told(float(value))
    return [
        {"series": written(labels), "values": " ".join(cells)} for labels, cells in found.items()
    ]


def told(value):
    """A value in the notation of a series."""
    return "NaN" if math.isnan(value) else str(value).replace("inf", "Inf")


def written(labels):
    """A series as a selector has it."""
    own = dict(labels)
    name = own.pop("__name__")
    return f"{name}{{{','.join(f'{key}={json.dumps(value)}' for key, value in own.items())}}}"


def files(groups, seed):
    """The rules, and a test that asks for everything and expects nothing."""
    rules = {"groups": [{**one.written, "name": f"n{one.number}"} for one in groups]}
    alerts = sorted({rule["alert"] for one in groups for rule in one.rules if "alert" in rule})
    test = {
        "interval": f"{SCRAPE_MS}ms",
        "external_labels": {"region": "eu"},
        "input_series": series(seed),
        "alert_rule_test": [
            {"eval_time": time, "alertname": name} for name in alerts for time in ("3s", "6500ms")
        ],
        "promql_expr_test": [
            {"eval_time": time, "expr": '{__name__=~"g.*|ALERTS.*"}'} for time in ("1s", "4s", "9s")
        ],
    }
    order = [one["name"] for one in rules["groups"]]  # none given is another one each time
    return json.dumps(rules), unit_file(test, interval="1s", group_eval_order=order)


def rid_of_failures(groups, seed):
    """Take out what fails, until nothing does."""
    while True:
        rules, tests = files(groups, seed)
        report = run_unit_tests(
            tests, {"rules.yml": rules, "tests.yml": tests}, Options(compat=2), expanding(0)
        )
        failed = set(FAILED.findall(report.printed("tests.yml")))
        if not failed:
            return rules, tests
        for one in groups:
            one.rules = [rule for rule in one.rules if name(rule) not in failed]


def name(rule):
    return rule.get("record") or rule["alert"]


@pytest.mark.parametrize("seed", SEEDS)
def test_generated_chains_are_told_alike(tmp_path, seed):
    groups = chains(seed, 6)
    if seed % 4 == 0:
        groups += cases(6)
    random.Random(seed).shuffle(groups)
    rules, tests = files(groups, seed) if seed % 6 == 5 else rid_of_failures(groups, seed)
    _, theirs, ours = both(tmp_path, rules, tests)
    assert [WORDS.sub("", line) for line in ours] == [WORDS.sub("", line) for line in theirs]
