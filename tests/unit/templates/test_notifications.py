"""A notification's template sees what Alertmanager's see, and calls what they call."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.templates import (
    AlertData,
    Limits,
    NotificationData,
    check_notification,
    expand_notification,
    notification_data,
)
from llm_research_lab.vocabulary import InvalidError
from llm_research_lab.vocabulary.labels import labels_of

FIRING = AlertData(
    "firing",
    labels_of({"alertname": "High", "zone": "b", "app": "x"}),
    labels_of({"summary": "5 > 4"}),
    1_700_000_000_123,
    None,
    "http://p/g?x=1",
    "00ff",
)
RESOLVED = AlertData(
    "resolved",
    labels_of({"alertname": "High", "zone": "a", "app": "x"}),
    labels_of({"summary": "5 > 4", "more": "m"}),
    1_600_000_000_000,
    1_600_000_360_500,
)
DATA = notification_data(
    "team.x",
    labels_of({"alertname": "High"}),
    (FIRING, RESOLVED),
    external_url="http://am:9093",
    reason="new alerts",
    route_labels=(("team", "x"),),
)
NOW_MS = 1_700_000_090_123


def written(text, data=DATA, **more):
    return expand_notification(text, data, now_ms=NOW_MS, **more)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("{{ .Receiver }} {{ .Status }} {{ .ExternalURL }} {{ .NotificationReason }}", "team\\.x firing http://am:9093 new alerts"),
        ("{{ len .Alerts }} {{ len .Alerts.Firing }} {{ .Alerts.Resolved | len }}", "2 1 1"),
        ("{{ range .Alerts }}{{ .Status }}={{ .Labels.zone }}{{ .Fingerprint }}{{ .GeneratorURL }};{{ end }}", "firing=b00ffhttp://p/g?x=1;resolved=a;"),
        ("{{ .GroupLabels }}|{{ .CommonLabels }}|{{ .CommonAnnotations }}", "alertname=High|alertname=High, app=x|summary=5 > 4"),
        ("{{ .GroupLabels.nope }}|{{ index .CommonLabels `app` }}|{{ .CommonLabels.String }}", "|x|alertname=High, app=x"),
        ("{{ with index .Alerts 0 }}{{ range .Labels.SortedPairs }}{{ .Name }}:{{ .Value }} {{ end }}{{ end }}", "alertname:High app:x zone:b "),
        ("{{ (index .Alerts 0).Labels.SortedPairs }}|{{ (index .Alerts 0).Labels.SortedPairs.String }}", "alertname=High, app=x, zone=b|alertname=High, app=x, zone=b"),
        ("{{ .CommonLabels.SortedPairs.Names }} {{ .CommonLabels.SortedPairs.Values }}", "[alertname app] [High x]"),
        ("{{ .CommonLabels.Names | join `,` }} {{ join `,` .CommonLabels.Values }}", "alertname,app High,x"),
        ("{{ (.CommonLabels.Remove .GroupLabels.Names) }}|{{ .CommonLabels.Remove (stringSlice `app`) }}|{{ .CommonLabels.Remove nil }}", "app=x|alertname=High|alertname=High, app=x"),
        ("{{ join `,` nil }}{{ stringSlice `a` `b` }}{{ printf `%T` (stringSlice) }}", "[a b][]string"),
        ("{{ (index .Alerts 0).StartsAt }}|{{ (index .Alerts 0).EndsAt }}|{{ (index .Alerts 0).EndsAt.IsZero }}", "2023-11-14 22:13:20.123 +0000 UTC|0001-01-01 00:00:00 +0000 UTC|true"),
        ("{{ ((index .Alerts 1).StartsAt.Add 28800e9).Format `15:04:05` }}", "20:26:40"),
        ("{{ (index .Alerts 1).EndsAt.Sub (index .Alerts 1).StartsAt }}|{{ (now.Sub (index .Alerts 0).EndsAt).Hours }}", "6m0.5s|2.5620477880152157e+06"),
        ("{{ with (index .Alerts 1) }}{{ .EndsAt.After .StartsAt }} {{ .EndsAt.Before .StartsAt }} {{ .EndsAt.Equal .EndsAt }}{{ end }}", "true false true"),
        ("{{ with (index .Alerts 1) }}{{ (.StartsAt.Add (.EndsAt.Sub .StartsAt)).Equal .EndsAt }}{{ end }}", "true"),
        ("{{ now }}|{{ now | since }}|{{ (index .Alerts 0).StartsAt | since }}|{{ humanizeDuration (since (index .Alerts 0).StartsAt) }}", "2023-11-14 22:14:50.123 +0000 UTC|0s|1m30s|1m 30s"),
        ("{{ humanizeDuration 3661 }}|{{ humanizeDuration `0.5` }}|{{ printf `%d` (since now) }}|{{ gt (since (index .Alerts 0).StartsAt) 5 }}", "1h 1m 1s|500ms|0|true"),
        ("{{ .ExternalURL | toUpper }} {{ toLower `ÀB` }} {{ title `hELLO wORLD` }} {{ trimSpace `\t x\u00a0 ` }}", "HTTP://AM:9093 àb Hello World x"),
        ("{{ match `^http` .ExternalURL }} {{ reReplaceAll `:(\\d+)` `-$1` .ExternalURL }}", "true http://am-9093"),
        ("{{ safeHtml `<b>` }}{{ safeUrl `a b` }}{{ printf `%T` (safeUrl ``) }}", "<b>a btemplate.URL"),
        ("{{ urlUnescape `a+b%20c%C3%A4` }}", "a b cä"),
        ("{{ tz `Europe/Paris` now | date `2006-01-02T15:04:05Z07:00 MST -0700 -07 -07:00:00` }}|{{ now | date `Z07:00 -070000` }}", "2023-11-14T23:14:50+01:00 CET +0100 +01 +01:00:00|Z +000000"),
        ("{{ now | tz `Asia/Kathmandu` }}|{{ (now | tz `America/New_York`).Hour }}|{{ now | tz `` }}|{{ (now | tz `Asia/Tokyo`).UTC.Hour }}", "2023-11-15 03:59:50.123 +0545 +0545|17|2023-11-14 22:14:50.123 +0000 UTC|22"),
        ("{{ now | tz `America/New_York` | date `MST Z0700` }}|{{ ((now | tz `Asia/Tokyo`).Add 0) | date `15 MST` }}", "EST -0500|07 JST"),
        ("{{ toJson .GroupLabels }}{{ toJson (now | tz `Asia/Tokyo`) }}{{ toJson .Alerts.Resolved }}", '{"alertname":"High"}"2023-11-15T07:14:50.123+09:00"[{"status":"resolved","labels":{"alertname":"High","app":"x","zone":"a"},"annotations":{"more":"m","summary":"5 \\u003e 4"},"startsAt":"2020-09-13T12:26:40Z","endsAt":"2020-09-13T12:32:40.5Z","generatorURL":"","fingerprint":""}]'),
        ("{{ $l := list 1 `a` }}{{ $l = append $l 2.5 nil }}{{ $l }} {{ append nil }} {{ toJson (list) }}", "[1 a 2.5 <nil>] [] []"),
        ("{{ $d := dict `a` 1 `b` (list 2) }}{{ $d.a }} {{ $d.nope }} {{ toJson $d }} {{ (dict).x }}", '1 <no value> {"a":1,"b":[2]} <no value>'),
        ("{{ toDate `2006-01-02` `2024-02-29` }}|{{ (toDate `2006-01-02` `nope`).IsZero }}|{{ mustToDate `15:04` `01:02` | date `15:04` }}", "2024-02-29 00:00:00 +0000 UTC|true|01:02"),
        ("{{ base64encode `a?>ä` }} {{ base64decode `YT8-w6Q=` }}", "YT8-w6Q= a?>ä"),
        ("{{ routeLabels `team` }}{{ routeLabels `nope` }}", "x"),
        ("{{ printf `%T %T %T` . .Alerts (index .Alerts 0).Labels }}", "*template.Data template.Alerts template.KV"),
        ("{{ printf `%v %v` .Alerts.Resolved (index .Alerts 1).EndsAt.Weekday }}", "[{resolved alertname=High, app=x, zone=a more=m, summary=5 > 4 2020-09-13 12:26:40 +0000 UTC 2020-09-13 12:32:40.5 +0000 UTC  }] Sunday"),
        ("{{ . }}", "{team\\.x firing [{firing alertname=High, app=x, zone=b summary=5 > 4 2023-11-14 22:13:20.123 +0000 UTC 0001-01-01 00:00:00 +0000 UTC http://p/g?x=1 00ff} {resolved alertname=High, app=x, zone=a more=m, summary=5 > 4 2020-09-13 12:26:40 +0000 UTC 2020-09-13 12:32:40.5 +0000 UTC  }] new alerts alertname=High alertname=High, app=x summary=5 > 4 http://am:9093}"),
    ],
)  # fmt: skip
def test_a_template_writes_what_alertmanager_writes(text, expected):
    assert written(text) == expected


@pytest.mark.parametrize(
    ("text", "where", "got"),
    [
        ("a\n{{ .nope }}", "2:4", 'executing "" at <.nope>: can\'t evaluate field nope in type *template.Data'),
        ("{{ nope }}", "1:4", 'function "nope" not defined'),
        ("{{ toUpper 5 }}", "1:12", 'executing "" at <5>: expected string; found 5'),
        ("{{ toUpper (safeHtml `x`) }}", "1:22", "wrong type for value; expected string; got template.HTML"),
        ("{{ join `,` .CommonLabels }}", "1:13", "wrong type for value; expected []string; got template.KV"),
        ("{{ (index .Alerts 0).StartsAt.Add 1.5 }}", "1:35", "expected integer; found 1.5"),
        ("{{ (index .Alerts 9).Status }}", "1:5", "error calling index: index out of range: 9"),
        ("{{ urlUnescape `%zz` }}", "1:4", 'error calling urlUnescape: invalid URL escape "%zz"'),
        ("{{ urlUnescape `%4` }}", "1:4", 'error calling urlUnescape: invalid URL escape "%4"'),
        ("{{ tz `No/Where` now }}", "1:4", "error calling tz: unknown time zone No/Where"),
        ("{{ tz `../x` now }}", "1:4", "error calling tz: unknown time zone ../x"),
        ("{{ dict 1 }}", "1:4", "error calling dict: dict requires an even number of arguments"),
        ("{{ dict 1 2 }}", "1:4", "error calling dict: dict keys must be strings"),
        ("{{ mustToDate `2006` `x` }}", "1:4", 'error calling mustToDate: parsing time "x" as "2006": cannot parse'),
        ("{{ base64decode `a*b=` }}", "1:4", "error calling base64decode: illegal base64 data at input byte 1"),
        ("{{ base64decode `abc` }}", "1:4", "error calling base64decode: illegal base64 data at input byte 3"),
        ("{{ base64decode `ä` }}", "1:4", "error calling base64decode: illegal base64 data at input byte 0"),
        ("{{ toJson base64decode }}", "1:11", "wrong number of args for base64decode: want 1 got 0"),
        ("{{ template `x` }}", "1:13", 'template "x" not defined'),
        ("{{ $x := $x }}", "1:10", "undefined variable: $x"),
    ],
)  # fmt: skip
def test_what_fails_says_where_and_why(text, where, got):
    with pytest.raises(InvalidError) as caught:
        written(text)
    assert caught.value.where == where
    assert got in caught.value.got


def test_files_define_templates_and_the_later_one_wins():
    files = ("{{ define `a` }}1{{ end }}{{ define `b` }}b{{ end }}", "{{ define `a` }}2{{ end }}")
    assert written("{{ template `a` }}{{ template `b` }}", files=files) == "2b"
    assert written("{{ define `a` }}3{{ end }}{{ template `a` }}", files=files) == "3"


def test_a_definition_of_white_space_replaces_none():
    files = ("{{ define `a` }}1{{ end }}", "{{ define `a` }} {{ end }}{{ define `b` }} {{ end }}")
    assert written("{{ template `a` }}{{ template `b` }}.", files=files) == "1 ."


@pytest.mark.parametrize("html", [False, True])
def test_a_failure_in_a_file_says_in_which_and_where(html):
    files = ("", "\n{{ define `a` }} {{ .nope }}{{ end }}")
    with pytest.raises(InvalidError) as caught:
        written("{{ template `a` . }}", files=files, html=html)
    assert caught.value.where == "files[1]:2:21"
    with pytest.raises(InvalidError) as caught:
        check_notification("x", files=("{{ define `a` }}", "x"), html=html)
    assert caught.value.where == "files[0]:1:17"


def test_a_sound_template_is_checked_without_data():
    check_notification("{{ .Status }}{{ now }}{{ since now }}{{ routeLabels `x` }}", html=True)


def test_a_page_is_bounded_in_steps_and_output():
    text = "{{ range .Alerts }}{{ range $.Alerts }}xxxxx{{ end }}{{ end }}"
    with pytest.raises(InvalidError, match="maximum steps"):
        written(text, html=True, limits=Limits(steps=5))
    with pytest.raises(InvalidError, match="maximum output"):
        written(text, html=True, limits=Limits(output_bytes=9))


def test_a_notification_fires_while_one_alert_does_and_has_in_common_what_all_have():
    assert (DATA.status, DATA.receiver) == ("firing", r"team\.x")
    assert DATA.common_labels == (("alertname", "High"), ("app", "x"))
    assert DATA.common_annotations == (("summary", "5 > 4"),)
    assert notification_data("r", (), (RESOLVED,)).status == "resolved"
    assert notification_data("r", (), ()) == NotificationData("r", "resolved")


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.text(), max_size=4))
def test_labels_as_json_read_back(labels):
    data = NotificationData("r", "firing", group_labels=tuple(labels.items()))
    read = json.loads(written("{{ toJson .GroupLabels }}", data))
    assert read == labels
