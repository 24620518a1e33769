"""An ``alertmanager.yml`` is read as Alertmanager reads it; what it would refuse is a finding.

What it would load and warn of, deprecated keys and matchers that only the classic parser reads, are
the configuration's `notes`.
Source: Alertmanager, config/config.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from llm_research_lab.alerting.notifying.configuration import (
    Configuration,
    InhibitRule,
    Receiver,
)
from llm_research_lab.alerting.notifying.parsing import Mode
from llm_research_lab.alerting.notifying.reading_intervals import (
    Zones,
    named_intervals_reader,
    unique_intervals,
)
from llm_research_lab.alerting.notifying.reading_matchers import MatchersReader
from llm_research_lab.alerting.notifying.reading_routes import (
    Node,
    built,
    check_names,
    check_root,
    read_node,
)
from llm_research_lab.alerting.notifying.receivers import receiver_reader
from llm_research_lab.alerting.notifying.scalars import duration, list_of, read_written, text
from llm_research_lab.alerting.notifying.values import RESOLVE_TIMEOUT_MS
from llm_research_lab.documents.fields import Field, Place, read_fields
from llm_research_lab.vocabulary import Finding

GLOBAL_KEYS = (
    "http_config",
    "jira_api_url",
    "smtp_from",
    "smtp_hello",
    "smtp_smarthost",
    "smtp_auth_username",
    "smtp_auth_password",
    "smtp_auth_password_file",
    "smtp_auth_secret",
    "smtp_auth_secret_file",
    "smtp_auth_identity",
    "smtp_require_tls",
    "smtp_tls_config",
    "smtp_force_implicit_tls",
    "slack_api_url",
    "slack_api_url_file",
    "slack_app_token",
    "slack_app_token_file",
    "slack_app_url",
    "pagerduty_url",
    "opsgenie_api_url",
    "opsgenie_api_key",
    "opsgenie_api_key_file",
    "wechat_api_url",
    "wechat_api_secret",
    "wechat_api_secret_file",
    "wechat_api_corp_id",
    "victorops_api_url",
    "victorops_api_key",
    "victorops_api_key_file",
    "telegram_api_url",
    "telegram_bot_token",
    "telegram_bot_token_file",
    "webex_api_url",
    "rocketchat_api_url",
    "rocketchat_token",
    "rocketchat_token_file",
    "rocketchat_token_id",
    "rocketchat_token_id_file",
    "mattermost_webhook_url",
    "mattermost_webhook_url_file",
)
"""What the global section may set besides ``resolve_timeout``."""

AT_MOST_ONE = (
    "slack_api_url",
    "opsgenie_api_key",
    "victorops_api_key",
    "smtp_auth_password",
    "smtp_auth_secret",
    "rocketchat_token",
    "rocketchat_token_id",
)
"""Settings that stand in the file or in a file of their own, ``…_file``, not in both."""


def read_routes(
    text: str, *, where: str, mode: Mode = "fallback", zones: Zones = ZoneInfo
) -> tuple[Configuration | None, tuple[Finding, ...]]:
    """Read a file, `where` being its name; None with the findings when it has any.

    `mode` is the parser of matchers, `zones` gives time zones by name.
    """
    source, broken = read_written(text)
    if source is None:
        return None, _placed(broken, where)
    findings: list[Finding] = []
    notes: list[Finding] = []
    reader = _Reader(MatchersReader(mode, notes), zones)
    found = reader.read(source.value, Place(source, findings))
    if findings or found is None:
        return None, _placed(findings, where)
    return replace(found, notes=tuple(_placed(notes, where))), ()


def _placed(findings: tuple[Finding, ...] | list[Finding], where: str) -> tuple[Finding, ...]:
    return tuple(replace(one, where=f"{where}:{one.where}") for one in findings)


class _Reader:
    """Reads the sections of a file; names are looked up when all are read."""

    def __init__(self, matchers: MatchersReader, zones: Zones) -> None:
        self._matchers = matchers
        self._zones = zones

    def read(self, value: Any, place: Place) -> Configuration | None:
        """Read the file; None when it has no route."""
        sections = value if isinstance(value, Mapping) else {}
        above = sections.get("global")
        settings = above if isinstance(above, Mapping) else {}
        found = read_fields(sections if value is None else value, place, self._fields(settings))
        if found.get("route") is None:
            if isinstance(value, Mapping) or value is None:
                place.find("route", "no route provided in config", "add route")
            return None
        receivers = self._unique(found.get("receivers", ()), place.at("receivers"))
        intervals = self._intervals(found, place)
        node: Node = found["route"]
        check_root(node)
        check_names(node, receivers, intervals)
        timeout = (found.get("global") or {}).get("resolve_timeout")
        return Configuration(
            built(node),
            receivers,
            found.get("inhibit_rules", ()),
            intervals,
            RESOLVE_TIMEOUT_MS if timeout is None else timeout,
            found.get("templates", ()),
            settings,
        )

    def _fields(self, settings: Mapping[str, Any]) -> list[Field]:
        named = list_of(named_intervals_reader(self._zones))
        return [
            Field("global", _global, nullable=True),
            Field("route", self._route, nullable=True),
            Field("inhibit_rules", list_of(self._inhibit_rule)),
            Field("receivers", list_of(receiver_reader(settings))),
            Field("templates", list_of(text)),
            Field("mute_time_intervals", named),
            Field("time_intervals", named),
        ]

    def _route(self, value: Any, place: Place) -> Node:
        return read_node(value, place, self._matchers)

    def _inhibit_rule(self, value: Any, place: Place) -> InhibitRule:
        fields = [
            Field("name", text),
            *self._matchers.fields("source_"),
            *self._matchers.fields("target_"),
            Field("equal", list_of(self._label_name)),
        ]
        found = read_fields({} if value is None else value, place, fields)
        return InhibitRule(
            self._matchers.joined(found, "source_"),
            self._matchers.joined(found, "target_"),
            found.get("equal", ()),
            found.get("name", ""),
            place.source.where(place.path),
        )

    def _label_name(self, value: Any, place: Place) -> str:
        name = text(value, place)
        if not self._matchers.is_name(name):
            message = f'invalid label name "{name}" in equal list'
            place.find("label-name", message, "rename it")
        return name

    def _unique(self, found: tuple[Receiver | None, ...], place: Place) -> dict[str, Receiver]:
        receivers: dict[str, Receiver] = {}
        for index, receiver in enumerate(found):
            if receiver is None:
                continue
            if receiver.name in receivers:
                message = f'notification config name "{receiver.name}" is not unique'
                place.at(index).find("duplicate-receiver", message, "rename one of them")
            receivers[receiver.name] = receiver
        return receivers

    def _intervals(self, found: Mapping[str, Any], place: Place) -> dict[str, Any]:
        both = []
        for key in ("mute_time_intervals", "time_intervals"):
            named = found.get(key, ())
            both += [(place.at(key).at(index), one) for index, one in enumerate(named)]
        if found.get("mute_time_intervals"):
            at = place.at("mute_time_intervals")
            message = "mute_time_intervals is deprecated"
            self._matchers.note(at, "deprecated", message, "use time_intervals")
        return unique_intervals(both)


def _global(value: Any, place: Place) -> dict[str, Any]:
    """Read the timeout; the rest is kept as it stands."""
    kept = [Field(key, lambda one, _: one) for key in GLOBAL_KEYS]
    fields = [Field("resolve_timeout", duration, nullable=True), *kept]
    found = read_fields(value, place, fields)
    for key in AT_MOST_ONE:
        if found.get(key) and found.get(f"{key}_file"):
            message = f"at most one of {key} & {key}_file must be configured"
            place.at(key).find("at-most-one", message, "leave out one of them")
    return found
