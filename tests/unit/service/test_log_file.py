"""A log file is rotated at its size; a full disk costs lines, never the process."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from llm_research_lab.service.log_file import LogFile
from llm_research_lab.vocabulary import InvalidError


def test_lines_go_on_in_numbered_files_of_which_the_newest_are_kept(tmp_path):
    log = LogFile(tmp_path / "api.log", 20, 2)
    log.copy(f"line {n:03}\n".encode() for n in range(10))
    log.close()
    assert (tmp_path / "api.log").read_text() == "line 008\nline 009\n"
    assert (tmp_path / "api.log.1").read_text() == "line 006\nline 007\n"
    assert (tmp_path / "api.log.2").read_text() == "line 004\nline 005\n"
    assert len(list(tmp_path.iterdir())) == 3


def test_a_file_is_its_owners_alone_and_goes_on_where_it_was(tmp_path):
    for text in (b"one\n", b"two\n"):
        log = LogFile(tmp_path / "api.log", 1000, 1)
        log.write(text)
        log.close()
    assert (tmp_path / "api.log").read_text() == "one\ntwo\n"
    assert stat.S_IMODE((tmp_path / "api.log").stat().st_mode) == 0o600


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux's device that is always full")
def test_a_line_that_finds_no_room_is_counted(tmp_path):
    (tmp_path / "api.log").symlink_to("/dev/full")
    log = LogFile(tmp_path / "api.log", 1000, 1)
    log.write(b"one\n")
    assert log.lost == 1
    log.close()


def test_a_file_that_cannot_be_made_is_said_in_the_users_words(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InvalidError):
        LogFile(tmp_path / "file" / "api.log", 1000, 1)
