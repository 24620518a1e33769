"""An alertmanager.yml is read with places; what Alertmanager would refuse is found."""

import json
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from llm_research_lab.alerting.notifying import InhibitRule, TimeInterval, read_routes
from llm_research_lab.alerting.notifying.receivers import KINDS
from llm_research_lab.vocabulary import Finding
from llm_research_lab.vocabulary.matchers import Matcher

WHOLE = """\
global:
  resolve_timeout: 2m
  slack_api_url: http://slack
route:
  receiver: ops
  group_by: [alertname, job]
  routes:
    - matchers: [ 'b="2"', a=~"x|y" ]
      receiver: team
      continue: yes
      group_wait: 0s
      group_interval: 1m
      repeat_interval: 1h30m
      mute_time_intervals: [weekend]
      active_time_intervals: [office]
      routes:
        - match: { severity: 1 }
          match_re: { team: "a|b" }
          group_by: ['...']
receivers:
  - name: ops
    webhook_configs:
      - url: http://one
        send_resolved: off
      - url_file: two
    slack_configs:
      - channel: '#x'
        send_resolved: true
  - name: team
inhibit_rules:
  - source_match: { severity: critical }
    target_matchers: [ severity=~"warning|info" ]
    equal: [job, ä]
mute_time_intervals:
  - name: weekend
    time_intervals:
      - weekdays: [saturday, sunday]
time_intervals:
  - name: office
    time_intervals:
      - times:
          - start_time: 09:30
            end_time: 24:00
        weekdays: ['Monday:friday']
        days_of_month: [1, '-3:-1']
        months: ['january:march', 12, 'June:8']
        years: [2024, '2026:2030']
        location: Europe/Berlin
      -
templates: [a.tmpl, 1]
"""


def read(text, **more):
    found, findings = read_routes(text, where="am.yml", **more)
    assert (found is None) == bool(findings)
    return found, findings


def test_a_whole_file_is_read():
    found, findings = read(WHOLE)
    assert findings == ()
    assert found.resolve_timeout_ms == 120_000
    assert found.templates == ("a.tmpl", "1")
    assert found.global_settings["slack_api_url"] == "http://slack"
    root, child, last = found.route.walk()
    assert (root.receiver, root.group_by, root.where) == ("ops", {"alertname", "job"}, "5:3")
    assert child.matchers == (Matcher("a", "=~", "x|y"), Matcher("b", "=", "2"))
    assert (child.key, child.receiver, child.goes_on) == ('{}/{a=~"x|y",b="2"}', "team", True)
    assert (child.group_wait_ms, child.group_interval_ms) == (0, 60_000)
    assert child.repeat_interval_ms == 90 * 60_000
    assert child.mute_time_intervals == ("weekend",)
    assert child.active_time_intervals == ("office",)
    assert last.matchers == (Matcher("severity", "=", "1"), Matcher("team", "=~", "a|b"))
    assert (last.group_by, last.mute_time_intervals, last.where) == (None, (), "17:11")


def test_receivers_are_kept_as_data():
    found, _ = read(WHOLE)
    ops = found.receivers["ops"]
    assert ops.where == "21:5"
    assert [(one.name, one.send_resolved) for one in ops.integrations] == [
        ("slack[0]", True),
        ("webhook[0]", False),
        ("webhook[1]", True),
    ]
    assert ops.integrations[2].settings == {"url_file": "two"}
    assert found.receivers["team"].integrations == ()
    assert list(found.receivers) == ["ops", "team"]


def test_inhibitions_and_intervals_are_read():
    found, _ = read(WHOLE)
    source = (Matcher("severity", "=", "critical"),)
    target = (Matcher("severity", "=~", "warning|info"),)
    assert found.inhibit_rules == (InhibitRule(source, target, ("job", "ä"), "", "31:5"),)
    assert list(found.time_intervals) == ["weekend", "office"]
    assert found.time_intervals["weekend"] == (TimeInterval(weekdays=((6, 6), (0, 0))),)
    assert found.time_intervals["office"] == (
        TimeInterval(
            ((570, 1440),),
            ((1, 5),),
            ((1, 1), (-3, -1)),
            ((1, 3), (12, 12), (6, 8)),
            ((2024, 2024), (2026, 2030)),
            ZoneInfo("Europe/Berlin"),
        ),
        TimeInterval(location=UTC),
    )


def test_what_is_deprecated_is_noted():
    notes = read(WHOLE)[0].notes
    assert [(one.where, one.message, one.fix) for one in notes] == [
        ("am.yml:17:18", "match is deprecated", "use matchers"),
        ("am.yml:18:21", "match_re is deprecated", "use matchers"),
        ("am.yml:31:19", "source_match is deprecated", "use source_matchers"),
        ("am.yml:35:3", "mute_time_intervals is deprecated", "use time_intervals"),
    ]
    assert all(one.law == "deprecated" for one in notes)


def test_a_matcher_that_only_the_classic_parser_reads_is_noted():
    text = "route: {receiver: a, routes: [{matchers: ['a=b c']}]}\nreceivers: [{name: a}]"
    found, _ = read(text)
    assert found.route.routes[0].matchers == (Matcher("a", "=", "b c"),)
    assert [(one.where, one.law) for one in found.notes] == [("am.yml:1:43", "matcher-syntax")]
    assert read(text, mode="utf8")[0] is None
    assert read(text, mode="classic")[0].notes == ()


def test_names_of_another_alphabet_need_the_newer_mode():
    text = "route: {receiver: a, group_by: [ä]}\nreceivers: [{name: a}]"
    assert read(text)[0].route.group_by == {"ä"}
    assert "invalid label name" in read(text, mode="classic")[1][0].message


def test_the_least_file_has_alertmanagers_defaults():
    found, _ = read("route: {receiver: a}\nreceivers: [{name: a}]\nglobal:\ntemplates:\n")
    assert found.resolve_timeout_ms == 300_000
    assert (found.route.group_by, found.route.matchers) == (frozenset(), ())
    assert (found.inhibit_rules, found.time_intervals, found.templates) == ((), {}, ())
    assert found.notes == ()


def test_zones_are_given():
    text = json.dumps(
        {
            "route": {"receiver": "a"},
            "receivers": [{"name": "a"}],
            "time_intervals": [{"name": "t", "time_intervals": [{"location": "Moon/Base"}]}],
        }
    )
    assert read(text)[1][0].message == "unknown time zone Moon/Base"
    known = {"Moon/Base": UTC}
    assert read(text, zones=known.__getitem__)[0].time_intervals["t"] == (TimeInterval(),)


BASE = {
    "route": {"receiver": "a", "routes": [{"receiver": "b", "matchers": ["x=y"]}]},
    "receivers": [{"name": "a"}, {"name": "b"}],
    "inhibit_rules": [{"source_matchers": ["a=b"], "target_matchers": ["c=d"]}],
    "time_intervals": [{"name": "t", "time_intervals": [{"weekdays": ["monday"]}]}],
}


def changed(path, value):
    """The file with one place changed."""
    config = json.loads(json.dumps(BASE))
    place = config
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    return json.dumps(config)


CHILD = ("route", "routes", 0)
INTERVAL = ("time_intervals", 0, "time_intervals", 0)
RULE = ("inhibit_rules", 0)


@pytest.mark.parametrize(
    ("path", "value", "law", "words"),
    [
        (("route",), None, "route", "no route provided"),
        (("route",), [], "type", "a mapping"),
        (("rote",), {}, "unknown-key", "'rote'"),
        (("route", "receiver"), "", "root", "must specify a default receiver"),
        (("route", "receiver"), "z", "undefined-receiver", '"z"'),
        (("route", "matchers"), ["a=b"], "root", "must not have any matchers"),
        (("route", "match"), {"a": "b"}, "root", "must not have any matchers"),
        (("route", "mute_time_intervals"), ["t"], "root", "any mute time intervals"),
        (("route", "active_time_intervals"), ["t"], "root", "any active time intervals"),
        (("route", "continue"), True, "root", "continue"),
        ((*CHILD, "receiver"), "z", "undefined-receiver", "used in route"),
        ((*CHILD, "receiver"), ["a"], "type", "expected text, got a list"),
        ((*CHILD, "group_by"), ["a", "a"], "duplicate-label", '"a"'),
        ((*CHILD, "group_by"), ["...", "a"], "group-by-all", "wildcard"),
        ((*CHILD, "group_by"), [""], "label-name", "group_by list"),
        ((*CHILD, "group_by"), "a", "type", "a list"),
        ((*CHILD, "group_wait"), "5", "duration", "a duration"),
        ((*CHILD, "group_interval"), "0s", "duration", "group_interval cannot be zero"),
        ((*CHILD, "repeat_interval"), "0s", "duration", "repeat_interval cannot be zero"),
        ((*CHILD, "continue"), "yes", "type", "true or false"),
        ((*CHILD, "continue"), 1, "type", "true or false"),
        ((*CHILD, "matchers"), ["a"], "matcher", "bad matcher format: a"),
        ((*CHILD, "matchers"), ["a=~("], "matcher", "regular expression"),
        ((*CHILD, "match"), {"1a": "b"}, "label-name", '"1a"'),
        ((*CHILD, "match"), [], "type", "a mapping"),
        ((*CHILD, "match_re"), {"a": "("}, "expression", "regular expression"),
        ((*CHILD, "match_re"), {"a": None}, "expression", 'invalid regexp value for "a"'),
        ((*CHILD, "mute_time_intervals"), ["u"], "undefined-interval", '"u"'),
        ((*CHILD, "active_time_intervals"), ["t", "u"], "undefined-interval", '"u"'),
        ((*CHILD, "time_intervals"), ["t"], "unknown-key", "'time_intervals'"),
        ((*CHILD, "routes"), [None], "type", "a mapping"),
        (("receivers", 1, "name"), "a", "duplicate-receiver", '"a" is not unique'),
        (("receivers", 1, "name"), "", "receiver-name", "missing name"),
        (("receivers", 1), {}, "missing-key", "name is missing"),
        (("receivers", 1, "slack"), [], "unknown-key", "'slack'"),
        (("receivers", 1, "slack_configs"), [{}], "needs", "api_url is set neither"),
        (("receivers", 1, "slack_configs"), ["x"], "type", "a mapping"),
        (("receivers", 1, "slack_configs"), {}, "type", "a list"),
        (("receivers", 1, "webhook_configs"), [{}], "needs", "one of url, url_file"),
        (
            ("receivers", 1, "webhook_configs"),
            [{"url": "x", "url_file": "y"}],
            "at-most-one",
            "url, url_file",
        ),
        (("receivers", 1, "webhook_configs"), [{"url": "x", "u": 1}], "unknown-key", "'u'"),
        (
            ("receivers", 1, "webhook_configs"),
            [{"url": "x", "send_resolved": "no"}],
            "type",
            "send_resolved: expected true or false",
        ),
        ((*RULE, "equal"), [""], "label-name", "equal list"),
        ((*RULE, "source_matchers"), ["a"], "matcher", "bad matcher"),
        ((*RULE, "sources"), [], "unknown-key", "'sources'"),
        (("time_intervals", 0, "name"), "", "interval-name", "missing name"),
        (("time_intervals", 0), {}, "missing-key", "name is missing"),
        (("mute_time_intervals",), [{"name": "t"}], "duplicate-interval", '"t" is not unique'),
        ((*INTERVAL, "times"), [{"start_time": "09:00"}], "times", "must be provided"),
        ((*INTERVAL, "times"), [{"end_time": "09:00"}], "times", "must be provided"),
        ((*INTERVAL, "times"), [{"start_time": "9:00", "end_time": "10:00"}], "times", "'9:00'"),
        ((*INTERVAL, "times"), [{"start_time": "09:00", "end_time": "09:00"}], "range", "greater"),
        ((*INTERVAL, "weekdays"), ["friday:monday"], "range", "ends before it starts"),
        ((*INTERVAL, "weekdays"), ["mon"], "range", "a weekday"),
        ((*INTERVAL, "weekdays"), ["monday:tuesday:friday"], "range", "a weekday"),
        ((*INTERVAL, "days_of_month"), ["0"], "range", "a day from 1 to 31"),
        ((*INTERVAL, "days_of_month"), ["1:32"], "range", "a day from 1 to 31"),
        ((*INTERVAL, "days_of_month"), ["x"], "range", "a day of the month"),
        ((*INTERVAL, "days_of_month"), ["-1:1"], "range", "end day must be negative"),
        ((*INTERVAL, "days_of_month"), ["-1:-2"], "range", "end day -2 is always before"),
        ((*INTERVAL, "days_of_month"), ["5:-25"], "range", "always before start day 5"),
        ((*INTERVAL, "months"), ["may:april"], "range", "ends before it starts"),
        ((*INTERVAL, "months"), ["1.5"], "range", "a month"),
        ((*INTERVAL, "years"), ["2025:2024"], "range", "ends before it starts"),
        ((*INTERVAL, "location"), "Nowhere", "location", "unknown time zone Nowhere"),
        (("global",), {"x": 1}, "unknown-key", "'x'"),
        (("global",), {"resolve_timeout": "x"}, "duration", "a duration"),
        (
            ("global",),
            {"slack_api_url": "x", "slack_api_url_file": "y"},
            "at-most-one",
            "slack_api_url & slack_api_url_file",
        ),
    ],
)
def test_what_alertmanager_refuses_is_found(path, value, law, words):
    _, findings = read(changed(path, value))
    found = [one for one in findings if one.law == law]
    assert found, findings
    assert words in found[0].message
    assert found[0].where.startswith("am.yml:1:")
    assert found[0].fix


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((*CHILD, "group_by"), ["..."]),
        ((*CHILD, "group_by"), None),
        ((*CHILD, "matchers"), None),
        ((*CHILD, "match"), None),
        ((*CHILD, "continue"), None),
        ((*CHILD, "group_wait"), "0s"),
        ((*CHILD, "group_wait"), 0),
        ((*INTERVAL, "days_of_month"), ["1:31", "27:-1", "-31:-1", "31", "-31"]),
        ((*INTERVAL, "weekdays"), ["sunday:saturday", None]),
        ((*INTERVAL, "location"), "Local"),
        ((*INTERVAL, "location"), ""),
        ((*INTERVAL, "times"), [{"start_time": "00:00", "end_time": "24:00"}]),
        ((*RULE, "name"), "named"),
        (("inhibit_rules",), [None]),
        (("global",), {"slack_api_url": "x"}),
    ],
)
def test_what_alertmanager_takes_is_taken(path, value):
    assert read(changed(path, value))[1] == ()


def test_all_faults_are_told_at_once_each_at_its_place():
    text = "route:\n  receiver: a\n  group_wait: x\n  continue: true\nreceivers:\n  - name: b\n"
    assert {(one.where, one.law) for one in read(text)[1]} == {
        ("am.yml:3:15", "duration"),
        ("am.yml:4:13", "root"),
        ("am.yml:2:13", "undefined-receiver"),
    }


def test_a_name_that_is_none_is_found_where_it_stands():
    text = "route: {receiver: a, routes: [{match: {1a: b}}]}\nreceivers: [{name: a}]"
    assert [(one.where, one.law) for one in read(text)[1]] == [("am.yml:1:40", "label-name")]


def test_a_file_that_is_no_yaml_is_said():
    assert read("route: [")[1][0].law == "yaml"
    assert read("")[1] == (
        Finding("am.yml:1:1", "route", "no route provided in config", "add route"),
    )
    assert [one.law for one in read("[]")[1]] == ["type"]


def test_an_empty_group_by_inherits_and_a_named_one_replaces_all():
    routes = [{"group_by": []}, {"group_by": ["b"]}]
    file = {"route": {"receiver": "a", "group_by": ["..."], "routes": routes}}
    found, _ = read(json.dumps({**file, "receivers": [{"name": "a"}]}))
    assert [one.group_by for one in found.route.walk()] == [None, None, {"b"}]


def test_scalars_are_texts_as_they_are_written():
    text = "route: {receiver: 1e3, group_by: [0x10, true, yes]}\nreceivers: [{name: 1e3}]"
    found, _ = read(text)
    assert found.route.receiver == "1e3"
    assert found.route.group_by == {"0x10", "true", "yes"}
    aliased = "route: {receiver: &r 1, routes: [{receiver: *r}]}\nreceivers: [{name: 1}]"
    assert read(aliased)[0].route.routes[0].receiver == "1"


@pytest.mark.parametrize(("written", "value"), [("on", True), ("N", False), ("true", True)])
def test_booleans_are_yamls_older_words_too_where_they_are_plain(written, value):
    text = f"route: {{receiver: a, routes: [{{continue: {written}}}]}}\nreceivers: [{{name: a}}]"
    assert read(text)[0].route.routes[0].goes_on is value
    quoted = text.replace(written + "}", f"'{written}'}}")
    assert read(quoted)[1][0].law == "type"


# What one integration of each kind must at least say.
LEAST = {
    "discord": {"webhook_url": "x"},
    "email": {"to": "x", "from": "y", "smarthost": "z:25"},
    "incidentio": {"url": "x"},
    "jira": {"project": "x", "issue_type": "y", "api_url": "z"},
    "mattermost": {},
    "msteams": {"webhook_url": "x"},
    "msteamsv2": {"webhook_url": "x"},
    "opsgenie": {"api_key": "x"},
    "pagerduty": {"routing_key": "x"},
    "pushover": {"user_key": "x", "token": "y"},
    "rocketchat": {"token": "x", "token_id": "y"},
    "slack": {"api_url": "x"},
    "sns": {"topic_arn": "x"},
    "telegram": {"bot_token": "x", "chat_id": 1},
    "victorops": {"routing_key": "x", "api_key": "y"},
    "webex": {"room_id": "x", "http_config": {"authorization": {}}},
    "webhook": {"url": "x"},
    "wechat": {"api_secret": "x", "corp_id": "y"},
}
SILENT_ON_RESOLVED = {"email", "rocketchat", "slack", "wechat"}


def test_every_kind_has_its_needs():
    assert set(LEAST) == set(KINDS)


@pytest.mark.parametrize(("kind", "least"), LEAST.items())
def test_an_integration_needs_what_its_kind_needs(kind, least):
    found, findings = read(changed(("receivers", 1, f"{kind}_configs"), [least]))
    assert findings == ()
    (integration,) = found.receivers["b"].integrations
    assert integration.send_resolved is (kind not in SILENT_ON_RESOLVED)
    for key in least:
        rest = {name: value for name, value in least.items() if name != key}
        _, findings = read(changed(("receivers", 1, f"{kind}_configs"), [rest]))
        assert [one.law for one in findings] == ["needs"]
        _, findings = read(changed(("receivers", 1, f"{kind}_configs"), [{**rest, key: ""}]))
        assert [one.law for one in findings] == ["needs"]


@pytest.mark.parametrize(
    ("kind", "said", "above"),
    [
        ("email", {"to": "x"}, {"smtp_smarthost": "x:25", "smtp_from": "y"}),
        ("jira", {"project": "x", "issue_type": "y"}, {"jira_api_url": "x"}),
        ("opsgenie", {}, {"opsgenie_api_key_file": "x"}),
        ("rocketchat", {}, {"rocketchat_token": "x", "rocketchat_token_id_file": "y"}),
        ("slack", {}, {"slack_api_url_file": "x"}),
        ("victorops", {"routing_key": "x"}, {"victorops_api_key": "y"}),
        ("wechat", {}, {"wechat_api_secret": "x", "wechat_api_corp_id": "y"}),
    ],
)
def test_the_global_section_gives_what_integrations_do_not_say(kind, said, above):
    config = json.loads(changed(("receivers", 1, f"{kind}_configs"), [said]))
    assert read(json.dumps({**config, "global": above}))[1] == ()
    for key in above:
        rest = {name: value for name, value in above.items() if name != key}
        _, findings = read(json.dumps({**config, "global": rest}))
        assert [one.law for one in findings] == ["needs"]
    assert read(json.dumps({**config, "global": []}))[1]
