"""A child lives until it is stopped: whenever it ends on its own, it is started again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from llm_research_lab.service import parent
from llm_research_lab.service.log_file import LogFile
from llm_research_lab.service.restarts import Again, Life, Policy, Streak, after
from llm_research_lab.service.settings import in_file
from llm_research_lab.storage.private import explained
from llm_research_lab.telemetry.events import emit
from llm_research_lab.vocabulary import InvalidError, LabError, UnavailableError

if TYPE_CHECKING:
    from llm_research_lab.service.settings import Settings

STDOUT = 1

GATHERED_BYTES = 8_192
"""Less than the smallest log file has."""

GATHERING_SECONDS = 0.02
LONGEST_LINE = 1_000_000

CLIENTS = frozenset({"url", "key", "key_file"})
"""Settings of clients, which no child needs to know."""

REREAD = frozenset({"log_level", "log_levels"})
"""Settings that a process reads again while it runs: a child has them from the file itself."""


@dataclass(frozen=True, slots=True)
class Birth:
    """What a child is started with. `log` keeps what it says; `aloud` repeats it on stdout."""

    name: str
    environment: dict[str, str]
    data_dir: Path
    lock: int
    listener: int | None
    log: LogFile
    aloud: bool

    def start(self, line: socket.socket) -> subprocess.Popen[bytes]:
        """Start the process; it alone inherits its line, the lock and the socket."""
        given = {"line": line.fileno(), "lock": self.lock, "listener": self.listener}
        command = [sys.executable, "-P", "-m", "llm_research_lab", self.name]
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [*command, "--data-dir", str(self.data_dir)],
            env={**self.environment, parent.VARIABLE: json.dumps(given)},
            pass_fds=[number for number in given.values() if number is not None],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,  # Ctrl-C is for the parent, which asks each child once
        )


class Child:
    """A thread that starts the process, listens to it, and starts it again.

    `heard` is told, on that thread, when the child serves, and when it is given up.
    """

    def __init__(self, birth: Birth, policy: Policy, heard: Callable[[], None]) -> None:
        self.name = birth.name
        self.facts: dict[str, Any] | None = None
        self.failure: LabError | None = None
        self._birth = birth
        self._policy = policy
        self._heard = heard
        self._process: subprocess.Popen[bytes] | None = None
        self._serving: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._door = threading.Lock()
        self._thread = threading.Thread(target=self._keep, name=birth.name, daemon=True)

    def start(self) -> None:
        """Begin to live."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the process to drain and end, and start it no more."""
        with self._door:
            self._stopping.set()
        self._signal(signal.SIGTERM)

    def reload(self) -> None:
        """Have the process read its settings again; one that does not serve yet will anyway."""
        process = self._serving
        if process is not None:
            process.send_signal(signal.SIGHUP)

    def kill(self) -> None:
        """End the process at once, and start it no more. Safe in a signal handler."""
        self._signal(signal.SIGKILL)

    def join(self, seconds: float) -> bool:
        """Wait so long for the end; say whether it came."""
        if self._thread.is_alive():
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _signal(self, number: signal.Signals) -> None:
        process = self._process
        if process is not None:
            process.send_signal(number)  # nothing, when it has been waited for

    def _keep(self) -> None:
        """Keep a process alive; whatever ends this thread ends the lab, which says so."""
        try:
            self._live()
        except Exception as error:  # noqa: BLE001 - raised again by the supervisor, as the lab's end
            self.failure = LabError(
                f"keeping {self.name} alive",
                "to go on",
                repr(error),
                "see the log, and start again",
            )
            self.failure.__cause__ = error
            self.kill()
            self._heard()

    def _live(self) -> None:
        streak = Streak()
        while not self._stopping.is_set():
            life = self._live_once()
            if life is None:
                return
            streak, then = after(streak, life, self._policy)
            if not isinstance(then, Again):
                self.failure = then.error
                self._heard()
                return
            emit(
                "process.child_ended",
                child=self.name,
                status=life.status,
                again_in=then.wait_seconds,
            )
            self._stopping.wait(then.wait_seconds)

    def _live_once(self) -> Life | None:
        """Run one process to its end; None when that was asked for."""
        began = time.monotonic()
        ours, theirs = socket.socketpair()
        with ours:
            with self._door, theirs:
                if self._stopping.is_set():
                    return None
                try:
                    process = self._process = self._birth.start(theirs)
                except OSError as error:  # no memory, no more processes
                    return Life(self.name, 0.0, False, explained(error, Path(sys.executable)), 1)
            pump = self._pump(process)
            served, refusal = self._listen(ours)
            status = process.wait()
        pump.join()
        self._clear(process.pid)
        if self._stopping.is_set():
            return None
        return Life(self.name, time.monotonic() - began, served, refusal, status)

    def _listen(self, ours: socket.socket) -> tuple[bool, LabError | None]:
        """Take in what the child says until it is gone."""
        served, refusal = False, None
        with ours.makefile("rb") as lines:
            for line in lines:
                report = json.loads(line)
                if "ready" in report:
                    served, self.facts = True, report["ready"]
                    self._serving = self._process
                    self._heard()
                if "refusal" in report:
                    kind = InvalidError if report["final"] else UnavailableError
                    refusal = kind(**report["refusal"])
        return served, refusal

    def _pump(self, process: subprocess.Popen[bytes]) -> threading.Thread:
        thread = threading.Thread(
            target=_copy, args=(self._birth, process), name=f"{self.name} log", daemon=True
        )
        thread.start()
        return thread

    def _clear(self, pid: int) -> None:
        """Remove what a killed process has left of itself."""
        from llm_research_lab.service.standing import remove_own

        run = self._birth.data_dir / "run"
        for name in (self.name, f"{self.name}-{pid}"):
            remove_own(run / f"{name}.json", pid)


def _copy(birth: Birth, process: subprocess.Popen[bytes]) -> None:
    if process.stdout is not None:
        with process.stdout as pipe:
            lines = gathered(pipe)
            birth.log.copy(map(_aloud, lines) if birth.aloud else lines)


def gathered(pipe: IO[bytes]) -> Iterator[bytes]:
    """Give whole lines, many at a time: a wake-up for each would cost the child's requests dear."""
    rest = b""
    while chunk := os.read(pipe.fileno(), GATHERED_BYTES):
        whole, newline, rest = (rest + chunk).rpartition(b"\n")
        if newline:
            yield whole + newline
        elif len(rest) > LONGEST_LINE:
            yield rest
            rest = b""
        if len(chunk) < GATHERED_BYTES // 2:
            time.sleep(GATHERING_SECONDS)
    if rest:
        yield rest


def _aloud(line: bytes) -> bytes:
    """Say the line on this process's stdout, too: whole, and lost when nobody takes it."""
    with _mouth, suppress(OSError):
        said = 0
        while said < len(line):
            said += os.write(STDOUT, line[said:])
    return line


_mouth = threading.Lock()


def environment_of(settings: Settings) -> dict[str, str]:
    """Give a child the settings as they were read here, and no client's key."""
    environment = dict(os.environ)
    for name in CLIENTS:
        environment.pop(f"LAB_{name.upper()}", None)
    own = CLIENTS | (REREAD & in_file(settings.data_dir))
    given = settings.model_dump(mode="json", include=settings.model_fields_set - own)
    for name, value in given.items():
        environment[f"LAB_{name.upper()}"] = _text(value)
    return environment


def _text(value: Any) -> str:
    if isinstance(value, dict):
        value = [f"{name}={one}" for name, one in value.items()]
    return ",".join(value) if isinstance(value, list) else str(value)
