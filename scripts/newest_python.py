"""Print the newest Python of this machine that is newer than the running one, or nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

OLDEST, NEWEST = 11, 14
QUESTION = (
    "import ensurepip, sys, venv; print(sys.version_info[1] if sys.version_info[0] == 3 else 0)"
)


def candidates() -> list[str]:
    """Every name that could be a Python: on the PATH, and where pyenv keeps its own."""
    named = [shutil.which(f"python3.{minor}") for minor in range(NEWEST, OLDEST - 1, -1)]
    kept = sorted(Path.home().glob(".pyenv/versions/*/bin/python3"))
    return [name for name in named if name] + [str(path) for path in kept]


def minor(python: str) -> int:
    """Which 3.X it really is; 0 when it does not run or cannot make environments."""
    try:
        answer = subprocess.run(
            [python, "-c", QUESTION], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return int(answer.stdout) if answer.returncode == 0 and answer.stdout.strip() else 0


def main() -> None:
    """Print the path of the newest, if it is newer."""
    found = max(((minor(python), python) for python in candidates()), default=(0, ""))
    if sys.version_info[1] < found[0] <= NEWEST:
        print(found[1])


if __name__ == "__main__":
    main()
