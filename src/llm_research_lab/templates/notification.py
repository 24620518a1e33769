"""What a notification's template sees: its alerts, what they share, and where it came from.

Source: Alertmanager, docs/notifications.md, "Data Structures"; template/template.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from llm_research_lab.templates.calendar import ZERO, time_record
from llm_research_lab.templates.values import Function, Record, Records, StringMap
from llm_research_lab.vocabulary.instants import Instant
from llm_research_lab.vocabulary.labels import Labels, labels_of

_NANOS = 1_000_000
_STRINGS = "[]string"
_META = re.compile(r"[\\.+*?()|\[\]{}^$]")
"""What means something in a regular expression. Source: Go, regexp.QuoteMeta."""

_DATA_TAGS = {
    "Receiver": "receiver",
    "Status": "status",
    "Alerts": "alerts",
    "NotificationReason": "notification_reason",
    "GroupLabels": "groupLabels",
    "CommonLabels": "commonLabels",
    "CommonAnnotations": "commonAnnotations",
    "ExternalURL": "externalURL",
}
_ALERT_TAGS = {
    "Status": "status",
    "Labels": "labels",
    "Annotations": "annotations",
    "StartsAt": "startsAt",
    "EndsAt": "endsAt",
    "GeneratorURL": "generatorURL",
    "Fingerprint": "fingerprint",
}


@dataclass(frozen=True, slots=True)
class AlertData:
    """One alert; `ends_at_ms` is None while nobody knows when it ends."""

    status: str
    labels: Labels
    annotations: Labels = ()
    starts_at_ms: Instant = 0
    ends_at_ms: Instant | None = None
    generator_url: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class NotificationData:
    """The dot of a notification's template; `receiver` is what is seen, quoted or not.

    Alertmanager has `reason` since 0.32 and `route_labels` since 0.34.
    """

    receiver: str
    status: str
    alerts: tuple[AlertData, ...] = ()
    group_labels: Labels = ()
    common_labels: Labels = ()
    common_annotations: Labels = ()
    external_url: str = ""
    reason: str = ""
    route_labels: Labels = ()


def notification_data(
    receiver: str,
    group_labels: Labels,
    alerts: Sequence[AlertData],
    *,
    external_url: str = "",
    reason: str = "",
    route_labels: Labels = (),
) -> NotificationData:
    """Gather alerts as Alertmanager does: firing while one is, and in common what all have.

    The receiver's name is quoted for regular expressions, as Alertmanager has it.
    """
    firing = any(alert.status == "firing" for alert in alerts)
    return NotificationData(
        receiver=_META.sub(r"\\\g<0>", receiver),
        status="firing" if firing else "resolved",
        alerts=tuple(alerts),
        group_labels=group_labels,
        common_labels=_common(alert.labels for alert in alerts),
        common_annotations=_common(alert.annotations for alert in alerts),
        external_url=external_url,
        reason=reason,
        route_labels=route_labels,
    )


def _common(all_labels: Iterable[Labels]) -> Labels:
    """Give the pairs that every one has."""
    sets = [frozenset(labels) for labels in all_labels]
    return labels_of(frozenset.intersection(*sets)) if sets else ()


# --- as templates see them


class KV(StringMap):
    """Labels or annotations: a missing name is an empty string.

    It prints as ``a=b, c=d``; in Alertmanager 0.25 still as ``map[a:b c:d]``.
    """

    go_type = "template.KV"

    @property
    def text(self) -> str:
        """What it prints as."""
        return _said(_sorted_pairs(self))

    @property
    def methods(self) -> Mapping[str, Function]:
        """What a template may ask of it."""
        pairs = _sorted_pairs(self)
        return {
            **_names_and_values(pairs),
            "SortedPairs": Function(lambda: _pairs_record(pairs)),
            "Remove": Function(lambda names: _without(self, names), (_STRINGS,)),
            "String": Function(lambda: _said(pairs)),
        }


_Pairs = tuple[tuple[str, str], ...]


def _sorted_pairs(labels: Mapping[str, str]) -> _Pairs:
    """Give the pairs by name, the alert's name first."""
    pairs = sorted(labels.items(), key=lambda pair: pair[0].encode("utf-8", "replace"))
    return tuple(sorted(pairs, key=lambda pair: pair[0] != "alertname"))


def _said(pairs: _Pairs) -> str:
    return ", ".join(f"{name}={value}" for name, value in pairs)


def _without(labels: KV, names: Records | None) -> KV:
    gone = frozenset(names or ())
    return KV({name: value for name, value in labels.items() if name not in gone})


def _names_and_values(pairs: _Pairs) -> dict[str, Function]:
    return {
        "Names": Function(lambda: strings(name for name, _ in pairs)),
        "Values": Function(lambda: strings(value for _, value in pairs)),
    }


def strings(values: Iterable[str]) -> Records:
    """Make a slice of strings."""
    return Records(_STRINGS, tuple(values))


def _pairs_record(pairs: _Pairs) -> Records:
    items = tuple(Record("template.Pair", {"Name": name, "Value": value}) for name, value in pairs)
    text = _said(pairs)
    methods = _names_and_values(pairs) | {"String": Function(lambda: text)}
    return Records("template.Pairs", items, methods, text)


def data_record(data: NotificationData) -> Record:
    """Give the dot."""
    alerts = tuple(_alert_record(alert) for alert in data.alerts)
    fields = {
        "Receiver": data.receiver,
        "Status": data.status,
        "Alerts": _alerts_record(alerts),
        "NotificationReason": data.reason,
        "GroupLabels": KV(data.group_labels),
        "CommonLabels": KV(data.common_labels),
        "CommonAnnotations": KV(data.common_annotations),
        "ExternalURL": data.external_url,
    }
    return Record("*template.Data", fields, tags=_DATA_TAGS)


def _alerts_record(alerts: tuple[Record, ...]) -> Records:
    def having(status: str) -> Function:
        chosen = tuple(alert for alert in alerts if alert.fields["Status"] == status)
        return Function(lambda: Records("[]template.Alert", chosen))

    methods = {"Firing": having("firing"), "Resolved": having("resolved")}
    return Records("template.Alerts", alerts, methods)


def _alert_record(alert: AlertData) -> Record:
    ends = ZERO if alert.ends_at_ms is None else alert.ends_at_ms * _NANOS
    fields = {
        "Status": alert.status,
        "Labels": KV(alert.labels),
        "Annotations": KV(alert.annotations),
        "StartsAt": time_record(alert.starts_at_ms * _NANOS, "time.Time"),
        "EndsAt": time_record(ends, "time.Time"),
        "GeneratorURL": alert.generator_url,
        "Fingerprint": alert.fingerprint,
    }
    return Record("template.Alert", fields, tags=_ALERT_TAGS)
