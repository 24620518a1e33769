"""Matchers accept labels as Alertmanager has it, and are printed as it prints them.

Unlike Prometheus's, a dot in an expression does not stand for a line break here.
Source: Alertmanager, pkg/labels/matcher.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import re2

from llm_research_lab.vocabulary.labels import Labels
from llm_research_lab.vocabulary.matchers import Matcher
from llm_research_lab.vocabulary.quoting import quote

_OPS = ("=", "!=", "=~", "!~")
_RESERVED = frozenset("{}!=~,\\\"'`")


@lru_cache(maxsize=2_000)
def _expression(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(f"^(?:{pattern})$", options)


def matches(matcher: Matcher, value: str) -> bool:
    """Whether a matcher accepts a label's value; absent is ``""``."""
    if matcher.op == "=":
        return matcher.value == value
    if matcher.op == "!=":
        return matcher.value != value
    found = _expression(matcher.value).match(value) is not None
    return found if matcher.op == "=~" else not found


def accepted(matchers: Iterable[Matcher], labels: Labels) -> bool:
    """Whether all matchers accept the labels; no matchers accept everything."""
    values = dict(labels)
    return all(matches(matcher, values.get(matcher.name, "")) for matcher in matchers)


def ordered_matchers(matchers: Iterable[Matcher]) -> tuple[Matcher, ...]:
    """Sort by name, value and operator. Source: pkg/labels/matcher.go, Less."""
    return tuple(sorted(matchers, key=lambda one: (one.name, one.value, _OPS.index(one.op))))


def matchers_text(matchers: Iterable[Matcher]) -> str:
    """Write ``{a="b",c=~"d"}``."""
    return "{" + ",".join(matcher_text(one) for one in matchers) + "}"


def matcher_text(matcher: Matcher) -> str:
    """Write ``a="b"``; a name that the classic parser cannot read is quoted."""
    if reserved(matcher.name):
        return f"{quote(matcher.name)}{matcher.op}{quote(matcher.value)}"
    value = matcher.value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
    return f'{matcher.name}{matcher.op}"{value}"'


def reserved(text: str) -> bool:
    """Whether a character means something to the UTF-8 parser, or is a space."""
    return any(one in _RESERVED or one.isspace() for one in text)


def labels_text(labels: Labels) -> str:
    """Write ``{a="b", c="d"}``. Source: model/labelset.go, String."""
    return "{" + ", ".join(sorted(f"{name}={quote(value)}" for name, value in labels)) + "}"
