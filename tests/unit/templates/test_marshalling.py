"""A value as JSON reads back as it was, and is written as Go's encoding/json writes it."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.templates import CallError, Function, Record, Records, StringMap
from llm_research_lab.templates.calendar import time_record
from llm_research_lab.templates.durations import Duration
from llm_research_lab.templates.marshalling import marshal

PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(-1e15, 1e15)
    | st.text()
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_what_is_written_reads_back(value):
    assert json.loads(marshal(value)) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["<a&b>", "\u2028\u2029", '"\\\b\f\n\r\t\x01', "ä", "\ud800"], '["\\u003ca\\u0026b\\u003e","\\u2028\\u2029","\\"\\\\\\b\\f\\n\\r\\t\\u0001","ä","\\ufffd"]'),
        ([1.0, 0.1, 1e20, 1e21, 1e-6, 1e-7, -2.5e-10, 1e-100, 0.0], "[1,0.1,100000000000000000000,1e+21,0.000001,1e-7,-2.5e-10,1e-100,0]"),
        (StringMap({"b": "2", "a": "1"}), '{"a":"1","b":"2"}'),
        (Record("*lab.X", {"A": 1, "B": None}, tags={"A": "a"}), '{"a":1,"B":null}'),
        (Records("lab.Xs", (True, time_record(1_500_000_000))), '[true,"1970-01-01T00:00:01.5Z"]'),
        (Duration(5), "5"),
    ],
)  # fmt: skip
def test_a_value_is_written_as_go_writes_it(value, expected):
    assert marshal(value) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (math.nan, "json: unsupported value: NaN"),
        ([-math.inf], "json: unsupported value: -Inf"),
        (Function(str), "json: unsupported type: func"),
        (5j, "json: unsupported type"),
    ],
)
def test_what_json_has_not_is_said(value, message):
    with pytest.raises(CallError, match=message):
        marshal(value)


def test_what_lies_too_deep_is_said():
    deep: list = []
    for _ in range(60):
        deep = [deep]
    with pytest.raises(CallError, match="nested too deeply"):
        marshal(deep)
