"""A receiver is a name and integrations; each kind of integration has its keys and its needs.

Settings are kept as data: what is sent and how is the business of who sends.
Source: Alertmanager, config/notifiers.go; config/config.go, Config.UnmarshalYAML.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llm_research_lab.alerting.notifying.configuration import Integration, Receiver
from llm_research_lab.alerting.notifying.scalars import boolean, list_of, text
from llm_research_lab.documents.fields import Field, Place, Reader, read_fields, unknown

SUFFIX = "_configs"

Alternatives = tuple[str, ...]
"""Keys of which one is enough."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What an integration of a kind may and must say.

    `needs`: of each group one key; `or_global`: of each group one key, or one of the same group's
    keys in the global section; `at_most_one`: not two of a group.
    """

    send_resolved: bool
    keys: str
    needs: tuple[Alternatives, ...] = ()
    or_global: tuple[tuple[Alternatives, Alternatives], ...] = ()
    at_most_one: tuple[Alternatives, ...] = ()


KINDS: Mapping[str, Kind] = {
    "discord": Kind(
        send_resolved=True,
        keys="webhook_url webhook_url_file content title message username avatar_url",
        needs=(("webhook_url", "webhook_url_file"),),
        at_most_one=(("webhook_url", "webhook_url_file"),),
    ),
    "email": Kind(
        send_resolved=False,
        keys="to from hello smarthost auth_username auth_password auth_password_file auth_secret "
        "auth_secret_file auth_identity headers html text require_tls tls_config threading",
        needs=(("to",),),
        or_global=((("smarthost",), ("smtp_smarthost",)), (("from",), ("smtp_from",))),
    ),
    "incidentio": Kind(
        send_resolved=True,
        keys="url url_file alert_source_token alert_source_token_file max_alerts timeout metadata",
        needs=(("url", "url_file"),),
        at_most_one=(("url", "url_file"),),
    ),
    "jira": Kind(
        send_resolved=True,
        keys="api_url api_type project summary description labels priority issue_type "
        "reopen_transition resolve_transition wont_fix_resolution reopen_duration fields "
        "custom_fields",
        needs=(("project",), ("issue_type",)),
        or_global=((("api_url",), ("jira_api_url",)),),
    ),
    "mattermost": Kind(
        send_resolved=True,
        keys="webhook_url webhook_url_file channel username text fallback color pretext "
        "author_name author_link author_icon title title_link fields thumb_url footer footer_icon "
        "image_url icon_url icon_emoji attachments type props priority",
        at_most_one=(("webhook_url", "webhook_url_file"),),
    ),
    "msteams": Kind(
        send_resolved=True,
        keys="webhook_url webhook_url_file title summary text",
        needs=(("webhook_url", "webhook_url_file"),),
        at_most_one=(("webhook_url", "webhook_url_file"),),
    ),
    "msteamsv2": Kind(
        send_resolved=True,
        keys="webhook_url webhook_url_file title text",
        needs=(("webhook_url", "webhook_url_file"),),
        at_most_one=(("webhook_url", "webhook_url_file"),),
    ),
    "opsgenie": Kind(
        send_resolved=True,
        keys="api_key api_key_file api_url message description source details entity responders "
        "actions tags note priority update_alerts",
        or_global=((("api_key", "api_key_file"), ("opsgenie_api_key", "opsgenie_api_key_file")),),
        at_most_one=(("api_key", "api_key_file"),),
    ),
    "pagerduty": Kind(
        send_resolved=True,
        keys="service_key service_key_file routing_key routing_key_file url client client_url "
        "description details images links source severity class component group timeout",
        needs=(("service_key", "service_key_file", "routing_key", "routing_key_file"),),
        at_most_one=(("service_key", "service_key_file"), ("routing_key", "routing_key_file")),
    ),
    "pushover": Kind(
        send_resolved=True,
        keys="user_key user_key_file token token_file title message url url_title device sound "
        "priority retry expire ttl html monospace",
        needs=(("user_key", "user_key_file"), ("token", "token_file")),
        at_most_one=(("user_key", "user_key_file"), ("token", "token_file")),
    ),
    "rocketchat": Kind(
        send_resolved=False,
        keys="api_url token_id token_id_file token token_file channel color title title_link text "
        "fields short_fields emoji icon_url image_url thumb_url link_names actions",
        or_global=(
            (("token", "token_file"), ("rocketchat_token", "rocketchat_token_file")),
            (("token_id", "token_id_file"), ("rocketchat_token_id", "rocketchat_token_id_file")),
        ),
        at_most_one=(("token", "token_file"), ("token_id", "token_id_file")),
    ),
    "slack": Kind(
        send_resolved=False,
        keys="api_url api_url_file app_token app_token_file app_url channel username color title "
        "title_link pretext text fields short_fields footer fallback callback_id icon_emoji "
        "icon_url image_url thumb_url link_names mrkdwn_in actions timeout message_text "
        "edit_messages update_message",
        or_global=(
            (
                ("api_url", "api_url_file", "app_token", "app_token_file"),
                ("slack_api_url", "slack_api_url_file", "slack_app_token", "slack_app_token_file"),
            ),
        ),
        at_most_one=(("api_url", "api_url_file"),),
    ),
    "sns": Kind(
        send_resolved=True,
        keys="api_url sigv4 topic_arn phone_number target_arn subject message attributes",
        needs=(("topic_arn", "phone_number", "target_arn"),),
    ),
    "telegram": Kind(
        send_resolved=True,
        keys="api_url bot_token bot_token_file chat_id chat_id_file message_thread_id message "
        "disable_notifications parse_mode",
        needs=(("bot_token", "bot_token_file"), ("chat_id", "chat_id_file")),
        at_most_one=(("bot_token", "bot_token_file"), ("chat_id", "chat_id_file")),
    ),
    "victorops": Kind(
        send_resolved=True,
        keys="api_key api_key_file api_url routing_key message_type state_message "
        "entity_display_name monitoring_tool custom_fields",
        needs=(("routing_key",),),
        or_global=((("api_key", "api_key_file"), ("victorops_api_key", "victorops_api_key_file")),),
        at_most_one=(("api_key", "api_key_file"),),
    ),
    "webex": Kind(
        send_resolved=True,
        keys="api_url message room_id",
        needs=(("room_id",), ("http_config",)),
    ),
    "webhook": Kind(
        send_resolved=True,
        keys="url url_file max_alerts timeout payload",
        needs=(("url", "url_file"),),
        at_most_one=(("url", "url_file"),),
    ),
    "wechat": Kind(
        send_resolved=False,
        keys="api_secret api_secret_file corp_id message api_url to_user to_party to_tag agent_id "
        "message_type",
        or_global=(
            (("api_secret", "api_secret_file"), ("wechat_api_secret", "wechat_api_secret_file")),
            (("corp_id",), ("wechat_api_corp_id",)),
        ),
    ),
}
"""By the word before ``_configs``."""

_COMMON = ("send_resolved", "http_config")


def receiver_reader(global_settings: Mapping[str, Any]) -> Reader:
    """A reader of one receiver, under what the global section gives it."""

    def read(value: Any, place: Place) -> Receiver | None:
        kinds = [Field(kind + SUFFIX, list_of(_reader(kind, global_settings))) for kind in KINDS]
        fields = [Field("name", text, required=True), *kinds]
        found = read_fields(value, place, fields)
        name = found.get("name", "")
        if not name:
            if isinstance(value, Mapping) and "name" in value:
                place.at("name").find("receiver-name", "missing name in receiver", "name it")
            return None
        lists = (found.get(kind + SUFFIX, ()) for kind in KINDS)
        integrations = tuple(one for found in lists for one in found)
        return Receiver(name, integrations, place.source.where(place.path))

    return read


def _reader(kind: str, global_settings: Mapping[str, Any]) -> Reader:
    law = KINDS[kind]
    known = [*_COMMON, *law.keys.split()]

    def read(value: Any, place: Place) -> Integration:
        settings = value if isinstance(value, Mapping) else {}
        if not isinstance(value, Mapping) and value is not None:
            place.expect("type", "a mapping", value)
        for key in settings:
            if key not in known:
                unknown(place.at(key), "key", key, known)
        _check(law, settings, global_settings, place)
        sends = law.send_resolved
        if settings.get("send_resolved") is not None:
            sends = boolean(settings["send_resolved"], place.at("send_resolved"))
        index = next((part for part in reversed(place.path) if isinstance(part, int)), 0)
        return Integration(kind, index, sends, dict(settings))

    return read


def _check(
    law: Kind, settings: Mapping[str, Any], global_settings: Mapping[str, Any], place: Place
) -> None:
    """Say what the integration lacks, and what it says twice."""
    for keys in law.needs:
        if not _said(settings, keys):
            place.find("needs", f"one of {', '.join(keys)} must be set", f"add {keys[0]}")
    for keys, above in law.or_global:
        if not _said(settings, keys) and not _said(global_settings, above):
            message = f"{keys[0]} is set neither here nor as {above[0]} in the global section"
            place.find("needs", message, f"add {keys[0]}")
    for keys in law.at_most_one:
        both = _said(settings, keys)
        if len(both) > 1:
            message = f"at most one of {', '.join(both)} may be set"
            place.find("at-most-one", message, f"leave out {both[-1]}")


def _said(settings: Mapping[str, Any], keys: Alternatives) -> list[str]:
    return [key for key in keys if settings.get(key) not in (None, "")]
