"""Labels are name-value pairs sorted by name, each once, none empty; `__name__` is among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Labels = tuple[tuple[str, str], ...]
"""Sorted by name in code point order (as Prometheus's bytes order); hashable; comparable."""

METRIC_NAME = "__name__"


def labels_of(pairs: Mapping[str, str] | Iterable[tuple[str, str]]) -> Labels:
    """Sort the pairs; a later one of a name wins, an empty value is no label."""
    return tuple(sorted((name, value) for name, value in dict(pairs).items() if value))


def without(labels: Labels, names: Iterable[str]) -> Labels:
    """Leave the names out."""
    gone = frozenset(names)
    return tuple(pair for pair in labels if pair[0] not in gone)


def only(labels: Labels, names: Iterable[str]) -> Labels:
    """Keep the names alone."""
    kept = frozenset(names)
    return tuple(pair for pair in labels if pair[0] in kept)


def label(labels: Labels, name: str) -> str:
    """Give the value of the name, ``""`` where there is none."""
    return next((value for key, value in labels if key == name), "")
