"""A reader gives a value in its final form, or a finding and None."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.documents.fields import Field, Place, Source
from llm_research_lab.documents.readers import (
    DEPTH,
    flag,
    list_of,
    mapping_of,
    money,
    name,
    number,
    one_of,
    plain,
    reference,
    text,
    whole,
)

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
READERS = {
    "text": text(),
    "name": name,
    "reference": reference,
    "flag": flag,
    "whole": whole(-3, 3),
    "number": number(0, 1),
    "money": money(10, 2),
    "one_of": one_of("a", "b"),
    "list_of": list_of(text(), 0, 2),
    "mapping_of": mapping_of((Field("a", text()),)),
    "plain": plain,
}


def read(reader, value):
    place = Place(Source(value), []).at("field")
    return reader(value, place), [finding.law for finding in place.findings]


@given(st.sampled_from(sorted(READERS)), ANY)
def test_a_reader_never_raises_whatever_the_value(which, value):
    read(READERS[which], value)


@pytest.mark.parametrize(
    ("reader", "value", "form"),
    [
        (text(), "a", "a"),
        (text(least=0), "", ""),
        (name, "a-1", "a-1"),
        (reference, "ann/a@v2", "ann/a@v2"),
        (flag, False, False),
        (whole(0, 9), 9, 9),
        (number(0, 1), 1, 1.0),
        (money(10, 2), "1.50", Decimal("1.50")),
        (money(10, 2), 0.1, Decimal("0.1")),
        (money(10, 2), "-0", Decimal(0)),
        (money(10, 2), "1.5000", Decimal("1.5")),
        (one_of("a", "b"), "b", "b"),
        (list_of(text(), 1, 2), ["a"], ("a",)),
        (mapping_of((Field("a", text()),)), {"a": "x"}, {"a": "x"}),
        (plain, {"a": [1, None, 0.5, True]}, {"a": [1, None, 0.5, True]}),
    ],
)
def test_a_right_value_is_given_in_its_final_form(reader, value, form):
    assert read(reader, value) == (form, [])


@pytest.mark.parametrize(
    ("reader", "value", "laws"),
    [
        (text(), 1, ["type"]),
        (text(), "", ["length"]),
        (text(2), "abc", ["length"]),
        (text(), "\ud800", ["utf-8"]),
        (name, "Ann", ["form"]),
        (name, "../x", ["form"]),
        (name, 1, ["type"]),
        (reference, "a@v0", ["form"]),
        (flag, 1, ["type"]),
        (whole(0, 9), True, ["type"]),
        (whole(0, 9), 1.0, ["type"]),
        (whole(0, 9), 10, ["range"]),
        (number(0, 1), "1", ["type"]),
        (number(0, 1), float("nan"), ["range"]),
        (number(0, 1), float("inf"), ["range"]),
        (number(0, 1, above=True), 0, ["range"]),
        (money(10, 2), True, ["type"]),
        (money(10, 2), "ten", ["range"]),
        (money(10, 2), "nan", ["range"]),
        (money(10, 2), "-1", ["range"]),
        (money(10, 2), "0.001", ["range"]),
        (money(10, 2), "0" * 41, ["range"]),
        (money(10, 2), "10.01", ["range"]),
        (one_of("a", "b"), "c", ["unknown-field"]),
        (one_of("a", "b"), ["a"], ["type"]),
    ],
)
def test_a_wrong_value_is_one_finding_and_none(reader, value, laws):
    assert read(reader, value) == (None, laws)


def test_money_written_as_a_float_is_what_it_prints_as():
    assert read(money(10, 2), 1.1)[0] == Decimal("1.1")


def test_a_list_is_bounded_and_every_item_is_read():
    assert read(list_of(whole(0, 9), 1, 2), []) == ((), ["length"])
    assert read(list_of(whole(0, 9), 1, 2), [1, 2, 3]) == ((1, 2), ["length"])
    assert read(list_of(whole(0, 9), 1, 2), [1, "x"]) == ((1, None), ["type"])
    assert read(list_of(whole(0, 9), 1, 2), "ab") == ((), ["type"])


def test_plain_json_is_what_the_store_can_keep():
    assert read(plain, [])[1] == ["type"]
    assert read(plain, {"a": float("nan")})[1] == ["json"]
    assert read(plain, {"a": {"b": 2**63}})[1] == ["json"]
    assert read(plain, {"a": ["\ud800"]})[1] == ["json"]
    assert read(plain, {"\ud800": 1})[1] == ["json"]


def test_plain_json_is_nested_so_deep_and_no_deeper():
    def nested(levels):
        value: object = 1
        for _ in range(levels):
            value = {"a": value}
        return value

    assert read(plain, nested(DEPTH - 1))[1] == []
    assert read(plain, nested(DEPTH))[1] == ["depth"]
