"""An object is there whole or not at all, on every store."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.storage.objects import FileObjects, MemoryObjects
from llm_research_lab.storage.objects.lines import STRIDE_BYTES, LineWriter, read_lines
from llm_research_lab.vocabulary import InvalidError, LabError, NotFoundError, UnavailableError

CONTENT = b"what an object says"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
BAD_DIGESTS = [
    "",
    "ab",
    "../" + "a" * 61,
    "A" * 64,
    "a" * 63 + "\n",
    "a" * 65,
    "/etc/passwd",
    "a" * 63 + "\0",
]


@pytest.fixture
def folders(tmp_path):
    root, tmp = tmp_path / "objects", tmp_path / "tmp"
    root.mkdir()
    tmp.mkdir()
    return root, tmp


@pytest.fixture(params=["memory", "files"])
def objects(request, folders):
    return MemoryObjects() if request.param == "memory" else FileObjects(*folders)


def put(objects, content=CONTENT, digest=DIGEST):
    with objects.writing() as writer:
        writer.write(content)
        writer.commit(digest)


def test_what_was_committed_is_read(objects):
    with objects.writing() as writer:
        writer.write(CONTENT[:5])
        writer.write(CONTENT[5:])
        assert not objects.exists(DIGEST)
        writer.commit(DIGEST)
    assert objects.exists(DIGEST)
    assert objects.size(DIGEST) == len(CONTENT)
    with objects.open(DIGEST) as file:
        assert file.read() == CONTENT
        file.seek(5)
        assert file.read(6) == CONTENT[5:11]


def test_what_was_not_committed_is_gone(objects, folders):
    with objects.writing() as writer:
        writer.write(CONTENT)
    with pytest.raises(InvalidError):
        put(objects, b"x" * 1_000_000, "no digest")
    assert not objects.exists(DIGEST)
    assert [list(folder.iterdir()) for folder in folders] == [[], []]


def test_an_object_is_deleted_for_all_and_twice_is_once(objects):
    put(objects)
    with objects.open(DIGEST) as file:
        objects.delete(DIGEST)
        objects.delete(DIGEST)
        assert file.read() == CONTENT
    assert not objects.exists(DIGEST)


def test_what_is_not_there_is_not_found(objects):
    for ask in (objects.open, objects.size):
        with pytest.raises(NotFoundError):
            ask(DIGEST)
    assert not objects.exists(DIGEST)


@pytest.mark.parametrize("digest", BAD_DIGESTS)
def test_a_digest_is_never_a_path(objects, folders, digest):
    for ask in (objects.open, objects.size, objects.exists, objects.delete):
        with pytest.raises(InvalidError):
            ask(digest)
    with pytest.raises(InvalidError):
        put(objects, digest=digest)
    assert [list(folder.iterdir()) for folder in folders] == [[], []]


def test_many_who_commit_one_digest_all_succeed(objects, folders):
    ready, failures = threading.Barrier(8), []

    def commit():
        try:
            with objects.writing() as writer:
                writer.write(CONTENT)
                ready.wait()
                writer.commit(DIGEST)
        except (LabError, OSError) as error:
            failures.append(error)

    threads = [threading.Thread(target=commit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert objects.open(DIGEST).read() == CONTENT
    assert list(folders[1].iterdir()) == []


def test_a_scratch_file_has_no_name_and_reads_what_was_written(objects, folders):
    with objects.scratch() as file:
        file.write(b"x" * 1_000_000)
        file.seek(0)
        assert len(file.read()) == 1_000_000
        assert list(folders[1].iterdir()) == []
    assert file.closed


def test_an_object_is_its_owners_alone(folders):
    put(FileObjects(*folders))
    (place,) = folders[0].rglob(DIGEST)
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("point", ["objects.synced", "objects.renamed", "objects.committed"])
def test_a_crash_leaves_the_whole_object_or_none(folders, point):
    code = (
        "import sys; from pathlib import Path;"
        "from llm_research_lab.storage.objects import FileObjects;"
        f"writing = FileObjects(Path({str(folders[0])!r}), Path({str(folders[1])!r})).writing();"
        f"w = writing.__enter__(); w.write({CONTENT!r}); w.commit({DIGEST!r})"
    )
    env = {**os.environ, "LAB_CRASH_AT": point}
    assert subprocess.run([sys.executable, "-c", code], env=env, check=False).returncode == -9
    objects = FileObjects(*folders)
    assert objects.exists(DIGEST) == (point != "objects.synced")
    assert not objects.exists(DIGEST) or objects.open(DIGEST).read() == CONTENT
    put(objects)
    assert objects.open(DIGEST).read() == CONTENT


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_said_and_leaves_nothing(folders):
    """The unfinished file is made a link to the device that is always full."""
    objects = FileObjects(*folders)

    def put_on_a_full_disk(content):
        with objects.writing() as writer:
            full = os.open("/dev/full", os.O_WRONLY)
            os.dup2(full, writer._file.fileno())
            os.close(full)
            writer.write(content)
            writer.commit(DIGEST)

    for content in (b"x", b"x" * 1_000_000):
        with pytest.raises(UnavailableError) as caught:
            put_on_a_full_disk(content)
        assert caught.value.got == os.strerror(errno.ENOSPC)
    assert [list(folder.iterdir()) for folder in folders] == [[], []]


def test_what_the_file_system_refuses_is_said(folders, tmp_path):
    nowhere = FileObjects(folders[0], tmp_path / "missing")
    for begin in (nowhere.writing, nowhere.scratch):
        with pytest.raises(UnavailableError), begin():
            pass
    place = folders[0] / DIGEST[:2] / DIGEST
    place.mkdir(parents=True)
    objects = FileObjects(*folders)
    assert not objects.exists(DIGEST)
    for ask in (objects.open, objects.delete):
        with pytest.raises(InvalidError):
            ask(DIGEST)
    (folders[0] / "ff").write_text("a file where a folder should be")
    with pytest.raises(InvalidError):
        objects.size("f" * 64)


lines_of = st.lists(
    st.binary(max_size=STRIDE_BYTES // 2).map(lambda line: line.replace(b"\n", b"") + b"\n"),
    max_size=12,
)


@given(lines_of, st.integers(0, 14), st.integers(0, 14), st.integers(1, 5))
def test_lines_are_read_from_the_middle(lines, first, count, portion):
    objects = MemoryObjects()
    with objects.writing() as writer:
        written = LineWriter(writer, b"head\n")
        for start in range(0, len(lines), portion):
            written.write(lines[start : start + portion])
        done = written.finish()
        writer.commit(done.digest)
    content = b"head\n" + b"".join(lines)
    assert (done.digest, done.bytes, done.lines) == (
        hashlib.sha256(content).hexdigest(),
        len(content),
        len(lines),
    )
    assert read_lines(objects.open(done.digest), first, count) == lines[first : first + count]


def test_a_line_far_down_is_found_without_a_scan():
    class Counting:
        """Counts what is read of a file."""

        def __init__(self, file):
            self.file, self.read_bytes = file, 0

        def seek(self, *where):
            return self.file.seek(*where)

        def read(self, size):
            self.read_bytes += size
            return self.file.read(size)

        def __iter__(self):
            for line in self.file:
                self.read_bytes += len(line)
                yield line

    objects = MemoryObjects()
    with objects.writing() as writer:
        written = LineWriter(writer, b"head\n")
        written.write([b"%07d\n" % number for number in range(200_000)])
        digest = written.finish().digest
        writer.commit(digest)
    for first in (0, 9_000, 100_000, 199_990):
        file = Counting(objects.open(digest))
        assert read_lines(file, first, 2) == [b"%07d\n" % first, b"%07d\n" % (first + 1)]
        assert file.read_bytes <= STRIDE_BYTES + 1_000


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no index",
        b"x" * 100,
        b"LABLINE1" + b"\0" * 23,
        b"LABLINE1" + b"\1" * 23,
        b"LABLINE1" + b"\1" * 24,
    ],
)
def test_an_object_without_an_index_is_said_to_be_damaged(content):
    objects = MemoryObjects()
    put(objects, content)
    with pytest.raises(UnavailableError):
        read_lines(objects.open(DIGEST), 0, 1)
