"""Write the locks anew from the newest releases, and how many bytes they are on this platform."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

LOCKS = Path(__file__).resolve().parent.parent / "requirements"
COMPILE = ["pip", "compile", "--quiet", "--upgrade", "--universal", "--python-version", "3.11"]
PLAIN = ["--generate-hashes", "--no-emit-index-url", "--no-header"]
DEV = ["-c", "requirements/dev.txt"]
# The second lock's packages ask for a compiler through their dependencies: taken without them.
LIST = {"dev": [], "runtime": DEV, "bootstrap": DEV, "weights": ["--no-deps"], "bench": []}


def compile_lock(name: str, more: list[str]) -> None:
    """Write requirements/NAME.txt from NAME.in."""
    uv = str(Path(sys.executable).parent / "uv")
    files = [f"requirements/{name}.in", "-o", f"requirements/{name}.txt"]
    subprocess.run([uv, *COMPILE, *PLAIN, *more, *files], cwd=LOCKS.parent, check=True)


def fetched_bytes(name: str) -> int:
    """Sum of the files that a set-up on this platform fetches."""
    with tempfile.TemporaryDirectory() as folder:
        fetch = ["download", "--quiet", "--no-deps", "--require-hashes", "-d", folder]
        lock = ["-r", str(LOCKS / f"{name}.txt")]
        subprocess.run([sys.executable, "-m", "pip", *fetch, *lock], check=True)
        return sum(path.stat().st_size for path in Path(folder).iterdir())


def main() -> None:
    """Compile, then measure."""
    for name, more in LIST.items():
        print(f"locking {name}", flush=True)
        compile_lock(name, more)
    sizes = {name: fetched_bytes(name) for name in sorted(LIST)}
    text = json.dumps(sizes, indent=2, sort_keys=True) + "\n"
    (LOCKS / "sizes.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
