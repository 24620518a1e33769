"""A real Alertmanager and our course tell the same receivers of the same alerts, in the same order.

Hundreds of small worlds are subtrees of one instance, told apart by the label `case`. Everything
keeps to a grid of two seconds, so that no two things that matter fall together: alerts are sent at
its start, groups flush at its middle, alerts, silences and time intervals begin and end late.
Ours is fed what was sent, at the instants when it really was. A busy machine is late, and then some
group may see two things in another order: so a group differs when it does so in each of three runs.
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.servers.alertmanager_server import alertmanager, now_ms, webhook

from llm_research_lab.alerting.notifying import (
    Alert,
    Arrival,
    Notification,
    Reload,
    Silence,
    course,
    fingerprint,
    read_routes,
)
from llm_research_lab.vocabulary import rfc3339
from llm_research_lab.vocabulary.labels import labels_of
from llm_research_lab.vocabulary.matchers import Matcher

GRID_MS = 2_000
LATE_MS = 1_550
"""Where in the grid alerts, silences and minutes end; flushes are at 500 to 1,100."""
OLD_MS = 250
"""Where in the grid alerts are sent that are old, and so flush their group at once."""
STOP_MS = 1_300
"""Where in the grid a server is stopped, that another one can start late."""
POSTS_MS = 450
"""The grid's start, so that whole minutes fall on its late part."""
WITHIN_MS = 1_900
"""A message may be so late, less than a tick: hundreds of connections are made at once."""
ENDS_MS = 500
"""How far an end that is a timeout may lie: an alert is sent while a request lasts."""
RUNS = 3
RESOLVE_MS = 5_500
SEVERITIES = ("critical", "warning", "info")
WAITS = ("500ms", "800ms", "1100ms")


def at_grid(offset_ms=POSTS_MS, ahead_ms=300):
    """The next start of the grid."""
    now = now_ms() + ahead_ms
    return now + (offset_ms - now) % GRID_MS


def sleep_until(at_ms):
    time.sleep(max(0, at_ms - now_ms()) / 1000)


@dataclass
class Plan:
    """What is sent at which tick of the grid, and the configuration."""

    routes: list = field(default_factory=list)
    receivers: list = field(default_factory=list)
    inhibit_rules: list = field(default_factory=list)
    alerts: dict = field(default_factory=dict)
    old: dict = field(default_factory=dict)
    silences: dict = field(default_factory=dict)

    def config(self, url, begin_ms):
        """Give the file; receivers' addresses are below the url."""
        receivers = [
            {
                "name": name,
                "webhook_configs": [
                    {"url": f"{url}/{name}/{index}", "send_resolved": sends}
                    for index, sends in enumerate(integrations)
                ],
            }
            for name, integrations in self.receivers
        ]
        route = {"receiver": "rest", "group_by": ["case"], "routes": self.routes}
        return json.dumps(
            {
                "global": {"resolve_timeout": f"{RESOLVE_MS}ms"},
                "route": route,
                "receivers": [{"name": "rest"}, *receivers],
                "inhibit_rules": self.inhibit_rules,
                "time_intervals": intervals_at(begin_ms),
            }
        )


def intervals_at(begin_ms):
    """Intervals that hold always, never, from or to the next minute, and by calendar and zone."""
    begin = datetime.fromtimestamp(begin_ms / 1000, UTC)
    minute = begin.replace(second=0, microsecond=0) + timedelta(minutes=1)
    found = [
        {"name": "always", "time_intervals": [{}]},
        {"name": "never", "time_intervals": [{"years": ["1990"]}]},
    ]
    for name, zone in (("berlin", "Europe/Berlin"), ("kolkata", "Asia/Kolkata")):
        local = minute.astimezone(ZoneInfo(zone))
        clock = f"{local:%H:%M}"
        before = {"times": [{"start_time": "00:00", "end_time": clock}], "location": zone}
        after = {"times": [{"start_time": clock, "end_time": "24:00"}], "location": zone}
        day = {"weekdays": [f"{local:%A}".lower()], "days_of_month": [str(local.day)]}
        if clock == "00:00":
            before = {}
        found += [
            {"name": f"{name}-before", "time_intervals": [before]},
            {"name": f"{name}-after", "time_intervals": [{**after, **day}]},
            {"name": f"{name}-day", "time_intervals": [{**day, "location": zone}]},
        ]
    return found


INTERVALS = [one["name"] for one in intervals_at(0)]


def case_of(dice, case, ticks, plan):
    """Add one world to the plan: routes, receivers, inhibitions, alerts, silences."""
    labels = routed(dice, case, plan, timers)
    for _ in range(dice.choice([0, 0, 1, 2])):
        plan.inhibit_rules.append(inhibition(dice, f'case="{case}"'))
    for one in labels:
        life_of(dice, one, ticks, plan)
    if dice.random() < 0.2:
        old_of(dice, case, ticks, plan)
    if dice.random() < 0.4:
        silence_of(dice, case, ticks, plan)


def lone_case_of(dice, case, plan, again):
    """Add a world whose alerts are each alone in their groups; sent first, and again once more.

    An Alertmanager that begins anew flushes old alerts at once, one by one as it comes to know
    them: who shares a group, or inhibits, is a matter of luck.
    """
    for labels in routed(dice, case, plan, lone_timers):
        first = dice.randint(0, 3)
        plan.alerts.setdefault(first, []).append(
            (labels, first, dice.choice([first, first + 1, 5, 30]))
        )
        if dice.random() < 0.8:
            began = dice.choice([first, again])
            ends = dice.choice([again, again + 1, 30])
            plan.alerts.setdefault(again, []).append((labels, began, ends))
    if dice.random() < 0.3:
        silence_of(dice, case, 6, plan)


def lone_timers(dice):
    repeat = dice.choice(["2600ms", "4600ms", "6600ms", "1h"])
    alone = {"group_by": ["..."], "group_wait": "800ms", "repeat_interval": repeat}
    return {**timers(dice), **alone}


def routed(dice, case, plan, timers):
    """Add a world's routes and receivers; gives the labels of its alerts."""
    me = f'case="{case}"'
    names = [f"{case}-{letter}" for letter in "abc"]
    for name in names:
        plan.receivers.append((name, [dice.random() < 0.7 for _ in range(dice.choice([1, 1, 2]))]))
    children = [child_of(dice, names, matcher, timers) for matcher in some_matchers(dice)]
    route = {"matchers": [me], "receiver": names[0], "routes": children, **timers(dice)}
    plan.routes.append(route)
    found = []
    for number in range(dice.randint(1, 4)):
        labels = {
            "case": case,
            "alertname": f"A{number % 2}",
            "severity": dice.choice(SEVERITIES),
            "n": str(number),
        }
        if dice.random() < 0.3:
            labels[dice.choice(["job", "instance"])] = dice.choice("xy")
        found.append(labels)
    return found


def timers(dice):
    found = {
        "group_wait": dice.choice(WAITS),
        "group_interval": dice.choice(["2s", "2s", "4s"]),
        "repeat_interval": dice.choice(["3s", "5s", "7s", "1h"]),
    }
    group_by = dice.choice([["case"], ["case", "alertname"], ["..."], ["severity"], None])
    return found if group_by is None else {**found, "group_by": group_by}


def some_matchers(dice):
    """Matchers of siblings: no two alike, since routes of one key share a log and race for it."""
    severity = dice.choice(SEVERITIES)
    known = [
        f'severity="{severity}"',
        f'severity!="{severity}"',
        'severity=~"c.*|info"',
        'n=~"[01]"',
    ]
    return dice.sample(known, dice.randint(0, 3))


def child_of(dice, names, matcher, timers):
    """A route below a case's own."""
    route = {"matchers": [matcher], "receiver": dice.choice(names)}
    if dice.random() < 0.4:
        route["continue"] = True
    if dice.random() < 0.5:
        route |= timers(dice)
    if dice.random() < 0.25:
        key = dice.choice(["mute_time_intervals", "active_time_intervals"])
        route[key] = dice.sample(INTERVALS, dice.choice([1, 1, 2]))
    return route


def inhibition(dice, me):
    source = dice.choice(['severity="critical"', 'n="0"', 'alertname="A0"'])
    target = dice.choice(['severity=~"warning|info"', 'alertname="A0"', 'n!="9"'])
    equal = dice.choice([[], ["alertname"], ["case", "job"], ["severity"]])
    return {"source_matchers": [me, source], "target_matchers": [me, target], "equal": equal}


def life_of(dice, labels, ticks, plan):
    """One alert: sent, sent again, resolved, sent anew; its ends are late in the grid.

    Whoever was over begins anew, so that no start is old when it opens a group.
    """
    tick, began, ended = dice.randint(0, ticks // 2), None, None
    while tick < ticks:
        firing = began is not None and (ended is None or ended >= tick)
        if not firing or dice.random() < 0.2:
            began = tick
        ended = None if dice.random() < 0.3 else tick + dice.choice([0, 1, 1, 2, 4, 30])
        if firing and began < tick and dice.random() < 0.15:
            ended = tick - 1
        plan.alerts.setdefault(tick, []).append((labels, began, ended))
        if ended is None:
            ended = tick + RESOLVE_MS // GRID_MS
            plan.alerts[tick][-1] = (labels, began, None)
        tick += dice.choice([1, 1, 2, 3, 5])


def old_of(dice, case, ticks, plan):
    """An alert that fired long before it is sent: its group does not wait."""
    labels = {"case": case, "alertname": "A0", "severity": dice.choice(SEVERITIES), "n": "old"}
    tick = dice.randint(0, ticks - 2)
    ends = dice.choice([None, tick, tick + 1, tick + 3])
    plan.old.setdefault(tick, []).append((labels, tick - 5, ends))


def silence_of(dice, case, ticks, plan):
    tick = dice.randint(0, ticks - 4)
    starts = tick + dice.choice([0, 0, 1, 3])
    ends = starts + dice.choice([1, 2, 4, 40])
    other = dice.choice(
        [None, ("severity", "!=", "info"), ("n", "=~", "[02]"), ("alertname", "!~", "A1")]
    )
    matchers = [("case", "=", case), *([other] if other else [])]
    plan.silences.setdefault(tick, []).append((matchers, starts, ends))


@dataclass
class Sent:
    """What was really sent, and when."""

    arrivals: list = field(default_factory=list)
    silences: list = field(default_factory=list)
    turn: tuple | None = None


def as_alert(alert, begin_ms):
    """An alert of the plan in its place on the clock; a start is the grid's."""
    labels, began, ends = alert
    ends_ms = None if ends is None else begin_ms + ends * GRID_MS + LATE_MS
    return Alert(
        labels_of(labels), begin_ms + began * GRID_MS, ends_ms, labels_of({"told": str(began)})
    )


def posted(alert):
    """An alert as the API takes it."""
    body = {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "startsAt": rfc3339(alert.starts_ms),
    }
    return body if alert.ends_ms is None else {**body, "endsAt": rfc3339(alert.ends_ms)}


def send(server, plan, tick, begin_ms, sent):
    """Send a tick's alerts, then its silences, then its old alerts."""
    post(server, plan.alerts, tick, begin_ms, sent)
    for matchers, starts, ends in plan.silences.get(tick, []):
        starts_ms, ends_ms = (begin_ms + one * GRID_MS + LATE_MS for one in (starts, ends))
        body = {
            "matchers": [
                {"name": name, "value": value, "isRegex": "~" in op, "isEqual": "!" not in op}
                for name, op, value in matchers
            ],
            "startsAt": rfc3339(starts_ms),
            "endsAt": rfc3339(ends_ms),
            "createdBy": "test",
            "comment": "test",
        }
        made, _ = server.silence(body)
        rules = tuple(Matcher(name, op, value) for name, op, value in matchers)
        sent.silences.append(Silence(made, rules, starts_ms, ends_ms))
    sleep_until(begin_ms + tick * GRID_MS + OLD_MS)
    post(server, plan.old, tick, begin_ms, sent)


def post(server, planned, tick, begin_ms, sent):
    """Send a tick's alerts."""
    alerts = tuple(as_alert(one, begin_ms) for one in planned.get(tick, []))
    if alerts:
        before, after = server.post([posted(one) for one in alerts])
        sent.arrivals.append(Arrival((before + after) // 2, alerts))


@dataclass
class Turn:
    """At a tick another plan's configuration is loaded, or the same by a new process."""

    tick: int
    plan: Plan
    restart: bool = False


def played(directory, plan, ticks, turn=None):
    """Play a plan; gives the configuration, what was sent, what was told, from when to when."""
    sent = Sent()
    with webhook() as (url, told):
        sleep_until(at_grid(POSTS_MS + LATE_MS - 150))
        guess_ms = at_grid(ahead_ms=1_000)
        config = plan.config(url, guess_ms)
        first = turn.tick if turn is not None else ticks
        with alertmanager(directory, config) as server:
            begin_ms, started_ms = at_grid(), server.started_ms
            sent_ticks(server, plan, range(first), begin_ms, sent)
            if turn is not None:
                away_ms = STOP_MS if turn.restart else OLD_MS
                sleep_until(begin_ms + first * GRID_MS + away_ms)
                changed = turn.plan.config(url, guess_ms)
                if not turn.restart:
                    before, after = server.reload(changed)
                    sent.turn = (before + after) // 2, changed
                    sent_ticks(server, plan, range(first + 1, ticks), begin_ms, sent)
            ended_ms = now_ms()
        if turn is not None and turn.restart:
            sleep_until(begin_ms + first * GRID_MS + LATE_MS + 50)
            with alertmanager(directory, changed) as server:
                sent.turn = server.started_ms + 150, changed
                sent_ticks(server, plan, range(first + 1, ticks), begin_ms, sent)
                ended_ms = now_ms()
    end_ms = begin_ms + ticks * GRID_MS
    assert ended_ms > end_ms
    with told.lock:
        messages = [one for one in told.messages if one[0] < end_ms]
    return config, sent, messages, (started_ms + 150, end_ms)


def sent_ticks(server, plan, ticks, begin_ms, sent):
    """Send all ticks, and wait for the end of the last."""
    for tick in ticks:
        sleep_until(begin_ms + tick * GRID_MS)
        send(server, plan, tick, begin_ms, sent)
    sleep_until(begin_ms + ticks[-1] * GRID_MS + GRID_MS + 300)


def theirs(messages):
    """What each receiver was told of each group, in order."""
    found = {}
    for at_ms, path, body in messages:
        alerts = [
            (
                tuple(sorted(alert["labels"].items())),
                alert["status"],
                alert["fingerprint"],
                tuple(sorted(alert["annotations"].items())),
                parsed_ms(alert["startsAt"]),
                parsed_ms(alert["endsAt"]) if alert["status"] == "resolved" else None,
            )
            for alert in body["alerts"]
        ]
        labels = tuple(sorted(body["groupLabels"].items()))
        found.setdefault((path, body["groupKey"]), []).append(
            (body["status"], labels, alerts, at_ms)
        )
    return found


def parsed_ms(text):
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def ours(config, sent, span, restart):
    """What our course tells, in the same shape."""
    configuration, findings = read_routes(config, where="alertmanager.yml", mode="classic")
    assert configuration is not None, findings
    reloads = []
    if sent.turn is not None:
        other, _ = read_routes(sent.turn[1], where="alertmanager.yml", mode="classic")
        reloads = [Reload(sent.turn[0], other, restart=restart)]
    told = course(configuration, sent.arrivals, sent.silences, *span, reloads=reloads)
    found = {}
    for one in told:
        if isinstance(one, Notification):
            index = one.integration.removeprefix("webhook[").removesuffix("]")
            alerts = [
                (
                    alert.labels,
                    "firing" if alert.ends_ms is None else "resolved",
                    fingerprint(alert.labels),
                    alert.annotations,
                    alert.starts_ms,
                    alert.ends_ms,
                )
                for alert in one.alerts
            ]
            found.setdefault((f"/{one.receiver}/{index}", one.group_key), []).append(
                (one.status, one.group_labels, alerts, one.at_ms)
            )
    return found


def differences(real, mine):
    """Where the two differ: members, status, order, starts and ends, and times by half a grid."""
    found = []
    for key in sorted({*real, *mine}):
        one, other = real.get(key, []), mine.get(key, [])
        if [untimed(told) for told in one] != [untimed(told) for told in other]:
            found.append((key, one, other))
            continue
        for left, right in zip(one, other, strict=True):
            ends = [(a[5], b[5]) for a, b in zip(left[2], right[2], strict=True) if a[5]]
            late = abs(left[3] - right[3]) > WITHIN_MS
            if late or any(abs(a - b) > ENDS_MS for a, b in ends):
                found.append((key, left, right))
    return found


def untimed(told):
    status, labels, alerts, _ = told
    return status, labels, [alert[:5] for alert in alerts]


def compared(directory, plan, ticks, turn=None):
    """Play and compare, again while they differ; gives how many notifications were told."""
    restart, standing = turn is not None and turn.restart, None
    for run in range(RUNS):
        config, sent, messages, span = played(directory / str(run), plan, ticks, turn)
        real, mine = theirs(messages), ours(config, sent, span, restart)
        wrong = {key: both for key, *both in differences(real, mine)}
        standing = set(wrong) if standing is None else standing & set(wrong)
        if not standing:
            return sum(map(len, real.values()))
    shown = (f"{key}\n  real {wrong[key][0]}\n  ours {wrong[key][1]}" for key in sorted(standing))
    raise AssertionError(f"{len(standing)} of {len(real)} groups differ\n" + "\n\n".join(shown))


def test_the_same_notifications_as_a_real_alertmanager(tmp_path):
    dice, plan = random.Random(1), Plan()
    for case in range(250):
        case_of(dice, f"c{case}", 8, plan)
    assert compared(tmp_path, plan, 8) > 400


def turned(seed, cases, again):
    """A plan, and one with the same alerts and other routes."""
    before, after = Plan(), Plan()
    for case in range(cases):
        dice = random.Random(f"{seed} {case}")
        lone_case_of(dice, f"c{case}", before, again)
        routed(dice, f"c{case}", after, lone_timers)
    return before, after


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_the_same_notifications_through_a_reload(tmp_path, seed):
    before, after = turned(seed, 150, 5)
    assert compared(tmp_path, before, 9, Turn(4, after)) > 300


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_the_same_notifications_through_a_restart(tmp_path, seed):
    before, after = turned(seed, 150, 6)
    assert compared(tmp_path, before, 10, Turn(4, after, restart=True)) > 300


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(2, 6))
def test_the_same_notifications_as_a_real_alertmanager_at_length(tmp_path, seed):
    dice, plan = random.Random(seed), Plan()
    for case in range(300):
        case_of(dice, f"c{case}", 40, plan)
    assert compared(tmp_path, plan, 40) > 2_000
