"""An alert is what its labels are, from when to when; a silence mutes alerts for a time.

Source: Alertmanager, types/types.go; Prometheus's client model, model/alert.go and labelset.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cmp_to_key, lru_cache

from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels, label
from llm_research_lab.vocabulary.matchers import Matcher

RESOLVE_TIMEOUT_MS = 5 * 60_000
"""How long an alert without an end fires after its last sending. Source: config/config.go."""

_OFFSET_BASIS = 14695981039346656037
_PRIME = 1099511628211
_SEPARATOR = b"\xff"
_FIRST_COMPARED = ("job", "instance")


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as it was sent: `ends_ms` None means that none was said.

    `updated_ms` is when it came in; `timeout` that its end is ours, since none was said.
    """

    labels: Labels
    starts_ms: Instant
    ends_ms: Instant | None = None
    annotations: Labels = ()
    generator_url: str = ""
    updated_ms: Instant = 0
    timeout: bool = False

    def resolved(self, at_ms: Instant) -> bool:
        """Whether the alert is over: its end is not after the instant."""
        return self.ends_ms is not None and self.ends_ms <= at_ms

    @property
    def name(self) -> str:
        """The label ``alertname``, ``""`` where there is none."""
        return label(self.labels, "alertname")


@dataclass(frozen=True, slots=True)
class Silence:
    """Mutes what all its matchers accept, from its start to its end, both included."""

    id: str
    matchers: tuple[Matcher, ...]
    starts_ms: Instant
    ends_ms: Instant
    created_by: str = ""
    comment: str = ""

    def active(self, at_ms: Instant) -> bool:
        """Whether it mutes at the instant. Source: silence/silence.go, getState."""
        return self.starts_ms <= at_ms <= self.ends_ms


@lru_cache(maxsize=100_000)
def fingerprint(labels: Labels) -> str:
    """Give the 16 hexadecimal digits by which Alertmanager knows the labels: 64 bits of FNV-1a."""
    found = _OFFSET_BASIS
    for name, value in labels:
        for byte in name.encode() + _SEPARATOR + value.encode() + _SEPARATOR:
            found = ((found ^ byte) * _PRIME) & 0xFFFFFFFFFFFFFFFF
    return f"{found:016x}"


def received(alert: Alert, at_ms: Instant, resolve_timeout_ms: int = RESOLVE_TIMEOUT_MS) -> Alert:
    """Take an alert in: one without an end ends when nobody has sent it again for the timeout.

    Source: api/v2/api.go, postAlertsHandler.
    """
    labels, ends_ms = alert.labels, alert.ends_ms
    if not all(value for _, value in labels):
        labels = tuple(pair for pair in labels if pair[1])
    timeout = ends_ms is None
    if ends_ms is None:
        ends_ms = at_ms + resolve_timeout_ms
    starts_ms, words, url = alert.starts_ms, alert.annotations, alert.generator_url
    return Alert(labels, starts_ms, ends_ms, words, url, at_ms, timeout)


def overlap(old: Alert, new: Alert) -> bool:
    """Whether the new one ends or starts within the old. Source: provider/mem/mem.go, Put."""
    if old.ends_ms is None or new.ends_ms is None:
        return False
    ends_within = old.starts_ms < new.ends_ms < old.ends_ms
    return ends_within or old.starts_ms < new.starts_ms < old.ends_ms


def merged(old: Alert, new: Alert, now_ms: Instant) -> Alert:
    """Join two alerts of the same labels: the newer's words, the earlier start.

    The end is the newer's, unless the older's is later and both are over, or the newer still fires
    and the older's end was said rather than a timeout. Source: types/types.go, Merge.
    """
    if new.updated_ms < old.updated_ms:
        old, new = new, old
    joined = replace(new, starts_ms=min(old.starts_ms, new.starts_ms))
    if old.ends_ms is None or new.ends_ms is None or old.ends_ms <= new.ends_ms:
        return joined
    rules = old.resolved(now_ms) if new.resolved(now_ms) else not old.timeout
    return replace(joined, ends_ms=old.ends_ms) if rules else joined


def matters(old: Alert | None, new: Alert, now_ms: Instant) -> bool:
    """Whether an alert that was sent again, or first, can change a decision before it was due."""
    if old is None or old.ends_ms is None or new.ends_ms is None:
        return True
    return new.ends_ms < old.ends_ms or (old.ends_ms <= now_ms) != (new.ends_ms <= now_ms)


def ordered(alerts: Iterable[Alert]) -> list[Alert]:
    """Put alerts in the order in which a notification lists them: job, instance, all labels.

    Source: types/types.go, AlertSlice; model/labelset.go, Before.
    """
    found = list(alerts)
    return sorted(found, key=_ORDER) if len(found) > 1 else found


def _compared(one: Alert, other: Alert) -> int:
    for name in _FIRST_COMPARED:
        left, right = label(one.labels, name), label(other.labels, name)
        if left != right:
            # Who has no such label comes last.
            return -1 if left and (not right or left < right) else 1
    return _compared_labels(one.labels, other.labels)


def _compared_labels(left: Labels, right: Labels) -> int:
    """Fewer labels come first; then whoever lacks a name; then the smaller value."""
    if len(left) != len(right):
        return len(left) - len(right)
    for (one, value), (other, second) in zip(left, right, strict=True):
        if one != other:
            return 1 if one < other else -1
        if value != second:
            return -1 if value < second else 1
    return 0


_ORDER = cmp_to_key(_compared)
