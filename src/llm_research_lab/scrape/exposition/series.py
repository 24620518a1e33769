"""A series' text is a name and labels in braces; it reads to pairs, or is wrong at a column."""

from __future__ import annotations

import re
from dataclasses import dataclass

from llm_research_lab.scrape.exposition.samples import (
    LABEL,
    NAME,
    QUOTED,
    Series,
    broken,
    check_unicode,
    unescaped,
)
from llm_research_lab.vocabulary.labels import METRIC_NAME

_COMMON = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="([^"\\]*)"(?:,(?=[a-zA-Z_"])|(?=\}))')
"""A label as all libraries write it: no blanks, no escapes, a label or the end behind it."""


@dataclass(frozen=True, slots=True)
class Style:
    """How strict a format is: the blanks that it lets pass, and whether commas part labels."""

    blanks: str
    commas: bool


TEXT = Style(" \t", commas=False)
"""Prometheus's lexer of 0.0.4 skips blanks, and takes labels that nothing parts."""

OPENMETRICS = Style("", commas=True)


def read_series(line: str, start: int, style: Style) -> tuple[Series, int]:
    """Read a series from the column; give its pairs, and the column after it.

    Names that are no identifiers are quoted inside the braces: ``{"a.b", "c d"="e"}``.
    Source: Prometheus, model/textparse/{promlex.l,openmetricslex.l}.
    """
    found = NAME.match(line, start)
    pairs: list[tuple[str, str]] = []
    at = start
    if found:
        pairs.append((METRIC_NAME, found[0]))
        at = found.end()
    brace = _skip(line, at, style)
    if line.startswith("{", brace):
        at = _labels(line, brace + 1, style, pairs)
    elif not found:
        broken(line, start, "a metric's name")
    if sum(name == METRIC_NAME for name, _ in pairs) != 1 or not dict(pairs)[METRIC_NAME]:
        broken(line, start, "one name of a metric")
    return tuple(pairs), at


def read_labels(line: str, start: int, style: Style) -> tuple[Series, int]:
    """Read labels up to the closing brace; `start` is after the opening one."""
    pairs: list[tuple[str, str]] = []
    at = _labels(line, start, style, pairs)
    return tuple(pairs), at


def _labels(line: str, at: int, style: Style, pairs: list[tuple[str, str]]) -> int:
    """Add the labels to the pairs; give the column after the brace that closes them."""
    at = _skip(line, at, style)
    while not line.startswith("}", at):
        common = _COMMON.match(line, at)
        if common and line.isascii():
            pairs.append((common[1], common[2]))
            at = common.end()
            continue
        pair, at = _label(line, at, style)
        pairs.append(pair)
        at = _skip(line, at, style)
        if line.startswith(",", at):
            at = _skip(line, at + 1, style)
            if style.commas and line.startswith("}", at):
                broken(line, at, "a label's name")
        elif style.commas and not line.startswith("}", at):
            broken(line, at, "a comma or }")
    return at + 1


def _label(line: str, start: int, style: Style) -> tuple[tuple[str, str], int]:
    """Read ``name="value"``, or a quoted metric's name that stands alone."""
    plain = LABEL.match(line, start)
    quoted = None if plain else QUOTED.match(line, start)
    if plain:
        name, at = plain[0], plain.end()
    elif quoted:
        check_unicode(line, quoted[1], start)
        name, at = unescaped(quoted[1]), quoted.end()
    else:
        broken(line, start, "a label's name or }")
    at = _skip(line, at, style)
    if quoted and not line.startswith("=", at):
        return (METRIC_NAME, name), at
    if not line.startswith("=", at):
        broken(line, at, "=")
    at = _skip(line, at + 1, style)
    value = QUOTED.match(line, at)
    if value is None:
        broken(line, at, "a label's value in double quotes")
    check_unicode(line, value[1], at)
    return (name, unescaped(value[1])), value.end()


def _skip(line: str, at: int, style: Style) -> int:
    """Pass over blanks where the format allows them."""
    while at < len(line) and line[at] in style.blanks:
        at += 1
    return at
