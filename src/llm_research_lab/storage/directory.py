"""The data directory is one private tree with a version, a lock and one layout."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from llm_research_lab.storage.lock import Lock, take
from llm_research_lab.storage.private import PRIVATE_DIRECTORY, explained, write_private
from llm_research_lab.vocabulary import ConflictError, InvalidError, NotFoundError

LAYOUT = 1
"""The layout of the tree; the database inside has its own revisions."""

SHARE_SECONDS = 0.5
"""Another that shares may hold it alone for a moment, to empty ``tmp``."""

_VERSION = "VERSION"
_FOLDERS = ("objects", "keys", "run", "logs", "traces", "metrics", "tmp", "exports")
_NOBODYS = frozenset({"lost+found"})
"""What a fresh file system holds: a mounted volume counts as empty."""


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """The tree's root, and the path of each thing in it."""

    root: Path

    @classmethod
    def open(cls, path: Path, *, create: bool = True) -> DataDirectory:
        """Open the directory, made if it is missing or empty; links are followed.

        Raises InvalidError when it is not a directory, not writable, another's or newer than this
        code; NotFoundError when it is missing and `create` is false; UnavailableError when the
        disk is full.
        """
        directory = cls(path.expanduser().absolute())
        try:
            directory._prepare(create)
        except OSError as error:
            raise explained(error, directory.root) from error
        return directory

    @property
    def version_file(self) -> Path:
        """The layout's number, in text."""
        return self.root / _VERSION

    @property
    def lock_file(self) -> Path:
        """Locked by the process that runs the directory."""
        return self.root / "lock"

    @property
    def database(self) -> Path:
        """SQLite's file."""
        return self.root / "lab.db"

    @property
    def objects(self) -> Path:
        """Contents by digest."""
        return self.root / "objects"

    @property
    def admin_key(self) -> Path:
        """The first key, for the command line; mode 0600."""
        return self.root / "keys" / "admin.key"

    @property
    def logs(self) -> Path:
        """What processes say."""
        return self.root / "logs"

    @property
    def metrics(self) -> Path:
        """Samples of series: log, blocks and what was set aside."""
        return self.root / "metrics"

    @property
    def traces(self) -> Path:
        """The last hour's kept spans."""
        return self.root / "traces"

    @property
    def tmp(self) -> Path:
        """Unfinished files: emptied by whoever takes the lock."""
        return self.root / "tmp"

    @property
    def exports(self) -> Path:
        """Files made for the user."""
        return self.root / "exports"

    def run_file(self, process: str) -> Path:
        """Where a process (``api``, ``runner``) says how it is reached."""
        return self.root / "run" / f"{process}.json"

    def lock(self, *, wait_seconds: float = 0.0) -> Lock:
        """Take the directory for this process, its descriptor's heirs and no other.

        Empties ``tmp``. Raises ConflictError, which names the holder, when the wait was in vain.
        """
        lock = take(self.lock_file, wait_seconds=wait_seconds)
        self._clear_tmp()
        return lock

    def share(self) -> Lock:
        """Hold the directory together with others that share it, and against whoever locks it.

        Empties ``tmp`` when nobody else is there. Raises ConflictError, which names the holder.
        """
        try:
            alone = self.lock()
        except ConflictError:
            return take(self.lock_file, wait_seconds=SHARE_SECONDS, shared=True)
        alone.share()
        return alone

    def _prepare(self, create: bool) -> None:
        if not self.root.exists():
            if not create:
                raise NotFoundError(
                    f"data directory {self.root}",
                    "a directory of the lab",
                    "nothing",
                    "start the lab once, or name another with --data-dir",
                )
            self.root.mkdir(PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        if not self.version_file.exists():
            self._initialise(create)
        self._check_version()
        for folder in _FOLDERS:
            (self.root / folder).mkdir(PRIVATE_DIRECTORY, exist_ok=True)

    def _initialise(self, create: bool) -> None:
        strangers = [
            entry.name
            for entry in self.root.iterdir()
            if entry.name not in _NOBODYS and not entry.name.startswith(f".{_VERSION}.")
        ]
        if strangers or not create:
            raise InvalidError(
                f"data directory {self.root}",
                "a directory of the lab, or an empty one",
                f"one with {min(strangers)!r} and no {_VERSION}" if strangers else "empty",
                "name another with --data-dir",
            )
        with contextlib.suppress(PermissionError):  # a mounted volume may belong to another user
            self.root.chmod(PRIVATE_DIRECTORY)
        write_private(self.version_file, f"{LAYOUT}\n".encode())

    def _check_version(self) -> None:
        text = self.version_file.read_bytes()[:20].decode("ascii", "replace").strip()
        if text == str(LAYOUT):
            return
        newer = text.isdigit() and int(text) > LAYOUT
        raise InvalidError(
            f"file {self.version_file}",
            f"layout {LAYOUT}",
            f"layout {text}, written by a newer lab" if newer else repr(text),
            "start the newer version of the lab" if newer else "restore the file from a backup",
        )

    def _clear_tmp(self) -> None:
        for entry in self.tmp.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink(missing_ok=True)
