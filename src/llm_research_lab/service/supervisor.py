"""`lab up`: the processes of one directory, kept alive, drained together, never left behind."""

from __future__ import annotations

import _thread
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from queue import Empty, SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING, Self

from llm_research_lab.service.children import Birth, Child, environment_of
from llm_research_lab.service.log_file import LogFile
from llm_research_lab.service.ports import Bound, bind
from llm_research_lab.service.reloading import Reload
from llm_research_lab.service.restarts import Policy
from llm_research_lab.service.settings import check_host
from llm_research_lab.storage import DataDirectory
from llm_research_lab.storage.revision import newest, revision_of
from llm_research_lab.telemetry.events import emit
from llm_research_lab.telemetry.logs import configure
from llm_research_lab.vocabulary import LabError, UnavailableError

if TYPE_CHECKING:
    from llm_research_lab.service.settings import Settings
    from llm_research_lab.storage import Lock

NAMES = ("api", "runner", "ops")

GRACE_SECONDS = 5.0
"""After the drain, for a child to close its files, before it is killed."""

READY_SECONDS = 60.0
"""A child that says nothing for so long hangs."""

SERVICE = "llm-research-lab-up"
"""What its own lines call it: the children have the names of the spec."""


def run_up(
    settings: Settings,
    *,
    ready: Callable[[str], None] | None = None,
    once: Callable[[], None] | None = None,
    quiet: bool = False,
) -> None:
    """Run a lab on the directory until SIGTERM or SIGINT; both drain it, a second one kills it.

    `ready` is called with the API's address when all serve; a signal interrupts it. With `once`,
    that is called instead, the lab ends after it, and its errors and interruptions come through.
    What the children say is kept in files; and said here, but not with `quiet`, `once` or at a
    terminal.
    Raises ConflictError when another lab runs on the directory, and what keeps a child from
    starting.
    """
    check_host(settings)
    aside = quiet or once is not None or sys.stdout.isatty()
    configure(
        SERVICE,
        settings.log_level,
        sys.stderr if aside else sys.stdout,
        levels=settings.log_levels,
        environment=settings.environment,
    )
    with ExitStack() as stack:
        directory = DataDirectory.open(settings.data_dir)
        lock = stack.enter_context(directory.lock())
        _prepare(directory)
        bound = bind(settings.host, settings.port)
        stack.callback(bound.listener.close)
        if bound.moved:
            emit("process.port_taken", wanted=bound.wanted, port=bound.port, of="api")
        logs = _logs(settings, directory, stack)
        with _Ears() as ears:
            Reload(settings.data_dir, ears.hang_up, ears.reload).listen()
            household = _Household(settings, lock, bound, ears)
            household.found(logs, aloud=not aside)
            with household.alive():
                household.serve(ready, once)


def _prepare(directory: DataDirectory) -> None:
    """Forget the processes of a lab that was killed, and bring the database up to date."""
    for left in directory.run_file("api").parent.glob("*.json"):
        left.unlink(missing_ok=True)
    if revision_of(directory.database) == newest():
        return
    # Heavy, and needed only here: the children open a database at its newest revision themselves.
    from llm_research_lab.storage.relational.filesystems import refuse_network
    from llm_research_lab.storage.relational.migrations import migrate

    refuse_network(directory.database)
    migrate(directory.database)


def _logs(settings: Settings, directory: DataDirectory, stack: ExitStack) -> dict[str, LogFile]:
    """Open a file for what each child says: stories are told from it, and the terminal is free."""
    found = {}
    for name in NAMES:
        path = directory.logs / f"{name}.log"
        found[name] = LogFile(path, settings.log_bytes, settings.log_files)
        stack.callback(found[name].close)
    return found


class _Ears:
    """Hears signals and children on the main thread; takes no lock that a handler could meet."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.interrupting = False
        self.children: list[Child] = []
        self._news: SimpleQueue[None] = SimpleQueue()  # its put may interrupt itself
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def tell(self) -> None:
        """Say, from any thread, that a child has news.

        A function that is running is interrupted when a child was given up.
        """
        self._news.put(None)
        if self.interrupting and any(child.failure for child in self.children):
            _thread.interrupt_main(signal.SIGTERM)

    def reload(self) -> None:
        """Have every child read its settings again."""
        for child in self.children:
            child.reload()

    def hang_up(self) -> None:
        """Take a terminal that is gone for the asking to end."""
        self._hear(signal.SIGHUP, None)

    def wait(self, seconds: float | None) -> None:
        """Wait for news."""
        try:
            self._news.get(timeout=seconds)
        except Empty:
            return

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        self.asked.append(number)
        self._news.put(None)
        if self.interrupting:
            self.interrupting = False
            raise KeyboardInterrupt
        if len(self.asked) > 1:
            for child in self.children:
                child.kill()


class _Household:
    """The children, and what is waited for."""

    def __init__(self, settings: Settings, lock: Lock, bound: Bound, ears: _Ears) -> None:
        self._settings = settings
        self._lock = lock
        self._bound = bound
        self._ears = ears

    def found(self, logs: dict[str, LogFile], *, aloud: bool) -> None:
        """Make the children; with `aloud` they speak on this process's stdout, too."""
        settings, lock = self._settings, self._lock
        environment = environment_of(settings)
        policy = Policy(
            settings.restart_first_seconds,
            settings.restart_longest_seconds,
            settings.stable_seconds,
        )
        for name in NAMES:
            listener = self._bound.listener.fileno() if name == "api" else None
            root = lock.path.parent
            birth = Birth(
                name, environment, root, lock.descriptor, listener, logs[name], aloud=aloud
            )
            self._ears.children.append(Child(birth, policy, self._ears.tell))

    @contextmanager
    def alive(self) -> Iterator[None]:
        """Start the children; whatever happens, stop them."""
        try:
            for child in self._ears.children:
                child.start()
            yield
        finally:
            self._stop()

    def serve(self, ready: Callable[[str], None] | None, once: Callable[[], None] | None) -> None:
        """Wait until all serve, call what is to be called, and wait for the end."""
        if not self._until_ready():
            if once is not None:
                raise KeyboardInterrupt
            return
        if ready is None and once is None:
            emit("process.ready", url=self._bound.url)
        try:
            self._ears.interrupting = True
            if self._ears.asked:  # just before: nobody would interrupt what is called now
                raise KeyboardInterrupt  # noqa: TRY301 - ends as if it had come a moment later
            if once is not None:
                once()
            elif ready is not None:
                ready(self._bound.url)
        except KeyboardInterrupt:
            self._ears.interrupting = False
            self._check()
            if once is not None:
                raise
        finally:
            self._ears.interrupting = False
        while once is None and not self._ears.asked:
            self._ears.wait(None)
            self._check()

    def _until_ready(self) -> bool:
        """Wait until every child serves; false when the end was asked for first."""
        deadline = time.monotonic() + READY_SECONDS
        while not self._ears.asked:
            self._check()
            late = [child.name for child in self._ears.children if child.facts is None]
            if not late:
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                raise _hanging(late[0])
            self._ears.wait(left)
        return False

    def _check(self) -> None:
        """Raise what made a child be given up."""
        for child in self._ears.children:
            if child.failure is not None:
                raise child.failure

    def _stop(self) -> None:
        emit("process.stopping", drain_seconds=self._settings.drain_seconds)
        self._bound.listener.close()  # else new connections would wait for nobody
        for child in self._ears.children:
            child.stop()
        deadline = time.monotonic() + self._settings.drain_seconds + GRACE_SECONDS
        for child in self._ears.children:
            if not child.join(max(0.0, deadline - time.monotonic())):
                child.kill()
                child.join(GRACE_SECONDS)


def _hanging(name: str) -> LabError:
    return UnavailableError(
        f"process {name}",
        f"to serve within {READY_SECONDS:g} s",
        "no word from it",
        "see what it said, above or in the directory's logs",
    )
