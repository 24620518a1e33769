"""What every command pays to start: numba and pyarrow are paid by those that use them."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("numba", "pyarrow", "llvmlite")


def imported(code: str, *arguments: str, **environment: str) -> set[str]:
    """Run the code in a new interpreter; the heavy modules that it had at its end."""
    end = f"import sys, atexit; atexit.register(lambda: print('\\n', *({HEAVY!r} & sys.modules.keys())))"
    end = end.replace(repr(HEAVY), repr(set(HEAVY)))
    done = subprocess.run(
        [sys.executable, "-c", f"{end}\n{code}", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**environment, "PATH": ""},
    )
    assert "Traceback" not in done.stderr, done.stderr
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["status"],
        ["tsdb", "--help"],
        ["tsdb", "export", "--help"],
        ["promql", "test", "--help"],
        ["query", "--help"],
        ["promql", "format", "up"],
    ],
    ids=" ".join,
)
def test_a_command_that_needs_neither_imports_neither(arguments, tmp_path):
    code = "from llm_research_lab.cli import main; main()"
    assert imported(code, *arguments, LAB_DATA_DIR=str(tmp_path)) == set()


@pytest.mark.parametrize("process", ["api_process", "runner_process"])
def test_the_api_and_the_runner_import_neither(process):
    assert imported(f"import llm_research_lab.service.{process}") == set()


def test_the_check_sees_what_is_imported():
    assert imported("import pyarrow") == {"pyarrow"}
