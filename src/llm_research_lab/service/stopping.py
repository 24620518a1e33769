"""A process is asked to stop once, by a signal or by its parent's end; all who must hear it do."""

from __future__ import annotations

import signal
from collections.abc import Callable

ASKING = (signal.SIGTERM, signal.SIGINT)


class Stop:
    """Remembers that it was asked, and tells whoever listens, also those who come late.

    Takes no lock: it is asked from signal handlers, which may interrupt anything.
    """

    def __init__(self) -> None:
        self.asked = False
        self._listeners: list[Callable[[], object]] = []

    def ask(self, *_: object) -> None:
        """Ask for the end. A listener may hear it twice."""
        self.asked = True
        for listener in self._listeners:
            listener()

    def on(self, listener: Callable[[], object]) -> None:
        """Tell the listener when the end is asked for; at once when it was already."""
        self._listeners.append(listener)
        if self.asked:
            listener()

    def listen(self) -> None:
        """Take SIGTERM and SIGINT for the asking. Main thread only."""
        for number in ASKING:
            signal.signal(number, self.ask)
