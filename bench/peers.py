"""Where the peers live: a virtual environment of their own, from requirements/bench.txt."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
VENV = ROOT / ".venv-bench"


def python() -> str:
    """The peers' Python; set up on first use (about 800 MB on disk)."""
    setup = [sys.executable, str(ROOT / "scripts/setup.py"), "bench", "--venv", str(VENV)]
    subprocess.run(setup, check=True)
    return str(VENV / "bin/python")
