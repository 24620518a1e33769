"""label_replace and label_join change labels, never samples.

Source: Prometheus, "Functions"; Go's regexp.Expand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from llm_research_lab.promql.errors import ExpressionError
from llm_research_lab.promql.naming import distinct, is_label_name
from llm_research_lab.promql.nodes import Call
from llm_research_lab.promql.places import place
from llm_research_lab.promql.values import Block, Options
from llm_research_lab.vocabulary import InvalidError
from llm_research_lab.vocabulary.labels import METRIC_NAME, Labels, label, labels_of
from llm_research_lab.vocabulary.matchers import compiled

_REFERENCE = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))")
_LARGEST_GROUP = 8


def replace_label(call: Call, block: Block, texts: Sequence[str], options: Options) -> Block:
    """Set `to` to the expanded replacement where the whole value of `source` matches."""
    to, replacement, source, pattern = texts
    try:
        expression = compiled(pattern)
    except InvalidError as error:
        raise refused(
            call,
            options,
            "an RE2 expression",
            f"invalid regular expression in label_replace(): {pattern}: {error.got}",
        ) from None
    _check_name(call, to, "destination", options)

    def changed(labels: Labels) -> Labels | None:
        found = expression.match(label(labels, source))
        if found is None:
            return None
        return labels_of((*labels, (to, expand(replacement, found, expression.groupindex))))

    return _relabelled(call, block, to, changed, options)


def join_labels(call: Call, block: Block, texts: Sequence[str], options: Options) -> Block:
    """Set `to` to the values of the sources with the separator between."""
    to, separator, *sources = texts
    _check_name(call, to, "destination", options)
    for source in sources:
        _check_name(call, source, "source", options)

    def changed(labels: Labels) -> Labels:
        values = dict(labels)
        joined = separator.join(values.get(source, "") for source in sources)
        return labels_of((*labels, (to, joined)))

    return _relabelled(call, block, to, changed, options)


def expand(template: str, found: Any, names: dict[str, int]) -> str:
    """Replace ``$1``, ``$name``, ``${1}``, ``${name}`` by what matched, ``$$`` by ``$``.

    The longest run of letters, digits and underscores is the name; an unknown one expands to
    nothing; a ``$`` that begins no reference is itself.
    """

    def value(reference: re.Match[str]) -> str:
        if reference[1]:
            return "$"
        name = reference[2] or reference[3]
        return found.group(group) or "" if (group := _group(name, found, names)) is not None else ""

    return _REFERENCE.sub(value, template)


def _group(name: str, found: Any, names: dict[str, int]) -> int | None:
    if not (name.isascii() and name.isdigit()):
        return names.get(name)
    if (name[0] == "0" and len(name) > 1) or len(name) > _LARGEST_GROUP:
        return names.get(name)
    number = int(name)
    return number if number <= len(found.groups()) else None


def refused(call: Call, options: Options, expected: str, got: str) -> ExpressionError:
    """The error of a function that cannot take its arguments."""
    return ExpressionError(
        place(options.text, call.span.start),
        expected,
        got,
        f"change the arguments of {call.function}",
    )


def _check_name(call: Call, name: str, kind: str, options: Options) -> None:
    if not is_label_name(name, options):
        raise refused(
            call, options, "a label name", f"invalid {kind} label name in {call.function}(): {name}"
        )


def _relabelled(
    call: Call,
    block: Block,
    to: str,
    changed: Callable[[Labels], Labels | None],
    options: Options,
) -> Block:
    """Give each series its new labels, where there are any; a name that was given stays."""
    new = [changed(one) for one in block.labels]
    marks = block.drop_name
    if marks is not None and to == METRIC_NAME:
        marks = tuple(mark and one is None for mark, one in zip(marks, new, strict=True))
    labels = tuple(old if one is None else one for old, one in zip(block.labels, new, strict=True))
    return distinct(replace(block, labels=labels, drop_name=marks), options, call.span)
