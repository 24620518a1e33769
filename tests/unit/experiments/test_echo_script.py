"""A script is read whole or not at all, and decides alone what echo does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.documents.fields import Place, Source
from llm_research_lab.experiments.echo_script import (
    EchoScript,
    ScriptedFailure,
    answer_of,
    failure_of,
    read_script,
    script_of,
    shortened,
    tokens,
)
from llm_research_lab.experiments.result import Message
from llm_research_lab.vocabulary import InvalidError

SAID = (Message("system", "be short"), Message("user", "  Name a city, please "))


def laws(value):
    place = Place(Source(value), [])
    assert read_script(value, place) is None
    return [(finding.where, finding.law) for finding in place.findings]


def test_an_empty_script_echoes_the_last_message_at_once():
    assert script_of({}) == EchoScript("last", (), 0.0, ())
    assert answer_of(EchoScript(), SAID, 0) == "  Name a city, please "
    assert answer_of(EchoScript(), (), 0) == ""


def test_every_key_is_read():
    script = script_of(
        {
            "echo": "upper",
            "delay_ms": 5,
            "failures": [
                {"every": 3, "kind": "rate_limited", "retry_after_ms": 20, "times": 2},
                {"samples": [1, 4], "kind": "refused"},
                {"first": 2, "kind": "unavailable", "final": True},
            ],
        }
    )
    assert script == EchoScript(
        "upper",
        (),
        5.0,
        (
            ScriptedFailure("rate_limited", every=3, times=2, retry_after_ms=20),
            ScriptedFailure("refused", samples=frozenset({1, 4}), final=True),
            ScriptedFailure("unavailable", first=2, final=True),
        ),
    )


def test_a_manner_says_the_last_message_its_way():
    assert answer_of(script_of({"echo": "upper"}), SAID, 0) == "  NAME A CITY, PLEASE "
    assert answer_of(script_of({"echo": "first_word"}), SAID, 0) == "Name"
    assert answer_of(script_of({"echo": "first_word"}), (Message("user", "  "),), 0) == ""


def test_answers_go_round_by_sample():
    script = script_of({"answer": ["a", "b", "c"]})
    assert [answer_of(script, SAID, sample) for sample in range(5)] == ["a", "b", "c", "a", "b"]
    assert answer_of(script_of({"answer": "only"}), SAID, 9) == "only"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ([], [("/", "type")]),
        ({"ehco": "last"}, [("/ehco", "unknown-key")]),
        ({"echo": "lower"}, [("/echo", "unknown-echo")]),
        ({"echo": "last", "answer": "x"}, [("/", "one-of")]),
        ({"answer": ""}, [("/answer", "length")]),
        ({"answer": []}, [("/answer", "length")]),
        ({"delay_ms": -1}, [("/delay_ms", "range")]),
        ({"failures": [3]}, [("/failures/0", "type")]),
        ({"failures": [{"kind": "refused"}]}, [("/failures/0", "one-of")]),
        ({"failures": [{"kind": "poison", "first": 1}]}, [("/failures/0/kind", "unknown-kind")]),
        ({"failures": [{"first": 1}]}, [("/failures/0", "missing-key")]),
        ({"failures": [{"kind": "refused", "first": 1, "every": 2}]}, [("/failures/0", "one-of")]),
        ({"failures": [{"kind": "refused", "first": 1, "times": 1}]}, [("/failures/0", "one-of")]),
        ({"failures": [{"kind": "refused", "every": 0}]}, [("/failures/0/every", "range")]),
    ],
)
def test_what_is_no_script_is_said_at_its_place(value, found):
    assert laws(value) == found


def test_a_kept_script_that_is_none_is_refused_with_its_findings():
    with pytest.raises(InvalidError) as caught:
        script_of({"echo": 1, "delay_ms": "x"})
    assert [finding.where for finding in caught.value.findings] == [
        "/script/echo",
        "/script/delay_ms",
    ]


def failing(rule, sample, call=0, failed=None):
    return failure_of(EchoScript(failures=(rule,)), sample, call, failed or {}) is rule


def test_every_nth_sample_fails():
    rule = ScriptedFailure("garbage", every=3)
    assert [sample for sample in range(9) if failing(rule, sample)] == [2, 5, 8]


def test_named_samples_fail():
    rule = ScriptedFailure("garbage", samples=frozenset({0, 7}))
    assert [sample for sample in range(9) if failing(rule, sample)] == [0, 7]


def test_the_first_calls_fail_whatever_the_sample():
    rule = ScriptedFailure("garbage", first=2)
    assert [call for call in range(5) if failing(rule, 3, call)] == [0, 1]


def test_a_sample_is_answered_after_its_failures():
    rule = ScriptedFailure("garbage", every=1, times=2)
    assert failing(rule, 0, failed={})
    assert failing(rule, 0, failed={0: 1})
    assert not failing(rule, 0, failed={0: 2})


def test_the_first_rule_that_applies_is_taken():
    one, two = ScriptedFailure("refused", every=2), ScriptedFailure("timeout", every=1)
    script = EchoScript(failures=(one, two))
    assert failure_of(script, 1, 0, {}) is one
    assert failure_of(script, 0, 0, {}) is two
    assert failure_of(EchoScript(), 0, 0, {}) is None


@given(st.text(), st.integers(1, 20))
def test_an_answer_never_has_more_tokens_than_asked_for(answer, most):
    short = shortened(answer, {}, most)
    assert tokens(short) <= most
    assert answer.startswith(short)


@given(st.text(), st.text(min_size=1, max_size=2))
def test_an_answer_ends_before_its_stop(answer, stop):
    short = shortened(answer, {"stop": [stop]}, 10_000)
    assert stop not in short
    assert short == answer or answer.startswith(short + stop)


def test_a_token_is_begun_by_every_fourth_byte():
    assert [tokens(text) for text in ("", "a", "abcd", "abcde", "ééé")] == [0, 1, 1, 2, 2]
