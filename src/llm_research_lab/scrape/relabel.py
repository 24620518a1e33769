"""Relabelling: each rule in turn changes the labels, or drops what carries them.

Source: Prometheus, "Configuration", relabel_config; model/relabel/relabel.go.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import md5
from typing import Any, Literal

from llm_research_lab.vocabulary import InvalidError
from llm_research_lab.vocabulary.labels import Labels, labels_of
from llm_research_lab.vocabulary.matchers import compiled

Action = Literal[
    "replace",
    "keep",
    "drop",
    "keepequal",
    "dropequal",
    "hashmod",
    "labelmap",
    "labeldrop",
    "labelkeep",
    "lowercase",
    "uppercase",
]

_REFERENCE = re.compile(r"\$(?:(\$)|\{([a-zA-Z0-9_]+)\}|([a-zA-Z0-9_]+))")

_Pairs = dict[str, str]


@dataclass(frozen=True, slots=True)
class Relabel:
    """One rule, with Prometheus's defaults. A bad expression raises InvalidError when made."""

    action: Action = "replace"
    source_labels: tuple[str, ...] = ()
    separator: str = ";"
    regex: str = "(.*)"
    modulus: int = 0
    target_label: str = ""
    replacement: str = "$1"

    def __post_init__(self) -> None:
        """Refuse what Prometheus refuses."""
        compiled(self.regex)
        if self.action == "hashmod" and self.modulus < 1:
            raise InvalidError("modulus", "a modulus above 0", f"{self.modulus}", "set modulus")
        if self.action in _TARGETED and not self.target_label:
            raise InvalidError(
                "target_label", f"one, for {self.action}", "none", "set target_label"
            )


def relabel(labels: Labels, rules: Sequence[Relabel]) -> Labels | None:
    """Apply the rules in order; None when one of them drops."""
    if not rules:
        return labels
    pairs = dict(labels)
    for rule in rules:
        if not _ACTIONS[rule.action](pairs, rule):
            return None
    return labels_of(pairs)


def expand(template: str, match: Any) -> str:
    """Put groups into ``$1``, ``${1}``, ``$name``; an unknown group is nothing, ``$$`` a dollar.

    A name takes all letters, digits and underscores that follow: ``$1x`` is group "1x".
    Source: Go, regexp, Regexp.Expand.
    """

    def one(found: re.Match[str]) -> str:
        if found[1]:
            return "$"
        name = found[2] or found[3]
        try:
            return match.group(int(name) if name.isdecimal() else name) or ""
        except (IndexError, KeyError, OverflowError):
            return ""

    return _REFERENCE.sub(one, template) if "$" in template else template


def _source(pairs: _Pairs, rule: Relabel) -> str:
    return rule.separator.join(pairs.get(name, "") for name in rule.source_labels)


def _set(pairs: _Pairs, name: str, value: str) -> bool:
    """Set the label, or take it away when it has no value."""
    if value:
        pairs[name] = value
    else:
        pairs.pop(name, None)
    return True


def _replace(pairs: _Pairs, rule: Relabel) -> bool:
    found = compiled(rule.regex).match(_source(pairs, rule))
    if found is None:
        return True
    target = expand(rule.target_label, found)
    return _set(pairs, target, expand(rule.replacement, found)) if target else True


def _hashmod(pairs: _Pairs, rule: Relabel) -> bool:
    digest = md5(_source(pairs, rule).encode(), usedforsecurity=False).digest()
    number = int.from_bytes(digest[8:], "big") % rule.modulus
    return _set(pairs, rule.target_label, str(number))


def _matches(rule: Relabel, text: str) -> bool:
    return compiled(rule.regex).match(text) is not None


def _labelmap(pairs: _Pairs, rule: Relabel) -> bool:
    for name, value in sorted(pairs.items()):
        found = compiled(rule.regex).match(name)
        if found is not None:
            _set(pairs, expand(rule.replacement, found), value)
    return True


def _labeldrop(pairs: _Pairs, rule: Relabel) -> bool:
    for name in [name for name in pairs if _matches(rule, name)]:
        del pairs[name]
    return True


def _labelkeep(pairs: _Pairs, rule: Relabel) -> bool:
    for name in [name for name in pairs if not _matches(rule, name)]:
        del pairs[name]
    return True


def _cased(case: Callable[[str], str]) -> Callable[[_Pairs, Relabel], bool]:
    """Letter by letter, where one letter becomes one, as Go does."""

    def one(letter: str) -> str:
        other = case(letter)
        return other if len(other) == 1 else letter

    return lambda pairs, rule: _set(
        pairs, rule.target_label, "".join(map(one, _source(pairs, rule)))
    )


_ACTIONS: dict[Action, Callable[[_Pairs, Relabel], bool]] = {
    "replace": _replace,
    "keep": lambda pairs, rule: _matches(rule, _source(pairs, rule)),
    "drop": lambda pairs, rule: not _matches(rule, _source(pairs, rule)),
    "keepequal": lambda pairs, rule: pairs.get(rule.target_label, "") == _source(pairs, rule),
    "dropequal": lambda pairs, rule: pairs.get(rule.target_label, "") != _source(pairs, rule),
    "hashmod": _hashmod,
    "labelmap": _labelmap,
    "labeldrop": _labeldrop,
    "labelkeep": _labelkeep,
    "lowercase": _cased(str.lower),
    "uppercase": _cased(str.upper),
}

_TARGETED = frozenset({"replace", "hashmod", "lowercase", "uppercase", "keepequal", "dropequal"})

ACTIONS: tuple[Action, ...] = tuple(_ACTIONS)
"""All of them."""
