"""A file is kept whole when every row keeps the schema; else nothing of it stays. On every store."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import itertools
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.commands.lab import Lab
from llm_research_lab.commands.receiving import PIECE_BYTES, Received, receive, rows
from llm_research_lab.experiments.rows import ROW_BYTES, schema_line
from llm_research_lab.experiments.schema import Column, Schema
from llm_research_lab.storage.objects import FileObjects, MemoryObjects
from llm_research_lab.vocabulary import InvalidError, NotFoundError, UnavailableError

SCHEMA = Schema((Column("a", "integer"), Column("b", "string", nullable=True)))


class Folders:
    """Where a lab over files keeps its objects."""

    def __init__(self, root):
        self.objects, self.tmp = root / "objects", root / "tmp"
        for folder in (self.objects, self.tmp):
            folder.mkdir()

    def files(self):
        return [
            path
            for folder in (self.objects, self.tmp)
            for path in folder.rglob("*")
            if path.is_file()
        ]


@pytest.fixture
def folders(tmp_path):
    return Folders(tmp_path)


@pytest.fixture(params=["memory", "files"])
def lab(request, folders):
    return lab_over(MemoryObjects() if request.param == "memory" else files_of(folders))


def files_of(folders):
    return FileObjects(folders.objects, folders.tmp)


def lab_over(objects):
    """A lab of which receiving needs only the objects."""
    return Lab(None, None, objects, lambda: 0, lambda prefix: prefix)


async def cut(data, size=PIECE_BYTES):
    for start in range(0, len(data), size):
        yield data[start : start + size]


def nothing(lab, folders):
    """Nothing stayed, in memory or in files."""
    return folders.files() == [] and not getattr(lab.objects, "_objects", None)


CSV = b'b,a\nx,1\n"y\n,z",2\n,3\n'
ROWS = [{"b": "x", "a": 1}, {"b": "y\n,z", "a": 2}, {"b": None, "a": 3}]


async def test_rows_come_back_typed_and_in_their_place(lab):
    got = await receive(lab, cut(CSV), "csv", None)
    assert got.schema == Schema((Column("b", "string", nullable=True), Column("a", "integer")))
    assert (got.rows, got.statistics["rows"]) == (3, 3)
    assert rows(lab, got.digest, 0, 9) == ROWS
    assert rows(lab, got.digest, 1, 1) == ROWS[1:2]
    assert rows(lab, got.digest, 3, 1) == []
    assert list(rows(lab, got.digest, 0, 1)[0]) == ["b", "a"]


async def test_the_digest_is_of_the_canonical_content(lab):
    got = await receive(lab, cut(CSV), "csv", SCHEMA)
    content = schema_line(SCHEMA) + b'{"a":1,"b":"x"}\n{"a":2,"b":"y\\n,z"}\n{"a":3,"b":null}\n'
    assert (got.digest, got.bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    with lab.objects.open(got.digest) as file:
        assert file.read(len(content)) == content


async def test_a_table_is_one_version_however_it_was_sent(lab):
    inferred = await receive(lab, cut(CSV), "csv", None)
    lines = b"".join(json.dumps(row).encode() + b"\r\n" for row in ROWS)
    sent = [
        await receive(lab, cut(CSV, 1), "csv", None),
        await receive(lab, cut(CSV), "csv", inferred.schema),
        await receive(
            lab,
            cut(b"\xef\xbb\xbf" + CSV.replace(b"\n", b"\r\n").replace(b'"y\r\n', b'"y\n')),
            "csv",
            None,
        ),
        await receive(lab, cut(lines, 3), "jsonl", None),
        await receive(lab, cut(lines), "jsonl", inferred.schema),
        await receive(
            lab, cut(b'{"a":1,"b":"x"}\n{"a":2,"b":"y\\n,z"}\n{"a":3}'), "jsonl", inferred.schema
        ),
    ]
    assert all(one == inferred for one in sent)


async def test_another_schema_is_another_version(lab):
    one = await receive(lab, cut(b"a\n1\n"), "csv", Schema((Column("a", "integer"),)))
    other = await receive(
        lab, cut(b"a\n1\n"), "csv", Schema((Column("a", "integer", nullable=True),))
    )
    assert one.digest != other.digest


values = st.fixed_dictionaries(
    {
        "a": st.integers(-(2**63), 2**63 - 1),
        "b": st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5),
        "c": st.floats(allow_nan=False, allow_infinity=False) | st.just(1),
        "d": st.booleans() | st.none(),
        "e": st.lists(st.integers(0, 9), max_size=2),
    }
)
FIVE = Schema(
    (
        Column("a", "integer"),
        Column("b", "string", nullable=True),
        Column("c", "number"),
        Column("d", "boolean", nullable=True),
        Column("e", "json"),
    )
)


@given(st.lists(values, min_size=1, max_size=5))
def test_every_value_survives(table):
    lab = lab_over(MemoryObjects())
    data = "".join(json.dumps(row) + "\n" for row in table).encode()
    got = asyncio.run(receive(lab, cut(data, 7), "jsonl", FIVE))
    back = rows(lab, got.digest, 0, len(table))
    assert [repr(row) for row in back] == [repr({n: row[n] for n in FIVE.names}) for row in table]
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow("abcd")
    for row in table:
        writer.writerow(["" if row[name] is None else row[name] for name in "abcd"])
    four = Schema(FIVE.columns[:4])
    kept = asyncio.run(receive(lab, cut(text.getvalue().encode(), 7), "csv", four))
    expected = [{name: None if row[name] == "" else row[name] for name in "abcd"} for row in table]
    assert list(map(repr, rows(lab, kept.digest, 0, 9))) == list(map(repr, expected))


BAD = [
    (b"", "csv", "empty-file"),
    (b"\xef\xbb\xbf", "csv", "empty-file"),
    (b"a,b\n", "csv", "no-rows"),
    (b'a,b\n1,"x\n', "csv", "open-quote"),
    (b'a,b\n1,x"y"\n', "csv", "bare-quote"),
    (b"a,b\n1,x\n2\n", "csv", "missing-cell"),
    (b"a,b\n1,x,y\n", "csv", "extra-cell"),
    (b"a,a\n1,2\n", "csv", "duplicate-label"),
    (b"a,b\n1,\0\n", "csv", "nul"),
    ("a,b\n1,é\n".encode("latin-1"), "csv", "encoding"),
    ("a,b\n1,é\n".encode("utf-16"), "csv", "encoding"),
    (",".join(map(str, range(10_000))).encode() + b"\n", "csv", "columns"),
    (b"", "jsonl", "empty-file"),
    (b"{}\n", "jsonl", None),
    (b'{"a":1\n', "jsonl", "json"),
    (b'{"a":NaN}\n', "jsonl", "number"),
    (b'{"a":1,"a":2}\n', "jsonl", "duplicate-label"),
    (b'{"a":"\\ud800"}\n', "jsonl", "utf-8"),
    (b'{"a":18446744073709551616}\n', "jsonl", "integer"),
    (b'{"a":9223372036854775808}\n', "jsonl", "integer"),
    (b'{"a":' + b"[" * 99 + b"]" * 99 + b"}\n", "jsonl", "depth"),
    (b"[" * 2_000_000, "jsonl", "row-length"),
    (b'{"a":1}\n{"a":"x"}\n', "jsonl", "type"),
    (b'{"a":1}\r{"a":2}\r', "jsonl", "json"),
    ('{"a":1}\n'.encode("utf-16"), "jsonl", "encoding"),
    (json.dumps(dict.fromkeys(map(str, range(10_000)), 1)).encode(), "jsonl", "columns"),
]


@pytest.mark.parametrize("schema", [None, SCHEMA])
@pytest.mark.parametrize("bad", BAD)
async def test_nothing_stays_of_a_bad_file(lab, folders, bad, schema):
    data, format_, law = bad
    with pytest.raises(InvalidError) as caught:
        await receive(lab, cut(data), format_, schema)
    error = caught.value
    assert error.total >= len(error.findings) > 0
    assert law is None or law in [one.law for one in error.findings]
    assert all(one.where.startswith("line ") and one.fix for one in error.findings)
    assert error.where == error.findings[0].where
    assert nothing(lab, folders)


@pytest.mark.parametrize("schema", [None, Schema((Column("a", "integer"),))])
async def test_twenty_findings_are_kept_and_all_counted(lab, folders, schema):
    good, bad = b'{"a":1}\n', b'{"a":"x"}\n'
    with pytest.raises(InvalidError) as caught:
        await receive(lab, cut(good + bad * 20_000), "jsonl", schema)
    assert (len(caught.value.findings), caught.value.total) == (20, 20_000)
    assert [one.where for one in caught.value.findings] == [
        f"line {line}, column a (1)" for line in range(2, 22)
    ]
    assert "20000 findings" in caught.value.got
    assert nothing(lab, folders)


async def test_too_many_names_in_all_rows_together_are_refused(lab, folders):
    data = b"".join(b'{"a%d":1}\n' % number for number in range(3_000))
    with pytest.raises(InvalidError) as caught:
        await receive(lab, cut(data), "jsonl", None)
    assert [one.law for one in caught.value.findings] == ["columns"]
    assert nothing(lab, folders)


async def test_a_file_that_breaks_off_leaves_nothing(lab, folders):
    async def broken_off():
        yield CSV
        yield b"x,1\n" * 100_000
        raise ConnectionResetError

    for schema in (None, SCHEMA):
        with pytest.raises(ConnectionResetError):
            await receive(lab, broken_off(), "csv", schema)
        assert nothing(lab, folders)


async def test_a_cancelled_one_leaves_nothing(lab, folders):
    for schema in (None, SCHEMA):
        begun = asyncio.Event()

        async def endless(begun=begun):
            yield b"a,b\n"
            for number in itertools.count():
                yield b"1,x\n" * 20_000
                if number == 3:
                    begun.set()

        task = asyncio.ensure_future(receive(lab, endless(), "csv", schema))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert nothing(lab, folders)


async def test_no_more_is_asked_for_than_is_needed_to_refuse(lab):
    asked = 0

    async def endless():
        nonlocal asked
        yield b"a\n"
        while True:
            asked += 1
            yield b"x" * 65_536

    with pytest.raises(InvalidError) as caught:
        await receive(lab, endless(), "csv", None)
    assert caught.value.findings[0].law == "row-length"
    assert asked * 65_536 < 3 * ROW_BYTES


def test_memory_does_not_grow_with_the_file(folders):
    """Six megabytes of short rows, after one: the process's peak stays where it was."""
    code = f"""
import asyncio, resource, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
import test_receiving as t
lab = t.lab_over(t.FileObjects(Path({str(folders.objects)!r}), Path({str(folders.tmp)!r})))

async def many(megabytes):
    yield b"a,b\\n"
    for number in range(megabytes):
        yield b'%d,"some, text"\\n' % number * 65_536

for megabytes in (1, 6):
    asyncio.run(t.receive(lab, many(megabytes), "csv", None))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    small, large = map(int, run.stdout.split())
    assert large - small < 4_000, "KiB"


@pytest.fixture
def small_disk():
    """Files take two megabytes; the kernel refuses the rest, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("small_disk")
@pytest.mark.parametrize("schema", [None, SCHEMA])
async def test_a_full_disk_is_said_and_leaves_nothing(folders, schema):
    lab = lab_over(files_of(folders))
    with pytest.raises(UnavailableError):
        await receive(lab, cut(b"a,b\n" + b"1,x\n" * 1_000_000), "csv", schema)
    assert folders.files() == []
    assert isinstance(await receive(lab, cut(b"a,b\n1,x\n"), "csv", schema), Received)


@pytest.mark.usefixtures("small_disk")
async def test_a_disk_that_fills_in_the_second_pass_is_said(folders):
    """The content is longer than the file: each row repeats the columns' names."""
    lab = lab_over(files_of(folders))
    with pytest.raises(UnavailableError):
        await receive(lab, cut(b"a long name,b\n" + b"1,x\n" * 300_000), "csv", None)
    assert folders.files() == []


def test_what_the_scratch_file_still_holds_may_find_no_room():
    class Brimming(MemoryObjects):
        """Its scratch file takes everything, and has room for nothing."""

        def scratch(self):
            class Full(io.BytesIO):
                def seek(self, *where):
                    raise OSError(28, os.strerror(28))

            return Full()

    with pytest.raises(UnavailableError):
        asyncio.run(receive(lab_over(Brimming()), cut(CSV), "csv", None))


POINTS = [
    "receiving.written",
    "objects.synced",
    "objects.renamed",
    "objects.committed",
    "receiving.kept",
]


@pytest.mark.parametrize("point", POINTS)
def test_a_crash_leaves_the_whole_object_or_none(folders, point):
    code = f"""
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
import test_receiving as t
lab = t.lab_over(t.FileObjects(Path({str(folders.objects)!r}), Path({str(folders.tmp)!r})))
asyncio.run(t.receive(lab, t.cut(t.CSV), "csv", None))
"""
    env = {**os.environ, "LAB_CRASH_AT": point}
    assert subprocess.run([sys.executable, "-c", code], env=env, check=False).returncode == -9
    lab = lab_over(files_of(folders))
    kept = list(folders.objects.rglob("?" * 64))
    assert len(kept) == (point not in POINTS[:2])
    assert all(rows(lab, path.name, 0, 9) == ROWS for path in kept)
    assert rows(lab, asyncio.run(receive(lab, cut(CSV), "csv", None)).digest, 0, 9) == ROWS


def test_rows_of_an_unknown_digest_are_not_found(lab):
    with pytest.raises(NotFoundError):
        rows(lab, "0" * 64, 0, 1)
