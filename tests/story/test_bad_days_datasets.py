"""A bad file leaves nothing behind, says where it is bad, and costs no memory: at both doors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.servers.bad_days import forget_peak, peak_bytes

MANY = 10_000
LINE_BYTES = 100_000_000
FLAT_BYTES = 30_000_000
"""What an upload may cost: blocks of a quarter of a megabyte, rows of one, and Python's slack."""

WIDE = ",".join(f"c{n}" for n in range(MANY))
BAD = {
    "an open quote": ("csv", b'a,b\n1,"2\n3,4\n', "line 2", "closing quote"),
    "text after a quote": ("csv", b'a,b\n1,"2"x\n', "line 2", "quote"),
    "a row too short": ("csv", b"a,b\n1,2\n3\n", "line 3", "2 cells"),
    "a row too long": ("csv", b"a,b\n1,2,3\n", "line 2", "2 cells"),
    "a name twice": ("csv", b"a,b,a\n1,2,3\n", "line 1", "once"),
    "a blank name": ("csv", b"a,,c\n1,2,3\n", "line 1", "blank"),
    "no byte": ("csv", b"", "line 1", "nothing"),
    "a BOM alone": ("csv", b"\xef\xbb\xbf", "line 1", "nothing"),
    "a header alone": ("csv", b"a,b\n", "line", "no row"),
    "blank lines alone": ("csv", b"\n\n\n", "line", "nothing"),
    "Latin-1": ("csv", "a,b\n1,Zürich\n".encode("latin-1"), "line 2", "UTF-8"),
    "UTF-16": ("csv", "a,b\n1,2\n".encode("utf-16"), "line 1", "UTF-8"),
    "UTF-16 of JSON": ("jsonl", '{"a": 1}\n'.encode("utf-16"), "line 1", "UTF-8"),
    "NUL in a cell": ("csv", b"a,b\n1,x\x00y\n", "line 2", "NUL"),
    "a spreadsheet": (
        "csv",
        b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00\xb5\xff",
        "line 1",
        "",
    ),
    "10,000 columns": ("csv", f"{WIDE}\n{WIDE}\n".encode(), "line 1", "at most 2000 columns"),
    "10,000 keys": (
        "jsonl",
        json.dumps({f"c{n}": n for n in range(MANY)}).encode(),
        "line 1",
        "at most 2000 columns",
    ),
    "a key twice": ("jsonl", b'{"a": 1}\n{"a": 1, "a": 2}\n', "line 2", "once"),
    "NaN": ("jsonl", b'{"a": 1}\n{"a": NaN}\n', "line 2", "NaN"),
    "Infinity": ("jsonl", b'{"a": -Infinity}\n', "line 1", "infinity"),
    "a number beyond all": ("jsonl", b'{"a": 1e999}\n', "line 1", ""),
    "JSON cut off": ("jsonl", b'{"a": 1}\n{"a": \n', "line 2", ""),
    "a list, not lines": ("jsonl", b'[{"a": 1}, {"a": 2}]', "line 1", "object"),
    "half a surrogate": ("jsonl", b'{"a": "\\ud800"}\n', "line 1", ""),
    "JSON as deep as the stack": ("jsonl", b"[" * 200_000, "line 1", ""),
    "JSON called CSV": ("csv", b'{"a": 1, "b": "x"}\n', "line 1", ""),
    "an integer of 5,000 digits": ("jsonl", b'{"a": ' + b"7" * 5_000 + b"}\n", "line 1", ""),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_its_place_and_leaves_nothing(served, tmp_path, name):
    kind, content, line, words = BAD[name]
    file = tmp_path / f"bad.{kind}"
    file.write_bytes(content)
    before = left(served.directory)
    status, out, err = served.cli("dataset", "add", "bad", str(file))
    assert (status, out) == (1, ""), err
    told = " ".join(err.split())
    assert line in told
    assert words in told
    assert [part.split()[0] for part in err.splitlines()[:4]] == [
        "error:",
        "expected",
        "got",
        "fix",
    ]
    assert served.cli("dataset", "show", "bad")[0] == 1
    assert left(served.directory) == before


def left(directory: Path) -> set[Path]:
    """Files that an upload makes."""
    return {path for room in ("objects", "tmp") for path in (directory / room).rglob("*")}


GOOD = {
    "BOM": ("csv", b"\xef\xbb\xbfa,b\n1,2\n", [{"a": 1, "b": 2}]),
    "BOM before JSON": ("jsonl", b'\xef\xbb\xbf{"a": 1}\n', [{"a": 1}]),
    "CR LF and no last end": ("csv", b"a,b\r\n1,2\r\n3,4", [{"a": 1, "b": 2}, {"a": 3, "b": 4}]),
    "NaN is text in CSV": ("csv", b"a\nNaN\n", [{"a": "NaN"}]),
    "quotes": ("csv", b'a\n"x, ""y""\nz"\n', [{"a": 'x, "y"\nz'}]),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_file_that_only_looks_bad_is_kept_as_it_is_meant(served, tmp_path, name):
    kind, content, rows = GOOD[name]
    file = tmp_path / f"good.{kind}"
    file.write_bytes(content)
    called = "good-" + "".join(c if c.isalnum() else "-" for c in name.lower())
    status, _, err = served.cli("dataset", "add", called, str(file))
    assert status == 0, err
    assert json.loads(served.cli("dataset", "preview", called, "--json")[1]) == rows


def long_line(kind):
    """100 MB without a line end, as they come over the wire."""
    piece = b"x" * 1_000_000
    yield b"a,b\n1," if kind == "csv" else b'{"a": "'
    for _ in range(LINE_BYTES // len(piece)):
        yield piece
    yield b"\n" if kind == "csv" else b'"}\n'


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize("known", ["inferred", "given"])
def test_a_line_of_100_mb_is_a_finding_and_not_memory(served, kind, known):
    pid = json.loads((served.directory / "run" / "api.json").read_text())["pid"]
    columns = [{"name": "a", "type": "string"}, {"name": "b", "type": "string"}]
    schema = json.dumps({"columns": columns if kind == "csv" else columns[:1]})
    media_type = "text/csv" if kind == "csv" else "application/x-ndjson"
    before = forget_peak(pid)
    query = {"format": kind, "schema": schema if known == "given" else None}
    with served.client() as client, pytest.raises(Exception, match="at most 1048576 bytes"):
        client.upload("/v1/datasets/long", long_line(kind), media_type, **query)
    assert peak_bytes(pid) - before < FLAT_BYTES


def test_many_findings_are_twenty_and_their_number(served, tmp_path):
    file = tmp_path / "ragged.csv"
    file.write_bytes(b"a,b\n" + b"1\n" * 200_000)
    status, _, err = served.cli("dataset", "add", "ragged", str(file))
    assert status == 1
    assert "200000 findings" in err
    assert len([line for line in err.splitlines() if "line " in line]) <= 22


def test_many_rows_cost_the_memory_of_few(served):
    pid = json.loads((served.directory / "run" / "api.json").read_text())["pid"]
    block = b"".join(b"%d,%s\n" % (n, b"x" * 190) for n in range(5_000))

    def rows():
        yield b"n,text\n"
        for _ in range(60):
            yield block

    before = forget_peak(pid)
    with served.client() as client:
        made = client.upload("/v1/datasets/many", rows(), "text/csv", format="csv")
    assert made["rows"] == 300_000
    assert peak_bytes(pid) - before < FLAT_BYTES
