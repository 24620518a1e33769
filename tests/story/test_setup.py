"""The set-up ends clearly: what went wrong and why, and what to do."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OLD = '#!/bin/sh\ncase "$2" in *exit*) exit 1;; *print*) echo 3.9;; esac\n'
BARE = '#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; *print*) echo 3.12;; esac\n'


@pytest.fixture(scope="module")
def setup():
    spec = importlib.util.spec_from_file_location("setup_script", ROOT / "scripts/setup.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def find_python(tmp_path, script: str | None) -> subprocess.CompletedProcess[str]:
    """Look for a Python on a PATH that holds this one alone."""
    folder = tmp_path / "bin"
    folder.mkdir()
    if script is not None:
        (folder / "python3").write_text(script)
        (folder / "python3").chmod(0o755)
    return subprocess.run(
        ["/bin/sh", str(ROOT / "scripts/find-python.sh")],
        env={"PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (None, "no python3 was found on the PATH"),
        (OLD, "python3 is 3.9"),
        (BARE, "python3 has no venv module"),
    ],
)
def test_without_a_fit_python_it_says_which_is_needed_and_how_to_name_one(tmp_path, script, said):
    answer = find_python(tmp_path, script)
    assert answer.returncode == 1
    assert said in answer.stderr
    assert "make PYTHON=" in answer.stderr


@pytest.mark.timeout(120)
def test_an_index_out_of_reach_is_named_after_the_size_was_said(tmp_path):
    environment = {
        **os.environ,
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_FIND_LINKS": "",
        "PIP_NO_CACHE_DIR": "1",
    }
    answer = subprocess.run(
        [sys.executable, "scripts/setup.py", "runtime", "--venv", str(tmp_path / "venv")],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert "MB to fetch" in answer.stdout
    what, fix = answer.stderr.strip().splitlines()
    assert what.startswith("Could not fetch uv: the package index is out of reach")
    assert "the same command again" in fix


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("error: Hash mismatch for six", "a package is not the one that the lock names"),
        ("error: connection refused", "the package index is out of reach"),
    ],
)
def test_a_failed_step_is_called_by_its_cause(setup, said, named):
    assert named in str(setup.failure("fetch the packages", said)).splitlines()[0]


def test_a_full_disk_is_told_before_anything_is_fetched(setup, tmp_path):
    setup.ROOM, room = 10**9, setup.ROOM
    try:
        with pytest.raises(setup.SetupError, match="The disk is full"):
            setup.announce(tmp_path, "runtime")
    finally:
        setup.ROOM = room


def test_a_set_up_environment_is_left_alone_until_a_lock_changes(setup, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").touch()
    (tmp_path / "lab-dev.stamp").write_text(setup.digest("dev"))
    assert setup.stamped(tmp_path, "dev")
    assert setup.stamped(tmp_path, "runtime")
    assert not setup.stamped(tmp_path, "bench")
    (tmp_path / "lab-dev.stamp").write_text("older")
    assert not setup.stamped(tmp_path, "dev")
