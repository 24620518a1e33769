"""What a newcomer trips on is looked at; nothing is changed by looking."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from llm_research_lab.service import doctor
from llm_research_lab.service.doctor import examine
from llm_research_lab.service.ports import bind
from llm_research_lab.service.settings import read_settings
from llm_research_lab.storage import DataDirectory
from llm_research_lab.storage.relational.migrations import migrate


@pytest.fixture
def root(tmp_path):
    directory = DataDirectory.open(tmp_path / "lab")
    migrate(directory.database)
    return directory.root


def test_a_fresh_machine_is_well_and_stays_as_it_was(tmp_path):
    found = examine(read_settings({"data_dir": tmp_path / "none" / "yet", "port": 0}))
    assert [one for one in found if one.outcome == "fail"] == []
    assert list(tmp_path.iterdir()) == []
    assert {"python", "packages", "data directory", "clock", "port", "ops port"} <= {
        one.name for one in found
    }


def test_what_is_not_well_says_how_to_mend_it(tmp_path):
    (tmp_path / "file").write_text("x")
    found = examine(read_settings({"data_dir": tmp_path / "file" / "lab"}))
    assert "data directory" in {one.name for one in found if one.outcome == "fail"}
    assert all(one.fix for one in found if one.outcome != "ok")


def test_a_missing_package_is_named():
    assert doctor.packages("llm-research-lab").outcome == "ok"
    assert doctor.packages("no-such-distribution").outcome == "warn"


def test_a_directory_that_others_may_read_is_warned_of(root):
    assert doctor.privacy(root).outcome == "ok"
    root.chmod(0o755)
    assert doctor.privacy(root).what == "mode 0755"


def test_a_key_that_others_may_read_is_warned_of(root):
    key = DataDirectory(root).admin_key
    assert doctor.admin_key(root).outcome == "ok"
    key.write_text("x")
    key.chmod(0o640)
    assert doctor.admin_key(root).outcome == "warn"


def test_another_layout_fails_and_so_does_a_strangers_directory(root, tmp_path):
    assert doctor.layout(root).what == "1"
    DataDirectory(root).version_file.write_text("2")
    assert doctor.layout(root).outcome == "fail"
    (tmp_path / "other").mkdir()
    assert doctor.layout(tmp_path / "other").outcome == "ok"
    (tmp_path / "other" / "thesis").write_text("x")
    assert doctor.layout(tmp_path / "other").outcome == "fail"


def test_a_schema_that_is_older_newer_or_none_is_told_apart(root):
    file = DataDirectory(root).database
    assert doctor.schema(root).outcome == "ok"
    for revision, outcome in (("0000", "ok"), ("9999", "fail")):
        connection = sqlite3.connect(file)
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        connection.commit()
        connection.close()
        assert doctor.schema(root).outcome == outcome
    assert "newer" in doctor.schema(root).what
    file.write_text("a letter")
    assert doctor.schema(root).outcome == "fail"


def test_a_lab_that_holds_the_directory_is_named(root):
    assert doctor.lab(root, None).what == "none runs on the directory"
    with DataDirectory(root).lock():
        assert doctor.lab(root, "http://here").what == f"pid {os.getpid()} serves http://here"
        assert doctor.lab(root, None).outcome == "warn"


def test_a_clock_behind_its_own_files_is_warned_of(root):
    written = DataDirectory(root).database.stat().st_mtime
    assert doctor.clock(root, written + 1e6).outcome == "ok"
    assert doctor.clock(root, written - 3600).outcome == "warn"


@pytest.mark.parametrize(("limit", "outcome"), [(256, "warn"), (1024, "ok"), (-1, "ok")])
def test_too_few_open_files_are_warned_of(limit, outcome):
    assert doctor.open_files(limit).outcome == outcome


def test_a_taken_port_is_no_failure(tmp_path):
    taken = bind("127.0.0.1", 0)
    with taken.listener:
        settings = read_settings({"data_dir": tmp_path, "port": taken.port})
        found = {one.name: one for one in doctor.ports(settings)}
    assert (found["port"].outcome, found["port"].what) == ("warn", f"{taken.port} is taken")


def test_a_look_that_breaks_is_a_finding_and_hides_no_other():
    def breaks():
        raise PermissionError(13, "Permission denied", "/root/x")

    assert doctor._safely("one", breaks).outcome == "fail"


def test_the_file_system_is_named(root):
    if Path("/proc/self/mountinfo").exists():
        assert doctor.file_system(root).outcome == "ok"
