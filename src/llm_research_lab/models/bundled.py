"""The bundled model answers in this process: SmolLM2-135M-Instruct on llama.cpp, no network."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event
from time import perf_counter
from typing import Any

from llm_research_lab.cost.counting import output_bound
from llm_research_lab.experiments.result import Usage
from llm_research_lab.models.chat_format import messages_of, response_format
from llm_research_lab.models.engine import BundledSettings, ClosedError, Engine, NoWeightsError
from llm_research_lab.models.port import Answer, Call, ProviderError
from llm_research_lab.models.refusals import TOO_LONG

MODEL = "smollm2-135m-instruct"
ALIASES = frozenset({MODEL, "smollm2-135m", "smollm2"})
"""The ids that an entry may use; all are the one model."""

_PLAIN = ("top_p", "seed", "stop", "grammar")
KNOWN = frozenset({*_PLAIN, "temperature", "max_tokens", "json_schema"})

REFUSED_GRAMMARS = 64
"""How many grammars are remembered that llama.cpp could not parse."""


class BundledProvider:
    """Answers with the engine of its settings, which all entries of the process share.

    The weights are loaded at the first call, in a thread. Without ``temperature`` it is 0: the
    same prompt, the same answer. A call that is cancelled or late stops writing with the next
    token; a prompt that is just being read is first read to its end, which holds one slot for a
    second or so and delays nobody else's cancellation. `close` frees the memory when no other
    provider uses the engine.
    """

    def __init__(self, model: str, settings: BundledSettings) -> None:
        self._model = model
        self._settings = settings
        self._engine: Engine | None = None
        self._bad_grammars: set[str] = set()

    async def complete(self, call: Call) -> Answer:
        """Answer the call, or raise ProviderError. Cancellation frees the slot."""
        body = self._body(call)
        if self._engine is None:
            self._engine = Engine.take(self._settings)
        engine = self._engine
        writing = _Writing()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(call.timeout_seconds):
                await loop.run_in_executor(engine.threads, writing.run, engine, body)
        except TimeoutError:
            expected = f"an answer within {call.timeout_seconds:g} s"
            fix = "raise limits.timeout_seconds or ask for fewer tokens"
            raise self._error("timeout", expected, "none", fix) from None
        except NoWeightsError as error:
            fix = "install the lab's requirements again"
            raise self._refused("the model's weights", f"none: {error}", fix) from None
        except ClosedError:
            fix = "ask again; the model was let go of"
            raise self._error("unavailable", "an answer", "an end", fix) from None
        except (ValueError, TypeError) as error:
            raise self._refused("a request that llama.cpp takes", str(error)[:300]) from None
        finally:
            writing.stop.set()
        return self._answer(call, writing)

    async def close(self) -> None:
        """Let go of the engine; waits for the tokens that are being written, off the loop."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await asyncio.to_thread(engine.let_go)

    def _body(self, call: Call) -> dict[str, Any]:
        if self._model.lower() not in ALIASES:
            known = ", ".join(sorted(ALIASES))
            raise self._refused(f"a bundled model: {known}", repr(self._model), f"write {MODEL}")
        unknown = sorted(set(call.parameters) - KNOWN)
        if unknown:
            raise self._refused("parameters of the bundled model", unknown[0])
        if call.parameters.get("grammar") in self._bad_grammars:
            raise self._refused("a grammar in GBNF", "one that llama.cpp cannot parse")
        return _request(call)

    def _answer(self, call: Call, writing: _Writing) -> Answer:
        if writing.error is not None:
            raise self._refusal(call, writing.error)
        if writing.usage is None:
            raise self._error("garbage", "a counted answer", "one without an end", "ask again")
        return Answer("".join(writing.pieces), writing.usage, writing.elapsed_ms)

    def _refusal(self, call: Call, error: Mapping[str, Any]) -> ProviderError:
        """What llama.cpp says no to is final; what breaks inside it may pass."""
        words = str(error.get("message", error))[:300]
        if error.get("type") in TOO_LONG:
            expected = f"a prompt within {self._settings.context_tokens} tokens"
            return self._error("too_long", expected, words, "shorten the prompt", final=True)
        if error.get("code", 500) >= 500:  # noqa: PLR2004 - HTTP's own number says it best
            return self._error("unavailable", "an answer", words, "ask again")
        grammar = call.parameters.get("grammar")
        if grammar is not None and "grammar" in words:
            # llama.cpp prints what it cannot parse, past its own log: once is enough.
            if len(self._bad_grammars) >= REFUSED_GRAMMARS:
                self._bad_grammars.clear()
            self._bad_grammars.add(grammar)
        return self._refused("a request that llama.cpp takes", words)

    def _refused(
        self, expected: str, got: str, fix: str = "mend the entry's or the experiment's parameters"
    ) -> ProviderError:
        return self._error("refused", expected, got, fix, final=True)

    def _error(
        self, kind: Any, expected: str, got: str, fix: str, *, final: bool = False
    ) -> ProviderError:
        return ProviderError(kind, f"model {self._model}", expected, got, fix, final=final)


@dataclass(slots=True)
class _Writing:
    """One answer while a thread writes it; read by the event loop when the thread is done."""

    stop: Event = field(default_factory=Event)
    pieces: list[str] = field(default_factory=list)
    usage: Usage | None = None
    error: Mapping[str, Any] | None = None
    elapsed_ms: float = 0.0

    def run(self, engine: Engine, body: Mapping[str, Any]) -> None:
        """Write the whole answer, unless it is stopped; loading is not its latency."""
        if self.stop.is_set():
            return
        engine.load()
        started = perf_counter()
        engine.write(body, self.take, self.stop)
        self.elapsed_ms = (perf_counter() - started) * 1000

    def take(self, piece: dict[str, Any]) -> None:
        """Take one piece: text, the count at the end, or an error. Never raises."""
        if "error" in piece:
            error = piece["error"]
            self.error = error if isinstance(error, dict) else {"message": error}
            return
        for choice in piece.get("choices", ()):
            self.pieces.append(choice.get("delta", {}).get("content") or "")
        counted = piece.get("usage")
        if counted is not None:
            self.usage = Usage(counted.get("prompt_tokens", 0), counted.get("completion_tokens", 0))


def _request(call: Call) -> dict[str, Any]:
    """The body for llama.cpp. What a slot has read of the same beginning is not read again."""
    body: dict[str, Any] = {
        "messages": messages_of(call),
        "temperature": call.parameters.get("temperature", 0),
        "max_tokens": output_bound(call.parameters),
        "cache_prompt": True,
        "stream_options": {"include_usage": True},
    }
    body.update((name, call.parameters[name]) for name in _PLAIN if name in call.parameters)
    if "json_schema" in call.parameters:
        body["response_format"] = response_format(call.parameters["json_schema"])
    return body
