"""Unit tests of rules in promtool's format: what passes, what fails, and how it is said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm_research_lab.alerting.rules import Report, matching, read_unit_tests, run_unit_tests
from llm_research_lab.alerting.rules.unit_reports import exponent, go_duration
from llm_research_lab.promql import Options
from llm_research_lab.vocabulary import InvalidError

RULES = """
groups:
- name: g
  interval: 5m
  rules:
  - {record: 'job:up', expr: 'sum by (job) (up)'}
  - alert: Down
    expr: up == 0
    for: 1m
    labels: {sev: page}
    annotations: {say: 'down, {{ $value }} {{ query }}'}
"""


def _run(tests: Any, files: Any = None, **more: Any) -> Report:
    head = {"rule_files": ["*.yml"], "tests": tests if isinstance(tests, list) else [tests]}
    expand = more.pop("expand", None)
    options = more.pop("options", Options())
    return run_unit_tests(json.dumps({**head, **more}), files or {"r.yml": RULES}, options, expand)


def _question(expr: str, *expected: tuple[str, object], at: str = "2m") -> dict[str, Any]:
    samples = [{"labels": labels, "value": value} for labels, value in expected]
    return {"expr": expr, "eval_time": at, "exp_samples": samples}


def _alert(at: str, *expected: dict[str, Any], name: str = "Down") -> dict[str, Any]:
    return {"eval_time": at, "alertname": name, "exp_alerts": expected}


def _expand(text: str, **given: Any) -> str:
    if "broken" in text:
        raise InvalidError("template", "a template", "none", "mend it")
    asked = [value for _, value in given["query"]("count(up)")]
    return text.replace("{{ $value }}", f"{given['value']:g}").replace("{{ query }}", str(asked))


UP = {"series": 'up{job="a"}', "values": "1 0x9"}


def test_a_file_whose_expectations_hold_succeeds() -> None:
    fires = {
        "exp_labels": {"job": "a", "sev": "page"},
        "exp_annotations": {"say": "down, 0 [1.0]"},
    }
    report = _run(
        {
            "input_series": [UP],
            "alert_rule_test": [_alert("1m"), _alert("119s"), _alert("2m", fires)],
            "promql_expr_test": [
                _question("job:up", ('job:up{job="a"}', 0)),
                _question("1 + 1", ("", 2)),
                _question("sum(up @ 0) + sum(up offset -1m)", ("{}", 1), at="1m"),
            ],
        },
        expand=_expand,
        fuzzy_compare=True,
    )
    assert not report.failures
    assert report.printed("t.yml") == "Unit Testing:  t.yml\n  SUCCESS\n\n"


def test_other_alerts_than_expected_are_shown_beside_what_was_expected() -> None:
    wrong = [{"exp_labels": {"a": 'b"'}}, {"exp_annotations": {"c": "d"}}]
    tests = {
        "name": "mine",
        "input_series": [UP],
        "alert_rule_test": [_alert("2m", *wrong), _alert("0", wrong[0])],
    }
    told = _run(tests).printed("t.yml").replace(", \n", ",\n")  # promtool ends lines with blanks
    assert told == WRONG_ALERTS


WRONG_ALERTS = """Unit Testing:  t.yml
  FAILED:
    name: mine,
    alertname: Down, time: 0s,
        exp:[
            0:
              Labels:{a="b\\"", alertname="Down"}
              Annotations:{}
            ],
        got:[]

    name: mine,
    alertname: Down, time: 2m,
        exp:[
            0:
              Labels:{a="b\\"", alertname="Down"}
              Annotations:{},
            1:
              Labels:{alertname="Down"}
              Annotations:{c="d"}
            ],
        got:[
            0:
              Labels:{alertname="Down", job="a", sev="page"}
              Annotations:{say="down, {{ $value }} {{ query }}"}
            ]


"""


def test_other_answers_than_expected_are_shown_beside_what_was_expected() -> None:
    questions = [
        _question("up", ('{x="y"}', 1.5), ("up", -1e-9)),
        _question("vector(NaN)", ("", ".nan")),
        _question("nothing", ("", 1)),
        _question("1", ("", 1.0000000000000002)),
        _question("up +"),
        _question("up[1m]"),
        _question("up", ("{", 1)),
        {"expr": "up", "exp_samples": [{"histogram": "{{}}"}]},
    ]
    report = _run({"input_series": [UP], "promql_expr_test": questions})
    said = "\n".join(report.failures)
    assert 'exp: {__name__="up"} -1E-09, {x="y"} 1.5E+00\n        got: {__name__="up", ' in said
    assert "exp: {} NaN\n        got: {} NaN" in said
    assert "exp: {} 1E+00\n        got: nil" in said
    assert "exp: {} 1.0000000000000002E+00\n        got: {} 1E+00" in said
    assert 'expr: "up +", time: 2m, err: 1:5: parse error: ' in said
    assert "err: rule result is not a vector or scalar" in said
    assert 'err: labels "{": ' in said
    assert "err: native histograms are not supported" in said
    fuzzy = _run({"promql_expr_test": [questions[3]]}, fuzzy_compare=True)
    assert not fuzzy.failures


def test_a_template_that_breaks_says_so_in_its_place() -> None:
    rules = "groups: [{name: g, rules: [{alert: A, expr: '1', annotations: {x: '{{ broken }}'}}]}]"
    report = _run({"alert_rule_test": [_alert("0", name="A")]}, {"r.yml": rules}, expand=_expand)
    assert "<error expanding template: template: expected a template" in report.failures[0]


def test_a_rule_that_fails_ends_its_test_and_no_other() -> None:
    rules = "groups: [{name: g, rules: [{record: a, expr: up}, {record: a, expr: up * 2}]}]"
    failing = {
        "input_series": [{"series": "up", "values": "_x60 1 1"}],
        "alert_rule_test": [_alert("1h", name="A"), _alert("2h", name="A")],
    }
    report = _run([failing, {"promql_expr_test": [_question("1", ("", 1))]}], {"r.yml": rules})
    assert [test.failures for test in report.tests] == [
        ("    rule: a, time: 1h0m0s, err: duplicate sample for timestamp",),
        (),
    ]


def test_a_rule_adds_to_a_series_that_is_given_where_that_has_no_sample() -> None:
    test = {
        "input_series": [UP, {"series": 'job:up{job="a"}', "values": "_ 0 _"}],
        "promql_expr_test": [_question("sum(job:up)", ("", 0)), _question("job:up", at="1s")],
    }
    got = '{__name__="job:up", job="a"} 1E+00'
    said = f'    expr: "job:up", time: 1s,\n        exp: nil\n        got: {got}'
    assert _run(test).failures == (said,)


def test_groups_are_evaluated_in_the_order_that_is_asked_for() -> None:
    rules = (
        "groups: [{name: g, rules: [{record: late, expr: early}]},"
        " {name: h, rules: [{record: early, expr: up}]}]"
    )
    test = {
        "input_series": [{"series": "up", "values": "1 2 3"}],
        "promql_expr_test": [_question("late", ("late", 3))],
    }
    assert _run(test, {"r.yml": rules}).failures[0].endswith('{__name__="late"} 2E+00')
    assert not _run(test, {"r.yml": rules}, group_eval_order=["h", "g"]).failures


@pytest.mark.parametrize("start", [1_700_000_000.5, "2023-11-14T22:13:20.5Z"])
def test_a_test_starts_when_it_says(start: object) -> None:
    test = {
        "start_timestamp": start,
        "input_series": [{"series": 'up{job="a"}', "values": "1 2 3"}],
        "promql_expr_test": [
            _question("timestamp(job:up)", ('{job="a"}', 1_700_000_120.5)),
            _question("up @ 1700000060.5", ('up{job="a"}', 2)),
        ],
    }
    assert not _run(test).failures


def test_an_interval_that_is_not_given_is_the_files_and_nothing_for_prometheus_2() -> None:
    test = {
        "input_series": [{"series": 'up{job="a"}', "values": "1 2 3"}],
        "promql_expr_test": [_question("up", ('up{job="a"}', 3), at="4m")],
    }
    assert not _run(test, evaluation_interval="2m").failures
    assert _run(test, options=Options(compat=2)).failures


def test_a_series_that_stands_twice_is_the_later_one() -> None:
    series = [UP, {"series": 'up{job="a"}', "values": "7x9 stale"}, {"series": "none"}]
    test = {
        "input_series": series,
        "promql_expr_test": [_question("up", ('up{job="a"}', 7)), _question("up", at="11m")],
    }
    assert not _run(test).failures


@pytest.mark.parametrize(
    ("test", "why"),
    [
        ({"input_series": [{"series": "up{"}]}, "parse error: "),
        ({"input_series": [{"series": "up", "values": "{{schema:1}}"}]}, "native histograms are"),
        (
            {"alert_rule_test": [{"eval_time": "1m"}]},
            "required attribute alertname at eval_time 1m",
        ),
        ({"alert_rule_test": [{}], "name": "x"}, "eval_time 0s (in TestGroup x)"),
    ],
)
def test_a_test_that_cannot_be_run_says_why(test: Any, why: str) -> None:
    assert why in _run(test).failures[0]


def test_a_rule_file_that_cannot_be_read_fails_every_test() -> None:
    report = _run([{}, {}], {"r.yml": "groups: [{name: g, x: y}]"})
    assert [test.failures[0][:12] for test in report.tests] == ["r.yml: 1:20:"] * 2


def test_a_pattern_without_a_file_is_a_warning() -> None:
    report = _run([], rule_files=["r.yml", "no.yml"])
    assert report.printed("t") == (
        "Unit Testing:  t\n  WARNING: no file match pattern no.yml\n  SUCCESS\n\n"
    )


def test_patterns_are_those_of_a_shell_and_stop_at_slashes() -> None:
    names = ["b.yml", "a.yml", "d/a.yml", "d/e.yml"]
    assert matching("*.yml", names) == ["a.yml", "b.yml"]
    assert matching("./d/[^a].yml", names) == ["d/e.yml"]
    assert matching("?/a.yml", names) == ["d/a.yml"]


@pytest.mark.parametrize(
    ("text", "law"),
    [
        ("[", "yaml"),
        ("[]", "type"),
        ("more: 1", "unknown-key"),
        ("group_eval_order: [a, b, a]", "duplicate-group"),
        ("tests: [{interval: 5z}]", "duration"),
        ("tests: [{start_timestamp: yesterday}]", "time"),
        ("tests: [{start_timestamp: 2023-11-14T22:13:20}]", "time"),
        ("tests: [{start_timestamp: 1e999999}]", "number"),
        ("tests: [{start_timestamp: .inf}]", "time"),
        ("tests: [{start_timestamp: 'inf'}]", "time"),
        ("tests: [{external_labels: [a]}]", "type"),
        ("tests: [{promql_expr_test: [{exp_samples: [{value: NaN}]}]}]", "type"),
        ("tests: [{name: {}}]", "type"),
    ],
)
def test_what_promtool_refuses_is_a_finding(text: str, law: str) -> None:
    file, findings = read_unit_tests(text)
    assert file is None
    assert [finding.law for finding in findings] == [law]
    assert run_unit_tests(text, {}).failures[0].startswith(findings[0].where)


def test_an_empty_file_has_no_tests_and_a_scalar_is_text_as_it_is_written() -> None:
    file, _ = read_unit_tests("")
    assert file is not None
    assert (file.tests, file.interval_ms) == ((), 60_000)
    text = (
        b"\xef\xbb\xbftests:\r\n- {name: &x True, input_series: [{series: 1e3, values: 0x10}]}\r\n"
    )
    file, _ = read_unit_tests(text + b"- {name: *x, promql_expr_test: [{exp_samples: [null]}]}")
    assert file is not None
    first, second = file.tests
    assert (first.name, first.series[0].series, first.series[0].values) == ("True", "1e3", "0x10")
    assert second.name == "true"


def test_numbers_and_durations_are_written_as_go_writes_them() -> None:
    values = [0.0, 1.0, -2.5, 1e300, 123456.0, float("nan"), float("inf"), -float("inf")]
    assert [exponent(value) for value in values] == [
        "0E+00", "1E+00", "-2.5E+00", "1E+300", "1.23456E+05", "NaN", "+Inf", "-Inf",
    ]  # fmt: skip
    durations = [0, 5, 1500, 60_000, 3_600_000, -61_000]
    assert [go_duration(one) for one in durations] == [
        "0s", "5ms", "1.5s", "1m0s", "1h0m0s", "-1m1s",
    ]  # fmt: skip


NULLS = """\
rule_files: null
evaluation_interval: null
group_eval_order: null
fuzzy_compare: null
tests:
- {interval: null, input_series: null, alert_rule_test: null, promql_expr_test: null,
   external_labels: null, external_url: null, name: null, start_timestamp: null}
- input_series: [{series: null, values: null}]
  alert_rule_test: [{eval_time: null, alertname: null, exp_alerts: null},
    {exp_alerts: [null, {exp_labels: null, exp_annotations: null}]}]
  promql_expr_test: [{expr: null, eval_time: null, exp_samples: null},
    {exp_samples: [null, {labels: null, value: null, histogram: null}]}]
"""


def test_a_null_is_as_if_its_key_were_not_there() -> None:
    file, findings = read_unit_tests(NULLS)
    assert findings == ()
    assert file is not None
    assert (file.rule_files, file.interval_ms, file.group_order, file.fuzzy) == (
        (),
        60_000,
        (),
        False,
    )
    first, second = file.tests
    assert (first.interval_ms, first.series, first.alerts, first.expressions) == (None, (), (), ())
    assert (first.external_labels, first.external_url, first.name, first.start_ms) == (
        (),
        "",
        "",
        0,
    )
    assert [first.last_ms, second.last_ms] == [0, 0]
    assert [(one.series, one.values) for one in second.series] == [("", "")]
    assert [(one.eval_ms, one.alertname, len(one.expected)) for one in second.alerts] == [
        (0, "", 0),
        (0, "", 2),
    ]
    assert {(one.labels, one.annotations) for one in second.alerts[1].expected} == {((), ())}
    assert [(one.eval_ms, one.expr, len(one.expected)) for one in second.expressions] == [
        (0, "", 0),
        (0, "", 2),
    ]
    samples = {(one.labels, one.value, one.histogram) for one in second.expressions[1].expected}
    assert samples == {("", 0.0, "")}
    assert read_unit_tests("tests: null")[0] == read_unit_tests("")[0]
