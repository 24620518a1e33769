"""A child of `lab up` tells its parent how it fares, and does not outlive it."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llm_research_lab.vocabulary import InvalidError, LabError

VARIABLE = "LAB_CHILD_OF"
"""Names the descriptors that the parent gave; not a setting, and gone once read."""

ORPHAN_SECONDS = 4.0
"""What an orphan gets to drain: within five it is gone, and a new `lab up` can start."""


@dataclass(frozen=True, slots=True)
class Parent:
    """The parent's line, whose end is the parent's end; its lock; the API's listening socket."""

    line: socket.socket
    lock: int
    listener: int | None

    @classmethod
    def of(cls, environ: MutableMapping[str, str]) -> Parent | None:
        """Find the parent that the environment names; None for a process that was started alone."""
        text = environ.pop(VARIABLE, None)
        if text is None:
            return None
        given = json.loads(text)
        for descriptor in given.values():
            if descriptor is not None:
                os.set_inheritable(descriptor, False)
        return cls(socket.socket(fileno=given["line"]), given["lock"], given["listener"])

    def holds(self, lock_file: Path) -> bool:
        """Whether the parent's lock is this file's: its descriptor came along."""
        try:
            return os.path.samestat(os.fstat(self.lock), lock_file.stat())
        except OSError:
            return False

    def tell_ready(self, facts: dict[str, Any]) -> None:
        """Say that this process serves now."""
        self._tell({"ready": facts})

    def tell_refusal(self, error: LabError) -> None:
        """Say why this process cannot serve."""
        parts = {part: getattr(error, part) for part in ("where", "expected", "got", "fix")}
        self._tell({"refusal": parts, "final": isinstance(error, InvalidError)})

    def watch(self, gone: Callable[[], object]) -> None:
        """Call `gone` when the parent is; end this process soon after, drained or not."""
        threading.Thread(target=self._watch, args=(gone,), name="parent", daemon=True).start()

    def _watch(self, gone: Callable[[], object]) -> None:
        with suppress(OSError):
            while self.line.recv(1):
                pass
        gone()
        time.sleep(ORPHAN_SECONDS)
        os._exit(1)  # whatever hangs; a start after this is as safe as after a power cut

    def _tell(self, report: dict[str, Any]) -> None:
        with suppress(OSError):  # the parent is gone: `_watch` hears of it
            self.line.sendall(json.dumps(report).encode() + b"\n")
