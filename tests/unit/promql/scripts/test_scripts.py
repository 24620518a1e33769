"""A test script is read, run and counted; what the shipped scripts say holds."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.promql import Options
from llm_research_lab.promql.errors import ExpressionError
from llm_research_lab.promql.scripts import Clear, Eval, Load, read_script, run_script
from llm_research_lab.promql.scripts.reading import Expectation
from llm_research_lab.promql.scripts.running import almost

HERE = Path(__file__).parent
UNSUPPORTED = {"histograms.test": 1}
"""What asks for the native histogram that ``load_with_nhcb`` would make."""


@pytest.mark.parametrize("path", sorted(HERE.glob("*.test")), ids=lambda path: path.stem)
def test_every_line_of_a_script_holds(path):
    text = path.read_text()
    report = run_script(text)
    assert report.failures == []
    assert report.unsupported == UNSUPPORTED.get(path.name, 0)
    assert report.passed + report.unsupported == text.count("\neval") + text.startswith("eval")


def test_the_commands_are_read_with_their_lines():
    text = (
        "# a comment\n"
        "clear\n"
        "load_with_nhcb 1m30s\n"
        '  a{b="c"} 1 2\n'
        "\n"
        "load 1s\n"
        "eval instant a\n"
        "\n"
        "eval_ordered instant at -5m a + b\n"
        "  expect ordered\n"
        "  {} 1\n"
        "\n"
        "eval range from 0 to 1m step 10s a\n"
        "  expect warn msg: so\n"
        "  expect no_info\n"
        "  # no results\n"
    )
    assert read_script(text) == [
        Clear(2),
        Load(3, 90_000, ((4, 'a{b="c"} 1 2'),), histograms=True),
        Load(6, 1_000, ((7, "eval instant a"),)),
        Eval(9, "a + b", -300_000, -300_000, None, ordered=True, series=((11, "{} 1"),)),
        Eval(
            13,
            "a",
            0,
            60_000,
            10_000,
            (Expectation("warn", "so"), Expectation("no_info")),
        ),
    ]


def test_an_instant_without_a_time_is_zero():
    assert read_script("eval instant a") == [Eval(1, "a", 0, 0, None)]


@pytest.mark.parametrize(
    ("mode", "below", "expected"),
    [
        ("eval_fail", "", (Expectation("fail"),)),
        ("eval_warn", "", (Expectation("warn"),)),
        ("eval_info", "", (Expectation("info"),)),
        ("eval_fail", "expected_fail_message no way", (Expectation("fail", "no way"),)),
        ("eval_fail", "expected_fail_regexp n. way", (Expectation("fail", "n. way", regex=True),)),
        ("eval", "expect fail", (Expectation("fail"),)),
        ("eval", "expect fail regex: n. way", (Expectation("fail", "n. way", regex=True),)),
        ("eval", "expect info msg:so it is", (Expectation("info", "so it is"),)),
    ],
)
def test_old_and_new_words_expect_the_same(mode, below, expected):
    (command,) = read_script(f"{mode} instant at 0 a\n  {below}")
    assert command.expectations == expected
    assert command.fails == (expected[0].what == "fail")


def test_a_range_vector_has_a_grid_of_its_own():
    text = "eval instant at 1m a[1m]\n  expect range vector from 10s to 1m step 5s\n  a 1"
    (command,) = read_script(text)
    assert command.vector == (10_000, 60_000, 5_000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("say a", "line 1: expected load, clear, eval"),
        ("\nload soon", "line 2: expected a duration"),
        ("eval instant at x a", "line 1: expected a duration"),
        ("eval instant at 0 a\nexpect nothing", "line 2: expected expect fail"),
        ("eval instant at 0 a\nexpect range vector 5m", "line 2: expected expect range vector"),
    ],
)
def test_a_line_that_is_none_is_refused_with_its_number(text, message):
    with pytest.raises(ExpressionError, match=message):
        read_script(text)


LOAD = 'load 1m\n  a{n="1"} 1 2 3\n  a{n="2"} 5 _ stale\n  word 7\n\n'


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ('eval instant at 0 a\n  a{n="1"} 1', "unexpected"),
        ('eval instant at 0 a{n="1"}\n  a{n="1"} 2', "expected 2.0, got 1.0"),
        ("eval instant at 0 word\n  word 7\n  x 1", "which is missing"),
        ("eval instant at 0 word\n  word 7\n  word 7", "is expected twice"),
        ("eval instant at 0 word\n  word what", "line 7"),
        ("eval instant at 0 1\n  1 2", "line 7"),
        ("eval instant at 0 1\n  2", "expected 2.0, got 1.0"),
        ("eval_fail instant at 0 word", "expected an error, got an answer"),
        ("eval instant at 0 a + on() a", "many-to-many"),
        ("eval instant at 0 word(", "1:6"),
        ("eval instant at 0 a + on() a\n  expect fail msg: another", "expected the error"),
        ("eval_warn instant at 0 word\n  word 7", "expected warn, got none"),
        ("eval instant at 0 quantile(2, word)\n  expect no_warn\n  {} Inf", "expected no warn"),
        ("eval instant at 0 quantile(2, word)\n  expect warn msg: x\n  {} Inf", "expected warn"),
        (
            (
                "eval instant at 0 quantile(2, word) or quantile(3, word)\n  expect warn msg: got 2\n"
                "  {} Inf"
            ),
            "unexpected warn",
        ),
        ('eval instant at 0 "a"\n  expect string "b"', "expected the string 'b', got 'a'"),
        ('eval instant at 0 word\n  expect string "b"', "expected the string 'b', got None"),
        (
            'eval_ordered instant at 0 sort_desc(a)\n  a{n="1"} 1\n  a{n="2"} 5',
            "expected the order",
        ),
        ('eval range from 0 to 2m step 1m a{n="2"}\n  a{n="2"} 5 5 5', "at 120000 ms"),
        (
            'eval instant at 2m a{n="1"} + on() a\n  {} 6\n',
            "as a range: 1:1: expected series that match one to one",
        ),
    ],
)
def test_what_is_not_as_expected_fails_and_says_where(check, message):
    report = run_script(LOAD + check)
    assert (report.passed, report.unsupported) == (0, 0)
    (failure,) = report.failures
    assert failure.line == 6
    assert message in failure.message


@pytest.mark.parametrize(
    "check",
    [
        'eval instant at 0 a\n  a{n="1"} 1\n  a{n="2"} 5',
        'eval range from 0 to 2m step 1m a{n="2"}\n  a{n="2"} 5 5 _',
        'eval instant at 0 "a"\n  expect string a',
        "eval instant at 0 a + on() a\n  expect fail regex: many.*many",
        'eval_ordered instant at 0 sort_desc(a)\n  a{n="2"} 5\n  a{n="1"} 1',
        (
            'eval instant at 2m a[3m]\n  expect range vector from 0 to 2m step 1m\n  a{n="1"} 1 2 3\n'
            '  a{n="2"} 5'
        ),
        "eval instant at 0 none\n  idle",
        "eval instant at 0 step()\n  0",
        "eval instant at 0 word\n  word 7\n  idle _",
        "eval instant at 0 vector(start())\n  {} 0",
        "eval instant at 0 vector(NaN)\n  {} NaN",
        "eval instant at 0 {}\n  expect fail",
        "eval range from 0 to 1m step 1m a[1m]\n  expect fail",
    ],
)
def test_what_is_as_expected_passes(check):
    report = run_script(LOAD + check)
    assert report.failures == []
    assert (report.passed, report.unsupported) == (1, 0)


def test_what_native_histograms_would_answer_is_not_ours():
    text = (
        "load 1m\n  h {{schema:0 count:1}}\n  f 1\n\n"
        "eval instant at 0 h\n  h {{count:1}}\n\n"
        "eval instant at 0 f\n  f 1\n\n"
        "eval instant at 0 histogram_count(h)\n  {} 1\n\n"
        "eval instant at 0 f </ f\n"
    )
    report = run_script(text)
    assert (report.passed, report.unsupported, report.failures) == (1, 3, [])


def test_floats_beside_native_histograms_are_looked_at():
    text = (
        "load 1m\n  both 1 2 {{sum:1}}+{{count:1}}x2 4\n  other 3\n  state ss(on, a=1 b=0) x2\n\n"
        "eval range from 0 to 5m step 1m both\n  both 1 2 _ _ _ 4\n\n"
        "eval instant at 0 other\n  other 4\n\n"
        "eval instant at 0 both\n  both 4\n\n"
        "eval instant at 5m sum_over_time(both[6m])\n  {} 7\n\n"
        "eval instant at 0 state\n  state ss(on, a=1 b=0)\n\n"
        "eval instant at 0 abs(state)\n"
    )
    report = run_script(text)
    assert [failure.line for failure in report.failures] == [9]
    assert (report.passed, report.unsupported) == (2, 3)


def test_only_what_asks_for_the_histograms_of_custom_buckets_is_not_ours():
    text = (
        'load_with_nhcb 1m\n  a_bucket{le="1"} 1\n  a_bucket{le="+Inf"} 2\n  a_sum 5\n\n'
        "eval instant at 0 a_sum\n  a_sum 6\n\n"
        "eval instant at 0 histogram_sum(a)\n  {} 5\n\n"
        "eval instant at 0 histogram_quantile(0.5, a_bucket)\n  {} 1\n"
    )
    report = run_script(text)
    assert [failure.line for failure in report.failures] == [6]
    assert (report.passed, report.unsupported) == (1, 1)


@pytest.mark.parametrize(
    "line", ["a@st soon", "a@st -1m+1m", "a@st 1", "a@st x3", "a@st 0x99999999", "a@st 1m30"]
)
def test_a_start_that_is_none_is_a_failure_of_its_load(line):
    report = run_script(f"load 1m\n  {line}\n")
    assert [failure.line for failure in report.failures] == [1]


def test_a_series_may_have_starts_alone_or_more_of_them_than_samples():
    text = "load 1m\n  a 1\n  a@st _ 0 -5s+5sx1\n  b@st\n\neval instant at 0 a\n  a 1"
    report = run_script(text)
    assert (report.passed, report.failures) == (1, [])


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("", ""),
        (" Foo", "Foo"),
        ("  Foo bar", " Foo bar"),
        (' "Foo"', "Foo"),
        (r' "a\tb"', "a\tb"),
        (" 'it'", "it"),
        (" `a`", "a"),
        (' "a" + 1', None),
    ],
)
def test_a_string_is_expected_in_quotes_or_as_it_stands(said, value):
    if value is None:
        with pytest.raises(ExpressionError):
            read_script(f"eval instant at 0 1\n  expect string{said}")
        return
    (command,) = read_script(f"eval instant at 0 1\n  expect string{said}")
    assert command.string == value


def test_cleared_samples_are_gone():
    report = run_script(LOAD + "clear\n\neval instant at 0 a\n")
    assert (report.passed, report.failures) == (1, [])


def test_a_load_that_cannot_be_read_is_a_failure_of_its_line():
    report = run_script("load 1m\n  a what\n")
    assert [failure.line for failure in report.failures] == [1]


def test_names_go_at_once_where_the_options_say_so():
    text = LOAD + "eval instant at 0 sum by (__name__) (rate(word[1m]) or -word)\n  {} -7"
    assert run_script(text).failures == []
    again = text.replace("sum by (__name__) (rate(word[1m]) or -word)", "count by (__name__) (-a)")
    at_once = run_script(again.replace("{} -7", "{} 2"), Options(experimental=True))
    assert at_once.failures == []


@given(st.floats(allow_nan=True), st.floats(allow_nan=True))
def test_values_agree_both_ways_and_with_themselves(one, other):
    assert almost(one, one)
    assert almost(one, other) == almost(other, one)
    if math.isnan(one) != math.isnan(other):
        assert not almost(one, other)


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        (1, 1 + 1e-6, True),
        (1, 1.00001, False),
        (0, 1e-300, False),
        (0, 5e-324, True),
        (math.inf, -math.inf, False),
        (math.inf, 1e308, False),
        (1e-310, 1.1e-310, False),
    ],
)
def test_values_agree_to_a_millionth(one, other, agree):
    assert almost(one, other) is agree
