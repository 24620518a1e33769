"""JSON Lines becomes rows; nothing of a value is lost unsaid."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.experiments.rows.json_rows import JsonReader
from llm_research_lab.experiments.rows.row import ROW_BYTES

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.sampled_from([':":', '":', "\\u0000"])
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
)
rows_of = st.lists(
    st.dictionaries(texts.filter(str.strip), values, min_size=1, max_size=4), min_size=1, max_size=5
)


def read(data, *, size=None):
    reader, rows = JsonReader(), []
    for start in range(0, len(data), size or len(data) or 1):
        rows += reader.feed(data[start : start + (size or len(data))])
    return rows + reader.finish()


def only(data):
    findings = [row.finding for row in read(data) if row.finding]
    assert len(findings) == 1
    return findings[0]


@given(rows_of, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_what_was_written_is_read(rows, end, ascii_only):
    text = "".join(json.dumps(row, ensure_ascii=ascii_only) + end for row in rows)
    assert [(row.line, row.values) for row in read(text.encode())] == list(enumerate(rows, 1))


@given(rows_of, st.data())
def test_a_doubled_key_is_found_at_any_depth(rows, data):
    """The first key of any object, written twice."""
    row = data.draw(st.sampled_from(rows))
    name = next(iter(row))
    member = f"{json.dumps(name)}: {json.dumps(row[name])}"
    finding = only(f"{{{member}, {member}}}\n".encode())
    assert finding.law == "duplicate-label"
    nested = only(f'{{"a b": [{{"x": {{{member}, {member}}}}}]}}\n'.encode())
    assert (nested.law, nested.where) == ("duplicate-label", "line 1")


@given(
    st.binary(max_size=80) | st.text('{}[]":,1a\n\r', max_size=80).map(str.encode),
    st.integers(1, 7),
)
def test_any_bytes_give_the_same_rows_however_they_are_cut(data, size):
    reader, rows = JsonReader(), []
    for start in range(0, len(data), size):
        if reader.broken:
            break
        reader._held += data[start : start + size]
        rows += reader._read(last=False)
    assert rows + reader.finish() == read(data)


@pytest.mark.parametrize(
    ("data", "where", "law"),
    [
        (b"", "line 1", "empty-file"),
        (b"\n \r\n", "line 1", "empty-file"),
        (b"\xef\xbb\xbf", "line 1", "empty-file"),
        (b"[1]\n", "line 1", "row-type"),
        (b"\nnull\n", "line 2", "row-type"),
        (b'{"a":1\n', "line 1, column 7", "json"),
        (b"{'a':1}\n", "line 1, column 2", "json"),
        (b'{"a":1}\r{"a":2}\r', "line 1, column 9", "json"),
        (b'{"a":NaN}\n', "line 1, column 6", "number"),
        (b'{"a":Infinity}\n', "line 1, column 6", "number"),
        (b'{"a":-Infinity}\n', "line 1, column 7", "number"),
        (b'{"a":1e999}\n', "line 1, column 6", "number"),
        (b'{"a":18446744073709551616}\n', "line 1, column a (1)", "integer"),
        (b'{"a":-99999999999999999999}\n', "line 1, column a (1)", "integer"),
        (b'{"b":[9223372036854775808]}\n', "line 1, column b (1)", "integer"),
        (b'{"b":{"c":"\\u0000"}}\n', "line 1, column b (1)", "nul"),
        (b'{"b":{"\\u0000":1}}\n', "line 1, column b (1)", "nul"),
        (b'{"a":1,"b":"x\0y"}\n', "line 1, column 14", "nul"),
        (b'{"a":"\\ud800"}\n', "line 1, column 7", "utf-8"),
        (b'{"a":"\\udc00"}\n', "line 1, column 7", "utf-8"),
        (b'{"":1}\n', "line 1, column '' (1)", "blank-label"),
        (b'{"a\\u0000":1}\n', r"line 1, column 'a\x00' (1)", "blank-label"),
        (b'{"a":1,"a":2}\n', "line 1, column a (1)", "duplicate-label"),
        (b'{"a":' + b"[" * 31 + b"]" * 31 + b"}", None, None),
        (b'{"a":' + b"[" * 32 + b"]" * 32 + b"}", "line 1, column a (1)", "depth"),
        (b'{"a":' + b'{"b":' * 1000 + b"1" + b"}" * 1001, "line 1, column a (1)", "depth"),
        (
            b'{"a":' + b"[1e40," * 1000 + b"1" + b"]" * 1000 + b"}",
            "line 1, column a (1)",
            "depth",
        ),
        (b'{"a":1e30,"b":[100000000000000000001]}', "line 1, column b (2)", "integer"),
        (b"[" * 100_000, "line 1, column 1026", "depth"),
        (b'{"a":"\xe9"}\n', "line 1, column 7", "encoding"),
        ('{"a":1}\n'.encode("utf-16"), "line 1, column 1", "encoding"),
    ],
)
def test_what_is_wrong_is_found_at_its_place(data, where, law):
    if law is None:
        assert read(data)[0].finding is None
        return
    finding = only(data)
    assert (finding.where, finding.law) == (where, law)
    assert finding.fix
    assert "expected" in finding.message


def test_utf16_without_a_mark_is_named():
    (row,) = read('{"a":1}\n'.encode("utf-16-le"))
    assert "UTF-16" in row.finding.fix


@pytest.mark.parametrize(
    "number", ["1e30", "-1e300", "9223372036854775807", "-9223372036854775808"]
)
def test_numbers_that_a_reader_keeps_are_kept(number):
    (row,) = read(f'{{"a":{number}}}\n'.encode())
    assert row.values == {"a": json.loads(number)}


def test_a_row_full_of_large_numbers_is_read_again_only_once():
    row = b'{"a":[' + b",".join([b"1e30"] * 200_000) + b"]}"
    assert read(row)[0].finding is None


def test_colons_in_text_are_not_keys():
    (row,) = read(b'{"a":"x: y","b":"\\":"}\n')
    assert row.values == {"a": "x: y", "b": '":'}


def test_a_broken_line_does_not_hide_the_next():
    rows = read(b'{"a":1}\n{"a"\n{"a":2}\n[]\n')
    assert [row.finding.law if row.finding else row.values for row in rows] == [
        {"a": 1},
        "json",
        {"a": 2},
        "row-type",
    ]


def test_ten_thousand_columns_are_one_finding():
    line = "{" + ",".join(f'"c{place}":1' for place in range(10_000)) + "}\n"
    finding = only(line.encode())
    assert (finding.law, finding.where) == ("columns", "line 1")


def test_a_name_is_checked_also_in_a_row_that_comes_later():
    rows = read(b'{"a":1}\n{"a":1," ":2}\n')
    assert rows[1].finding.where == "line 2, column ' ' (2)"


def test_a_hundred_megabytes_in_one_line_are_refused_without_holding_them():
    reader, piece = JsonReader(), b"x" * (1 << 16)
    tracemalloc.start()
    try:
        rows = reader.feed(b'{"a":1}\n{"a":"')
        for _ in range(100_000_000 // len(piece)):
            rows += reader.feed(piece)
        rows += reader.feed(b'"}\n{"a":2}\n') + reader.finish()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [row.finding.law if row.finding else row.values for row in rows] == [
        {"a": 1},
        "row-length",
        {"a": 2},
    ]
    assert [row.line for row in rows] == [1, 2, 3]
    assert peak < 8 * ROW_BYTES


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
@pytest.mark.parametrize("over", [0, 1])
@pytest.mark.parametrize("size", [10_000, 3 * ROW_BYTES])
def test_the_limit_of_a_row_is_exact(end, over, size):
    row = b'{"a":"' + b"y" * (ROW_BYTES - 8 + over) + b'"}'
    (found,) = read(row + end, size=size)
    assert (found.finding is not None) is bool(over)


def test_a_byte_offset_counts_the_lines_before():
    rows = read(b'\xef\xbb\xbf{"a":1}\n{"a":"\xe9"}\n{"a":2}\n')
    assert "offset 17" in rows[-1].finding.message
    assert len(rows) == 2
    reader = JsonReader()
    reader.feed((b"\xff" * 1000 + b"\n") * 600)
    assert reader.broken
    assert reader.feed(b"{}\n") == reader.finish() == []


def test_a_doubled_key_over_a_bottomless_value_is_refused_for_one_of_the_two():
    """Which one depends on the interpreter's stack."""
    finding = only(b'{"a":' + b"[" * 1000 + b"]" * 1000 + b',"a":1}')
    assert finding.law in {"depth", "duplicate-label"}
