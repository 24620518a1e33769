"""Equal rows have equal bytes, in the schema's order, and can be read back."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.experiments.rows import row_lines, schema_line
from llm_research_lab.experiments.schema import Column, Schema

nested = st.dictionaries(
    st.text("abc", max_size=2), st.integers(0, 3) | st.just([1, {"b": 1, "a": 2}])
)
values = (
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(0, 1)
    | st.text(st.characters(codec="utf-8"), max_size=3)
)


@given(st.lists(st.tuples(values, nested), max_size=4))
def test_each_row_is_one_line_that_reads_back(table):
    columns = list(zip(*table, strict=True)) or [(), ()]
    lines = row_lines(("z", "a"), columns)
    assert [json.loads(line) for line in lines] == [{"z": z, "a": a} for z, a in table]
    assert all(line.count(b"\n") == 1 and line.endswith(b"\n") for line in lines)
    assert all(list(json.loads(line)) == ["z", "a"] for line in lines)


def test_the_order_of_keys_inside_a_cell_does_not_matter():
    one = row_lines(("a",), [[{"x": 1, "y": [{"b": 1, "a": 2}]}]])
    other = row_lines(("a",), [[{"y": [{"a": 2, "b": 1}], "x": 1}]])
    assert one == other == [b'{"a":{"x":1,"y":[{"a":2,"b":1}]}}\n']


def test_the_schema_is_one_line():
    schema = Schema((Column("a", "integer"),))
    assert schema_line(schema) == b'{"columns":[{"name":"a","nullable":false,"type":"integer"}]}\n'
