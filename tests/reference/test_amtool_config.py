"""amtool and ours accept the same files: both load them, or both refuse.

Files are written whole and then spoilt in one place or more: keys, types, names, durations, ranges.
"""

from __future__ import annotations

import json
import random
import subprocess

import pytest
from tests.servers.alertmanager_server import amtool

from llm_research_lab.alerting.notifying import read_routes

WEBHOOK = {"url": "http://127.0.0.1:1/"}

ROUTE_SPOILS = [
    ("receiver", ["nobody", "", 1, None, ["a"], {"a": "b"}]),
    ("group_by", [[], ["..."], ["...", "a"], ["a", "a"], ["1a"], "a", [1], [None], [["a"]], None]),
    ("group_wait", ["0s", "1h30m", "5", "-1s", "1.5s", "", None, 5, 0, "1m1h", "90m"]),
    ("group_interval", ["0s", "0h", "1ms", None, "x", "1d"]),
    ("repeat_interval", ["0s", "1y", None, "1s1s"]),
    ("continue", ["yes", "on", "off", "N", "true", "maybe", 1, None, "", True]),
    ("matchers", [["a=b"], ['a="b"'], ["a"], ["a=~("], "a=b", [1], [None], [], ["{a=b}", "c!=d"]]),
    ("matchers", [['a="b'], ['a=b"'], ["a=b,"], [","], ["a=b,c=d"], ["a==b"], ["1a=b"], ['"a"=b']]),
    (
        "matchers",
        [["a=~[a-z]+"], [' a = "b" '], ["a:b=c"], ['a="\\q"'], ["a=b c"], ["=b"], ["a=~"]],
    ),
    ("match", [{"a": "b"}, {"1a": "b"}, {"a": 1}, {"a": None}, [], "a", {"a": ["b"]}, {}, None]),
    ("match_re", [{"a": "b.*"}, {"a": "("}, {"a-b": "c"}, {"a": None}, {"a": 1.5}, None]),
    ("mute_time_intervals", [["t"], ["u"], [], "t", [""], None]),
    ("active_time_intervals", [["t"], ["none"], ["t", "t"], None]),
    ("routes", [None, [], {}, "x", [{"receiver": "a"}], [{"receiver": "zz"}], [None]]),
    ("time_intervals", [["t"]]),
    ("group_waits", ["1s"]),
]

INHIBIT_SPOILS = [
    ("source_match", [{"a": "b"}, {"-": "b"}, None, []]),
    ("source_match_re", [{"a": "b|c"}, {"a": "[["}]),
    ("source_matchers", [["a=b"], ["a"], [], None]),
    ("target_match", [{"a": "b"}, {"9": "b"}]),
    ("target_match_re", [{"a": "(?P<x>b)"}, {"a": "(?=b)"}]),
    ("target_matchers", [["a!~b"], ["a~b"]]),
    ("equal", [["a"], ["a", "a"], ["1"], "a", None, [1]]),
    ("sources", [[]]),
]

INTERVAL_SPOILS = [
    ("times", [[{"start_time": "09:00", "end_time": "17:00"}], [{"start_time": "09:00"}], None]),
    ("times", [[{"start_time": "17:00", "end_time": "09:00"}], [], [{}], "09:00", [None]]),
    (
        "times",
        [
            [{"start_time": "00:00", "end_time": "24:00"}],
            [{"start_time": "9:00", "end_time": "10:00"}],
        ],
    ),
    (
        "times",
        [
            [{"start_time": "24:00", "end_time": "24:00"}],
            [{"start_time": "10:00", "end_time": "10:60"}],
        ],
    ),
    (
        "weekdays",
        [["monday"], ["monday:friday"], ["friday:monday"], ["Monday"], ["mon"], ["1"], None],
    ),
    ("weekdays", [["monday:"], [":monday"], ["a:b:c"], "monday", [""], [1], ["saturday:sunday"]]),
    (
        "days_of_month",
        [["1"], ["1:31"], [1], [-1], ["-3:-1"], ["-1:-3"], ["-1:1"], ["1:-1"], ["0"]],
    ),
    (
        "days_of_month",
        [["32"], ["-32"], ["31:1"], ["x"], ["1:2:3"], ["28:-1"], ["29:-1"], ["5:-25"]],
    ),
    (
        "months",
        [["january"], ["january:march"], ["march:january"], ["1:3"], ["13"], ["0"], ["jan"]],
    ),
    ("months", [["JANUARY:2"], [12], ["12:1"], ["-1"], [None]]),
    ("years", [["2020"], [2020], ["2020:2030"], ["2030:2020"], ["x"], ["-5"], ["+5"], ["20 20"]]),
    ("location", ["UTC", "Local", "Europe/Berlin", "Nowhere/Else", "", None, 1, "../etc/passwd"]),
    ("time_zone", ["UTC"]),
]

RECEIVER_SPOILS = [
    ("name", ["", "b", None, 1, ["a"]]),
    (
        "webhook_configs",
        [[{}], [None], [{"url": ""}], [{**WEBHOOK, "x": 1}], [{**WEBHOOK, "send_resolved": "no"}]],
    ),
    ("webhook_configs", [{}, "x", [WEBHOOK, WEBHOOK], [{**WEBHOOK, "send_resolved": 1}], None, []]),
    ("webhook_configs", [[{**WEBHOOK, "max_alerts": 5}], [{**WEBHOOK, "http_config": {}}]]),
    (
        "slack_configs",
        [
            [{"api_url": "http://x"}],
            [{}],
            [{"channel": "#a"}],
            [{"api_url": "http://x", "api_url_file": "y"}],
        ],
    ),
    ("pagerduty_configs", [[{"routing_key": "x"}], [{}], [{"service_key": "x", "links": []}]]),
    ("pagerduty_configs", [[{"routing_key": "x", "service_key": "y"}], [{"routing_key": ""}]]),
    ("email_configs", [[{"to": "a@b"}], [{"to": "a@b", "from": "c@d", "smarthost": "h:25"}], [{}]]),
    ("opsgenie_configs", [[{"api_key": "x"}], [{}], [{"api_key": "x", "api_key_file": "y"}]]),
    (
        "victorops_configs",
        [[{"api_key": "x", "routing_key": "r"}], [{"api_key": "x"}], [{"routing_key": "r"}]],
    ),
    (
        "pushover_configs",
        [[{"token": "x", "user_key": "r"}], [{"token": "x"}], [{"user_key": "r"}]],
    ),
    (
        "wechat_configs",
        [[{"api_secret": "x", "corp_id": "r"}], [{"api_secret": "x"}], [{"corp_id": "r"}]],
    ),
    (
        "telegram_configs",
        [[{"bot_token": "x", "chat_id": 1}], [{"bot_token": "x"}], [{"chat_id": 1}]],
    ),
    ("sns_configs", [[{"topic_arn": "x"}], [{}], [{"phone_number": "x", "sigv4": {}}]]),
    ("discord_configs", [[{"webhook_url": "http://x"}], [{}]]),
    (
        "webex_configs",
        [
            [{"room_id": "x"}],
            [{"room_id": "x", "http_config": {"authorization": {"credentials": "x"}}}],
        ],
    ),
    ("webhook", [[]]),
    ("teams_configs", [[]]),
]

TOP_SPOILS = [
    (
        "global",
        [
            None,
            {},
            {"resolve_timeout": "1m"},
            {"resolve_timeout": "x"},
            {"resolve_timeout": None},
            {"x": 1},
        ],
    ),
    (
        "global",
        [
            {"slack_api_url": "http://x"},
            {"slack_api_url": "http://x", "slack_api_url_file": "y"},
            [],
        ],
    ),
    (
        "global",
        [
            {"smtp_smarthost": "h:25", "smtp_from": "x"},
            {"opsgenie_api_key": "x"},
            {"victorops_api_key": "k"},
        ],
    ),
    ("templates", [[], ["a.tmpl"], None]),
    ("inhibit_rules", [[], None, {}, [None]]),
    ("receivers", [[], None, {}]),
    ("route", [None, {}, [], "x"]),
    (
        "time_intervals",
        [[], None, [{"name": ""}], [{"time_intervals": []}], [{"name": "t"}, {"name": "t"}]],
    ),
    ("mute_time_intervals", [[{"name": "t"}], [{"name": "u"}], None]),
    ("inhibit_rule", [[]]),
]


def whole(dice):
    """A file that loads."""
    return {
        "global": {"resolve_timeout": "5m"},
        "route": {
            "receiver": "a",
            "group_by": ["alertname"],
            "routes": [
                {"receiver": "b", "matchers": ['a="b"'], "mute_time_intervals": ["t"]},
                {"match": {"a": "c"}, "continue": True, "routes": [{"match_re": {"d": "e.*"}}]},
            ],
        },
        "receivers": [
            {"name": "a", "webhook_configs": [WEBHOOK]},
            {"name": "b", "webhook_configs": [WEBHOOK]},
        ],
        "inhibit_rules": [{"source_matchers": ["a=b"], "target_matchers": ["a=c"], "equal": ["d"]}],
        "time_intervals": [{"name": "t", "time_intervals": [{"weekdays": ["monday"]}]}],
    }


def places(config):
    """Where something can be spoilt, with what."""
    yield config, TOP_SPOILS
    for part, spoils in (
        (config.get("receivers"), RECEIVER_SPOILS),
        (config.get("inhibit_rules"), INHIBIT_SPOILS),
    ):
        for one in part if isinstance(part, list) else []:
            yield one, spoils
    named = config.get("time_intervals")
    for one in named if isinstance(named, list) else []:
        for interval in one.get("time_intervals") or []:
            yield interval, INTERVAL_SPOILS
    yield from below(config.get("route"))


def below(route):
    """A route and its children."""
    if isinstance(route, dict):
        yield route, ROUTE_SPOILS
        children = route.get("routes")
        for child in children if isinstance(children, list) else []:
            yield from below(child)


def spoilt(dice, times):
    """A file with so many places spoilt."""
    config = whole(dice)
    for _ in range(times):
        found = [one for one in places(config) if isinstance(one[0], dict)]
        target, spoils = dice.choice(found)
        key, values = dice.choice(spoils)
        if dice.random() < 0.1 and target:
            target.pop(dice.choice(sorted(target)))
        else:
            target[key] = json.loads(json.dumps(dice.choice(values)))
    return json.dumps(config)


def every_single():
    """Each value once, in each kind of place."""
    for count, (_, spoils) in enumerate(places(whole(None))):
        for key, values in spoils:
            for value in values:
                config = whole(None)
                list(places(config))[count][0][key] = value
                yield json.dumps(config)


def verdicts(paths):
    """What amtool says of each file; where it breaks down, the file is refused, and we go on."""
    found = []
    while len(found) < len(paths):
        part = paths[len(found) :][:50]
        command = [amtool(), "check-config", *map(str, part)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        said = done.stdout.split("Checking '")[1:]
        assert said, done.stderr
        found += ["SUCCESS" in one for one in said]
    return found


def check(folder, texts):
    """Each text goes through both; where they differ is shown."""
    paths = [folder / f"{number}.yml" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    wrong = []
    for path, text, accepted in zip(paths, texts, verdicts(paths), strict=True):
        configuration, findings = read_routes(text, where=path.name, mode="classic")
        assert (configuration is None) == bool(findings)
        if (configuration is not None) != accepted:
            wrong.append((accepted, text, findings))
    assert not wrong, "\n\n".join(map(str, wrong[:40]))


def test_every_single_fault_is_found_by_both(tmp_path):
    check(tmp_path, list(every_single()))


def test_faults_in_several_places_are_found_by_both(tmp_path):
    dice = random.Random(5)
    check(tmp_path, [spoilt(dice, 2) for _ in range(200)])


@pytest.mark.long
def test_faults_in_several_places_are_found_by_both_at_length(tmp_path):
    dice = random.Random(6)
    check(tmp_path, [spoilt(dice, dice.randint(1, 4)) for _ in range(5_000)])
