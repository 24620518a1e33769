"""The script of the provider ``echo`` says what it answers, how long that takes, what fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from llm_research_lab.documents.fields import Field, Place, Source, read_fields
from llm_research_lab.documents.readers import flag, list_of, number, one_of, text, whole
from llm_research_lab.experiments.result import Message
from llm_research_lab.vocabulary import InvalidError

Manner = Literal["last", "upper", "first_word"]
ScriptedKind = Literal["refused", "rate_limited", "timeout", "unavailable", "garbage", "too_long"]

FINAL: frozenset[str] = frozenset({"refused", "too_long"})
"""Kinds that are final unless the script says otherwise, as they are for real providers."""

LONGEST_MS = 3_600_000
"""An hour: the longest delay, and the longest wish to wait."""

MOST_SAMPLES = 2**63 - 1
MOST_ITEMS = 10_000
WHEN = ("every", "samples", "first")
TOKEN_BYTES = 4
"""A token is begun by every fourth byte of UTF-8; about what English text has."""


@dataclass(frozen=True, slots=True)
class ScriptedFailure:
    """A failure and when it comes; exactly one of `every`, `samples`, `first` is there.

    `every` n: each n-th sample (n-1, 2n-1, …, counted from 0). `samples`: these. `first` n: the
    first n calls that the provider gets, whatever the sample. A sample fails at each attempt, or
    at the first `times` attempts of it and is then answered.
    """

    kind: ScriptedKind
    every: int | None = None
    samples: frozenset[int] | None = None
    first: int | None = None
    times: int | None = None
    retry_after_ms: int | None = None
    final: bool = False


@dataclass(frozen=True, slots=True)
class EchoScript:
    """What echo does. Without `answers` it says the last message again, in its `manner`.

    With `answers` sample n gets number n, from the start again after the last. `delay_ms` passes
    before each answer and before each failure. The first of `failures` that applies is taken.
    """

    manner: Manner = "last"
    answers: tuple[str, ...] = ()
    delay_ms: float = 0.0
    failures: tuple[ScriptedFailure, ...] = ()


_FAILURE = (
    Field("every", whole(1, MOST_SAMPLES)),
    Field("samples", list_of(whole(0, MOST_SAMPLES), 1, MOST_ITEMS)),
    Field("first", whole(1, MOST_SAMPLES)),
    Field("kind", one_of(*get_args(ScriptedKind)), required=True),
    Field("times", whole(1, 1000)),
    Field("retry_after_ms", whole(0, LONGEST_MS)),
    Field("final", flag),
)


def _failure(value: Any, place: Place) -> ScriptedFailure | None:
    before = len(place.findings)
    found = read_fields(value, place, _FAILURE)
    if isinstance(value, Mapping) and sum(name in value for name in WHEN) != 1:
        message = "a failure says when it comes by exactly one of every, samples and first"
        place.find("one-of", message, "keep one of the three")
    if "first" in found and "times" in found:
        message = "first counts calls already; times counts the attempts of a sample"
        place.find("one-of", message, "leave times out")
    if len(place.findings) > before:
        return None
    samples = found.pop("samples", None)
    final = found.pop("final", found["kind"] in FINAL)
    return ScriptedFailure(
        **found, samples=None if samples is None else frozenset(samples), final=final
    )


def _answers(value: Any, place: Place) -> Any:
    """Read one text or a list of them; a tuple in the end."""
    one = text(100_000)
    if isinstance(value, str):
        return (one(value, place),)
    return list_of(one, 1, MOST_ITEMS)(value, place)


_FIELDS = (
    Field("echo", one_of(*get_args(Manner))),
    Field("answer", _answers),
    Field("delay_ms", number(0, LONGEST_MS)),
    Field("failures", list_of(_failure, 0, 100)),
)


def read_script(value: Any, place: Place) -> EchoScript | None:
    """Read a script, or leave a finding for each mistake and give None. An empty one just echoes.

    Keys: ``echo`` (``last``, ``upper`` or ``first_word``) or ``answer`` (a text, or a list by
    sample); ``delay_ms``; ``failures``, a list of ``every``, ``samples`` or ``first`` with
    ``kind``, ``times``, ``retry_after_ms``, ``final``.
    """
    before = len(place.findings)
    found = read_fields(value, place, _FIELDS)
    if "echo" in found and "answer" in found:
        place.find("one-of", "echo and answer exclude each other", "keep one of the two")
    if len(place.findings) > before:
        return None
    return EchoScript(
        found.get("echo", "last"),
        found.get("answer", ()),
        found.get("delay_ms", 0.0),
        found.get("failures", ()),
    )


def script_of(value: Mapping[str, Any]) -> EchoScript:
    """Give the script of an entry that was kept. Raises InvalidError if it is none after all."""
    place = Place(Source(value, root="/script"), [])
    script = read_script(value, place)
    if script is None:
        first = place.findings[0]
        findings = tuple(place.findings)
        raise InvalidError(first.where, first.law, first.message, first.fix, findings)
    return script


def answer_of(script: EchoScript, messages: Sequence[Message], sample: int) -> str:
    """The scripted answer of the sample, or the last message in the script's manner."""
    if script.answers:
        return script.answers[sample % len(script.answers)]
    last = messages[-1].content if messages else ""
    if script.manner == "upper":
        return last.upper()
    if script.manner == "first_word":
        return next(iter(last.split(maxsplit=1)), "")
    return last


def shortened(answer: str, parameters: Mapping[str, Any], most_tokens: int) -> str:
    """The answer before its first stop sequence, and of at most so many tokens."""
    for stop in parameters.get("stop") or ():
        answer = answer.partition(stop)[0]
    if len(answer) <= most_tokens:  # a character takes four bytes at most, which is one token
        return answer
    kept = answer.encode("utf-8", "surrogatepass")[: most_tokens * TOKEN_BYTES]
    return kept.decode("utf-8", "ignore")


def tokens(content: str) -> int:
    """Count what echo calls tokens: every four bytes of UTF-8 begun. The same text, the same."""
    size = len(content) if content.isascii() else len(content.encode("utf-8", "surrogatepass"))
    return -(-size // TOKEN_BYTES)


def failure_of(
    script: EchoScript, sample: int, call: int, failed: Mapping[int, int]
) -> ScriptedFailure | None:
    """The first failure that applies to this call of the sample; None when it is answered.

    `call` counts the provider's calls from 0; `failed` how often each sample failed since it was
    last answered.
    """
    for failure in script.failures:
        if _applies(failure, sample, call) and (
            failure.times is None or failed.get(sample, 0) < failure.times
        ):
            return failure
    return None


def _applies(failure: ScriptedFailure, sample: int, call: int) -> bool:
    if failure.samples is not None:
        return sample in failure.samples
    if failure.every is not None:
        return (sample + 1) % failure.every == 0
    return call < (failure.first or 0)
