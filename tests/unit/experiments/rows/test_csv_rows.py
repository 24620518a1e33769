"""CSV becomes rows with their lines, however its bytes are cut; what is wrong is said by place."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.experiments.rows.csv_rows import CsvReader
from llm_research_lab.experiments.rows.row import BLOCK_BYTES, ROW_BYTES

cells = st.text(
    st.one_of(st.sampled_from('ab,"\n\r é'), st.characters(codec="utf-8", exclude_characters="\0")),
    max_size=6,
)
tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=8)
)


def read(data, *, size=None):
    reader = CsvReader()
    rows = []
    for start in range(0, len(data), size or len(data) or 1):
        rows += reader.feed(data[start : start + (size or len(data))])
    return reader, rows + reader.finish()


def values(data):
    return [list(row.values) for row in read(data)[1]]


def only(data):
    """The one finding of a file; no row comes after it."""
    _, rows = read(data)
    findings = [row.finding for row in rows if row.finding]
    assert len(findings) == 1
    return findings[0]


@given(tables, st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
def test_what_was_written_is_read(table, end, quote_all):
    """Quoted all, or only where RFC 4180 asks for it (and where a lone empty cell is no row)."""
    header = [f"column {place}" for place in range(len(table[0]))]

    def written(cell):
        if quote_all or not cell or set(cell) & set(',"\r\n'):
            return '"' + cell.replace('"', '""') + '"'
        return cell

    text = "".join(",".join(map(written, row)) + end for row in [header, *table])
    reader, rows = read(text.encode())
    assert reader.names == tuple(header)
    assert [list(row.values) for row in rows] == table


@given(
    st.binary(max_size=60) | st.text('a,"\n\ré\0', max_size=60).map(str.encode), st.integers(1, 7)
)
def test_any_bytes_give_the_same_rows_however_they_are_cut(data, size):
    data = b"a,b\n" + data
    assert _small_blocks(data, size) == read(data)[1]


def _small_blocks(data, size):
    """Read as if the block were as small as the piece."""
    reader, rows = CsvReader(), []
    for start in range(0, len(data), size):
        if reader.broken:
            break
        reader._held += data[start : start + size]
        rows += reader._read(last=False)
    return rows + reader.finish()


def test_lines_count_every_line_end_also_those_in_quotes():
    data = b'a,b\r\n1,"x\ny\rz"\r2,3\n\n"4\r\n",5\n'
    _, rows = read(data)
    assert [(row.line, list(row.values)) for row in rows] == [
        (2, ["1", "x\ny\rz"]),
        (5, ["2", "3"]),
        (7, ["4\r\n", "5"]),
    ]


def test_a_byte_order_mark_is_dropped():
    assert read(b"\xef\xbb\xbfa\n1\n")[0].names == ("a",)


def test_the_last_line_needs_no_end():
    assert values(b"a,b\n1,2") == [["1", "2"]]


def test_blank_lines_are_skipped():
    assert values(b"\n\na,b\n\n1,2\n\n\n") == [["1", "2"]]


@pytest.mark.parametrize(
    ("data", "where", "law"),
    [
        (b"", "line 1", "empty-file"),
        (b"\n\r\n", "line 3", "empty-file"),
        (b"\xef\xbb\xbf", "line 1", "empty-file"),
        (b"a,b\n", "line 2", "no-rows"),
        (b"a,b\n\n", "line 3", "no-rows"),
        (b"a,b,a\n1,2,3\n", "line 1, column a (3)", "duplicate-label"),
        (b"a,,c\n1,2,3\n", "line 1, column '' (2)", "blank-label"),
        (b"a, \n1,2\n", "line 1, column ' ' (2)", "blank-label"),
        (b"\n" + b"x" * 1001 + b"\n1\n", f"line 2, column {'x' * 60}… (1)", "label-length"),
        (b"a,b\n1\n", "line 2, column b (2)", "missing-cell"),
        (b"a,b\n1,2,3\n", "line 2, column 3", "extra-cell"),
        (b'a,b\n1,x"y\n', "line 2, column b (2)", "bare-quote"),
        (b'a,b\n1,"x"y\n2,3\n', "line 2, column b (2)", "after-quote"),
        (b'a,b\n1,2\n"3\n4",x"\n', "line 4, column b (2)", "bare-quote"),
        (b'a,b\n1,"x\n2,3\n', "line 2, column b (2)", "open-quote"),
        (b'"a,b\n', "line 1, column 1", "open-quote"),
        (b'a,"b\nc" d\n', "line 2, column 2", "after-quote"),
        (b'a\n1,"', "line 2, column 3", "open-quote"),
        (b"a,b\n1,\0\n", "line 2, column b (2)", "nul"),
        (b"a,b\0\n1,2\n", r"line 1, column 'b\x00' (2)", "nul"),
        (b"a,b\n1,2\n3,\xe9\n", "line 3, column b (2)", "encoding"),
        (b"a\xe9,b\n1,2\n", "line 1, column 2", "encoding"),
        (b'a,b\n1,"x\n\xe9"\n', "line 3, column b (2)", "encoding"),
    ],
)
def test_what_is_wrong_is_found_at_its_place(data, where, law):
    finding = only(data)
    assert (finding.where, finding.law) == (where, law)
    assert finding.fix
    assert "expected" in finding.message


def test_every_wrong_label_is_found():
    _, rows = read(b"a,a,,a\n1,2,3,4\n")
    assert [row.finding.where for row in rows] == [
        "line 1, column a (2)",
        "line 1, column '' (3)",
        "line 1, column a (4)",
    ]


def test_a_ragged_row_does_not_hide_the_next():
    _, rows = read(b"a,b\n1\n2,3\n4,5,6\n")
    assert [row.finding.law if row.finding else row.values for row in rows] == [
        "missing-cell",
        ["2", "3"],
        "extra-cell",
    ]


def test_the_rows_before_a_wrong_byte_are_read_and_none_after():
    reader, rows = read(b"a\n1\n\xff\n2\n")
    assert [row.values for row in rows] == [["1"], None]
    assert "0xFF at offset 4" in rows[1].finding.message
    assert reader.broken
    assert reader.feed(b"3\n") == []


def test_a_wrong_byte_after_a_broken_header_is_not_looked_for():
    assert only(b"a,a\n\xff\n").law == "duplicate-label"


@pytest.mark.parametrize(
    ("data", "looks"),
    [
        ("a,b\n1,é\n".encode("utf-16"), "UTF-16"),
        ("a,b\n1,2\n".encode("utf-16-le"), "UTF-16"),
        ("a,b\n1,2\n".encode("utf-16-be"), "UTF-16"),
        ("a,b\n1,é\n".encode("latin-1"), "Latin-1"),
    ],
)
def test_another_encoding_is_named(data, looks):
    _, rows = read(data)
    assert looks in rows[0 if looks == "UTF-16" else -1].finding.fix


def test_ten_thousand_columns_are_one_finding():
    header = ",".join(f"c{place}" for place in range(10_000))
    finding = only(f"{header}\n".encode())
    assert (finding.law, finding.where) == ("columns", "line 1")
    assert "got 10000" in finding.message


def test_a_hundred_megabytes_in_one_line_are_refused_without_holding_them():
    reader, piece = CsvReader(), b"x" * (1 << 16)
    tracemalloc.start()
    try:
        rows = reader.feed(b"a\n")
        for _ in range(100_000_000 // len(piece)):
            rows += reader.feed(piece)
        rows += reader.finish()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [row.finding.law for row in rows] == ["row-length"]
    assert rows[0].finding.where == "line 2"
    assert peak < 8 * ROW_BYTES


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("over", [0, 1])
@pytest.mark.parametrize("before", [0, 10, BLOCK_BYTES - 7])
def test_the_limit_of_a_row_is_exact(end, over, before):
    row = b'"' + b"y" * (ROW_BYTES - 2 + over) + b'"'
    filler = b"x" * before + end if before else b""
    _, rows = read(b"a" + end + filler + row + end + b"z" + end, size=10_000)
    assert (rows[-1].finding is not None) is bool(over)
    assert rows[-1].line == 2 + bool(before) + (not over)


def test_an_open_quote_that_swallows_the_file_is_named_in_the_fix():
    data = b'a\n"' + b"y\n" * ROW_BYTES
    finding = only(data)
    assert finding.law == "row-length"
    assert "close the quote" in finding.fix


def test_cells_longer_than_the_csv_modules_own_limit_are_read():
    cell = "y" * 500_000
    assert values(f"a\n{cell}\n".encode()) == [[cell]]
