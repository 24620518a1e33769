"""promtool 2.42 and ours say the same of every file of unit tests, failures to the letter.

What is expected is mostly nothing, so that both print what they got instead: values, labels,
annotations and errors are compared, not verdicts alone.
"""

from __future__ import annotations

import json
import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.servers.prometheus_server import found

from llm_research_lab.alerting.rules import run_unit_tests
from llm_research_lab.alerting.rules.expanding import expanding
from llm_research_lab.promql import Options

ERROR = re.compile(r'(err: |^|labels "(?:[^"\\]|\\.)*": )\d+:\d+: parse error: .*', re.MULTILINE)
"""What a parser says is its own."""


PAIR = re.compile(r"(of the operation: \[).*(\];many-to-many)")
"""Two series that are too many, in the order in which promtool came to know them."""


def both(folder, rules, tests):
    """Run a file through promtool and through ours; give what each prints."""
    tool = found("promtool")
    (folder / "rules.yml").write_text(rules)
    (folder / "tests.yml").write_text(tests)
    done = subprocess.run(
        [tool, "test", "rules", "tests.yml"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    report = run_unit_tests(
        tests, {"rules.yml": rules, "tests.yml": tests}, Options(compat=2), expanding(0)
    )
    assert (done.returncode == 0) == (not report.failures), done.stdout + str(report.failures)
    return report, printed(done.stdout), printed(report.printed("tests.yml"))


def printed(text):
    """Give the messages, without a parser's words and without promtool's scattered blank lines."""
    lines = PAIR.sub(r"\1\2", ERROR.sub(r"\1parse error", text)).splitlines()
    return [line for line in lines if line]


def rules_of(*groups):
    """Write groups, each a list of rules."""
    return json.dumps(
        {"groups": [{"name": f"g{n}", "rules": list(rules)} for n, rules in enumerate(groups)]}
    )


def unit_file(*tests, interval="1m", **more):
    """Write tests."""
    head = {"rule_files": ["rules.yml"], "evaluation_interval": interval, **more}
    return json.dumps({**head, "tests": list(tests)})


LABELLED = {"sev": "p{{ $labels.job }}", "at": "{{ $externalLabels.e }}"}
TOLD = {
    "q": '{{ range query "sum(up) or r1" }}{{ .Value }},{{ end }}',
    "d": "v {{ $value }} of {{ $labels.__name__ }}",
    "plain": "x",
}

RULES = [
    {"record": "r1", "expr": "up"},
    {"record": "r2", "expr": "sum(r1)", "labels": {"x": "{{ $value }}"}},
    {"record": "r3", "expr": "sum by (job) (r1) + on (job) sum by (job) (r1 offset 1m)"},
    {"record": "r4", "expr": "r4 + 1 or up"},
    {"record": "r5", "expr": "r6 or up"},
    {"record": "r6", "expr": "sum by (job) (r5) + 1"},
    {"record": "r1", "expr": "up * 2"},
    {"record": "r1", "expr": "up > 1", "labels": {"k": ""}},
    {"record": "r7", "expr": "1"},
    {"record": "r8", "expr": "max(up offset -2m)"},
    {"record": "r9", "expr": "up", "labels": {"job": "same"}},
    {"record": "r10", "expr": "sum_over_time(r1[3m]) + count_over_time(up[3m:1m])"},
    {"record": "up", "expr": "up + 1"},
    {"record": "r11", "expr": 'count by (alertname, alertstate) (ALERTS{job!="b"})'},
    {"record": "r12", "expr": "max(ALERTS_FOR_STATE) by (alertname)"},
    {"record": "r13", "expr": "up * on (job) group_left r1"},
    {"alert": "A", "expr": "up == 0"},
    {"alert": "A", "expr": "up > 1", "for": "1m", "labels": LABELLED, "annotations": TOLD},
    {"alert": "B", "expr": "r1 != 1", "for": "2m", "annotations": TOLD},
    {"alert": "C", "expr": "up > 0", "keep_firing_for": "2m", "labels": LABELLED},
    {"alert": "C", "expr": "up", "for": "1m", "labels": {"v": "{{ $value }}"}, "annotations": TOLD},
    {"alert": "D", "expr": 'count(ALERTS{alertname="A"}) > 1', "for": "1m"},
    {"alert": "D", "expr": "absent(up)", "labels": {"job": "", "gone": "{{ $labels.no }}"}},
    {"alert": "B", "expr": "sum without (job) (up) > 1", "keep_firing_for": "90s"},
]

SERIES = ['up{job="a"}', 'up{job="b"}', 'up{job="b",k="v"}', 'r1{job="b"}', 'ALERTS{x="y"}']

EXPRESSIONS = [
    '{__name__=~"r.*|up|ALERTS.*"}',
    'count by (__name__) ({__name__=~".+"})',
    "sum_over_time(up[5m]) or r1",
    "ALERTS offset -1m",
    "scalar(max(up))",
    "up @ 120 + on () group_left vector(1)",
    "rate(r1[4m])",
    "r1 +",
    "up[1m]",
    "r1 + on () up",
]

points = st.lists(
    st.sampled_from(["0", "1", "2", "1x2", "0x2", "1+1x2", "2-1x2", "_", "_x2", "stale", "NaN"]),
    max_size=8,
).map(" ".join)
times = st.integers(0, 20).map(lambda half: f"{half * 30}s")


@st.composite
def files(draw):
    """Draw rules and tests."""
    groups = draw(st.lists(st.lists(st.sampled_from(RULES), max_size=5), min_size=1, max_size=3))
    names = st.sampled_from("ABCD")
    tests = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "interval": st.sampled_from(["1m", "30s", "45s", "0"]),
                    "external_labels": st.just({"e": "ext"}),
                    "input_series": st.lists(
                        st.fixed_dictionaries(
                            {"series": st.sampled_from(SERIES), "values": points}
                        ),
                        max_size=3,
                        unique_by=lambda one: one["series"],
                    ),
                    "alert_rule_test": st.lists(
                        st.fixed_dictionaries({"eval_time": times, "alertname": names}), max_size=4
                    ),
                    "promql_expr_test": st.lists(
                        st.fixed_dictionaries(
                            {"eval_time": times, "expr": st.sampled_from(EXPRESSIONS)}
                        ),
                        max_size=3,
                    ),
                },
                optional={"name": st.sampled_from(["one", "the other"])},
            ),
            min_size=1,
            max_size=4,
        )
    )
    order = [f"g{n}" for n in draw(st.permutations(range(len(groups))))]
    interval = draw(st.sampled_from(["1m", "30s", "2m"]))
    return rules_of(*groups), unit_file(*tests, interval=interval, group_eval_order=order)


@given(files())
def test_generated_files_fail_alike(tmp_path_factory, file):
    _, theirs, ours = both(tmp_path_factory.mktemp("rules"), *file)
    assert ours == theirs


FILES = {
    "a chain within a tick, and a gap": (
        [[RULES[0], RULES[1], RULES[2]]],
        [["r3", "{__name__=~'r.'}"]],
        "1x3 _x7 2x3",
        [],
    ),
    "a group before the one that it reads": (
        [[{"record": "late", "expr": "early"}], [{"record": "early", "expr": "up"}]],
        [["late", "early"]],
        "0+1x9",
        [],
    ),
    "for, firing, resolved, firing again": (
        [[RULES[17], {"record": "n", "expr": "count_over_time(ALERTS[1h])"}]],
        [["n", "ALERTS", "ALERTS_FOR_STATE"]],
        "2x3 0x2 2x4 stale 2x2",
        [f"{minute}m" for minute in range(12)],
    ),
    "kept firing": (
        [[{**RULES[19], "alert": "A", "annotations": TOLD}]],
        [["ALERTS"]],
        "2x3 0 0 0 2 0 0 0 0",
        [f"{minute}m" for minute in range(12)],
    ),
    "a rule that fails ends the test": (
        [[{"record": "n", "expr": "up * on () up"}, {"record": "m", "expr": "sum(up) by (job)"}]],
        [["up"]],
        "_x3 1 1",
        ["1m", "5m"],
    ),
    "two rules write one series": (
        [[{"record": "n", "expr": "up"}, {"record": "n", "expr": "up + 1"}]],
        [["n"]],
        "_ _ 1 2",
        ["1m", "5m"],
    ),
    "two rules write one series alike, and by turns": (
        [[{"record": "n", "expr": "up"}, {"record": "n", "expr": "up > 1 or up < 0"}]],
        [["count_over_time(n[1h])", "n"]],
        "1 1 2 2 _ -1 stale 3",
        ["1m", "5m"],
    ),
    "the group's limit": (
        [[{**RULES[16], "expr": "up >= 0"}], [{"record": "n", "expr": "up"}]],
        [["n"]],
        "1 _ 3",
        ["1m"],
    ),
    "a recorded series is given": (
        [[{"record": "n", "expr": "up > 1"}, {"record": "m", "expr": "n"}]],
        [["n", "m", "count_over_time(n[1h])"]],
        "0 0 2 2 0",
        [],
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_what_stands_out_fails_alike(tmp_path, name):
    groups, (questions,), values, alerts = FILES[name]
    rules = json.loads(rules_of(*groups))
    if "limit" in name:
        rules["groups"][0]["limit"] = 1
        rules["groups"][1]["limit"] = 1
    test = {
        "interval": "1m",
        "external_labels": {"e": "ext"},
        "input_series": [
            {"series": 'up{job="a"}', "values": values},
            {"series": 'up{job="b"}', "values": "_ _ 1x9"},
            {"series": 'n{job="a"}' if "given" in name else "other", "values": "2 _ _ 2 2 2 2"},
        ],
        "alert_rule_test": [{"eval_time": time, "alertname": "A"} for time in alerts],
        "promql_expr_test": [
            {"expr": expr, "eval_time": time}
            for expr in questions
            for time in ("0", "1m", "150s", "5m", "9m")
        ],
    }
    # Without an order promtool evaluates groups as its map gives them: differently each time.
    order = [group["name"] for group in rules["groups"]]
    file = unit_file(test, {"interval": "5m"}, group_eval_order=order)
    report, theirs, ours = both(tmp_path, json.dumps(rules), file)
    assert ours == theirs
    assert report.tests[0].failures
    assert not report.tests[1].failures


def test_what_holds_passes_both(tmp_path):
    rules = rules_of([RULES[0], {**RULES[17], "labels": {"sev": "{{ $labels.job }}"}}])
    test = {
        "name": "passes",
        "input_series": [{"series": 'up{job="a"}', "values": "2+1x5 .5 _ 1e3"}],
        "interval": "1m",
        "alert_rule_test": [
            {"eval_time": "59s", "alertname": "A", "exp_alerts": []},
            {
                "eval_time": "2m",
                "alertname": "A",
                "exp_alerts": [
                    {
                        "exp_labels": {"job": "a", "sev": "a"},
                        "exp_annotations": {"q": "4,4,", "d": "v 4 of up", "plain": "x"},
                    }
                ],
            },
        ],
        "promql_expr_test": [
            {
                "expr": "r1",
                "eval_time": "3m",
                "exp_samples": [{"labels": 'r1{job="a"}', "value": 5}],
            },
            {"expr": "1.5", "eval_time": "0", "exp_samples": [{"value": 1.5}]},
            {"expr": "nothing", "eval_time": "0"},
        ],
    }
    wrong = {**test, "name": "fails", "external_labels": {"e": "x"}}
    wrong["promql_expr_test"] = [
        {"expr": "up", "eval_time": "6m", "exp_samples": [{"labels": "{a='b\n'}", "value": -7e-9}]},
        {"expr": "up", "eval_time": "8m", "exp_samples": [{"labels": "{}}", "value": 1e300}]},
        {"expr": "vector(NaN)", "eval_time": "1m", "exp_samples": [{"labels": "{}", "value": 0}]},
        {"expr": "1/0", "eval_time": "1m", "exp_samples": []},
    ]
    report, theirs, ours = both(tmp_path, rules, unit_file(test, wrong))
    assert ours == theirs
    assert [len(one.failures) for one in report.tests] == [0, 4]


@pytest.mark.parametrize(
    "text",
    [
        "rule_files: [rules.yml]\ntests: []\nmore: 1",
        "rule_files: [rules.yml]\ngroup_eval_order: [g, g]",
        "rule_files: [rules.yml]\ntests: [{interval: 5z}]",
        "rule_files: [rules.yml]\ntests: [{promql_expr_test: [{exp_samples: [{value: NaN}]}]}]",
        "rule_files: [tests.yml]\ntests: [{interval: 1m}]",
        "rule_files: [rules.yml]\ntests: [{alert_rule_test: [{eval_time: 1m}], name: x}]",
        "rule_files: [rules.yml]\ntests: [{input_series: [{series: 'up{', values: 1}]}]",
        "rule_files: [rules.yml]\ntests: [{input_series: [{series: up, values: '1 2a'}]}]",
    ],
)
def test_what_cannot_be_read_is_refused_by_both(tmp_path, text):
    report, _, _ = both(tmp_path, rules_of([RULES[0]]), text)
    assert report.failures


@pytest.mark.parametrize(
    "text",
    [
        "rule_files: ['r*.yml', 'no?.yml']\nevaluation_interval: 0\ntests: []",
        """
rule_files: ['[^a]ules.yml']
tests:
- interval: 1m
  input_series: [{series: up, values: 0x10}]
  promql_expr_test:
  - {expr: r1, eval_time: 5m, exp_samples: [{labels: r1}]}
  - {expr: up, eval_time: 5m, exp_samples: [{labels: up, value: -0.0}]}
  - {expr: 1e3, eval_time: 0, exp_samples: [{labels: '', value: 1000}]}
""",
        """
rule_files: [rules.yml]
tests:
- input_series: [{series: up, values: 1 2 3}]
  promql_expr_test: [{expr: up, eval_time: 3m, exp_samples: [{labels: up, value: 1}]}]
""",
        "{}",
    ],
)
def test_odd_files_pass_both(tmp_path, text):
    report, theirs, ours = both(tmp_path, rules_of([RULES[0]]), text)
    assert not report.failures
    assert sorted(ours) == sorted(theirs)
