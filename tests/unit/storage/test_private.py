"""A private file is there whole or not at all, and its owner alone can read it."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

import pytest

from llm_research_lab.storage.private import explained, write_private
from llm_research_lab.vocabulary import InvalidError, UnavailableError


def test_the_file_is_its_owners_alone_and_replaces_the_old_one(tmp_path):
    file = tmp_path / "key"
    file.write_text("old")
    file.chmod(0o644)
    write_private(file, b"new")
    assert file.read_bytes() == b"new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_link_is_replaced_and_what_it_led_to_stays(tmp_path):
    (tmp_path / "other").write_text("untouched")
    (tmp_path / "key").symlink_to(tmp_path / "other")
    write_private(tmp_path / "key", b"new")
    assert (tmp_path / "other").read_text() == "untouched"
    assert not (tmp_path / "key").is_symlink()


def test_what_fails_leaves_nothing_behind(tmp_path):
    (tmp_path / "key").mkdir()
    with pytest.raises(InvalidError):
        write_private(tmp_path / "key", b"x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["key"]


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (errno.ENOSPC, UnavailableError, "free some space"),
        (errno.EDQUOT, UnavailableError, "free some space"),
        (errno.EROFS, InvalidError, "mode or owner"),
        (errno.EACCES, InvalidError, "mode or owner"),
        (errno.ENOTDIR, InvalidError, "name a directory"),
        (errno.ENAMETOOLONG, InvalidError, "name another"),
        (errno.EIO, UnavailableError, "disk's health"),
    ],
)
def test_each_kind_of_trouble_has_its_mend(code, kind, said):
    error = explained(OSError(code, "as it says", "/some/file"), Path("/else"))
    assert type(error) is kind
    assert (error.where, error.got) == ("path /some/file", "as it says")
    assert said in error.fix


def test_an_error_without_a_file_names_the_path_that_was_meant():
    assert explained(OSError("odd"), Path("/else")).where == "path /else"
