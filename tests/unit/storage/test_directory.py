"""The data directory: one private tree, refused when it is another's, newer or not to be had."""

from __future__ import annotations

import stat

import pytest

from llm_research_lab.storage.directory import DataDirectory
from llm_research_lab.vocabulary import ConflictError, InvalidError, NotFoundError


def test_a_missing_directory_is_made_private_with_its_version_and_folders(tmp_path):
    directory = DataDirectory.open(tmp_path / "a" / "lab")
    assert stat.S_IMODE(directory.root.stat().st_mode) == 0o700
    assert directory.version_file.read_text() == "1\n"
    for folder in (
        directory.objects,
        directory.logs,
        directory.tmp,
        directory.exports,
        directory.admin_key.parent,
        directory.run_file("api").parent,
    ):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_second_opening_finds_it_as_it_was(tmp_path):
    first = DataDirectory.open(tmp_path / "lab")
    (first.exports / "mine").write_text("kept")
    assert DataDirectory.open(tmp_path / "lab") == first
    assert (first.exports / "mine").read_text() == "kept"


def test_a_mounted_volume_counts_as_empty(tmp_path):
    (tmp_path / "lost+found").mkdir()
    assert DataDirectory.open(tmp_path).version_file.exists()


def test_a_directory_of_other_things_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(InvalidError, match=r"thesis\.tex"):
        DataDirectory.open(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


def test_nothing_is_made_when_that_was_not_asked(tmp_path):
    with pytest.raises(NotFoundError):
        DataDirectory.open(tmp_path / "lab", create=False)
    assert not (tmp_path / "lab").exists()
    with pytest.raises(InvalidError, match="empty"):
        DataDirectory.open(tmp_path, create=False)


@pytest.mark.parametrize(
    ("text", "said"), [("2\n", "newer lab"), ("0\n", "'0'"), ("one", "'one'"), ("\xff", "")]
)
def test_another_layout_is_refused(tmp_path, text, said):
    directory = DataDirectory.open(tmp_path / "lab")
    directory.version_file.write_text(text, encoding="latin-1")
    with pytest.raises(InvalidError, match="layout 1") as refused:
        DataDirectory.open(tmp_path / "lab")
    assert said in refused.value.got


def test_a_file_in_its_place_is_refused_in_the_users_words(tmp_path):
    (tmp_path / "lab").write_text("x")
    with pytest.raises(InvalidError, match="no part of its path may be a file"):
        DataDirectory.open(tmp_path / "lab")


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert DataDirectory.open(tmp_path / "link").version_file.exists()


def test_who_takes_the_lock_empties_tmp_and_nothing_else(tmp_path):
    directory = DataDirectory.open(tmp_path / "lab")
    (directory.tmp / "half").write_text("x")
    (directory.tmp / "deep" / "er").mkdir(parents=True)
    (directory.tmp / "out").symlink_to(tmp_path)
    (directory.exports / "kept").write_text("x")
    with directory.lock():
        assert list(directory.tmp.iterdir()) == []
    assert (directory.exports / "kept").exists()
    assert tmp_path.is_dir()


def test_a_locked_directory_is_neither_locked_nor_shared(tmp_path):
    directory = DataDirectory.open(tmp_path / "lab")
    with directory.lock():
        for refused in (directory.lock, directory.share):
            with pytest.raises(ConflictError, match="pid"):
                refused()


def test_sharers_bear_each_other_and_no_locker(tmp_path):
    directory = DataDirectory.open(tmp_path / "lab")
    with directory.share(), directory.share():
        (directory.tmp / "upload").write_text("x")
        with directory.share():
            assert (directory.tmp / "upload").exists()  # another's unfinished file stays
        with pytest.raises(ConflictError):
            directory.lock()
    directory.lock().release()


def test_who_shares_alone_empties_tmp(tmp_path):
    directory = DataDirectory.open(tmp_path / "lab")
    (directory.tmp / "half").write_text("x")
    with directory.share():
        assert list(directory.tmp.iterdir()) == []
