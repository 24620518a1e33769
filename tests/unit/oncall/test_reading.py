"""A roster file is read whole, or every mistake in it has its place."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from tests.unit.oncall.planted import DAY, HOUR, MINUTE, WEEK, at

from llm_research_lab.oncall.clock import clock_of
from llm_research_lab.oncall.read import read_roster
from llm_research_lab.oncall.roster import (
    Absence,
    ContactMethod,
    Exchange,
    Holiday,
    Override,
    Person,
    Shadow,
    Swap,
)
from llm_research_lab.oncall.rotation import Layer

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"

WHOLE = """\
from: 2026-01-05T09:00
time_zone: Europe/Berlin
users:
  - id: ann
    name: Ann Arendt
    manager: eve
    holidays: de
    contact_methods:
      - {type: push_notification}
      - {type: phone, address: "+49 1", start_delay_in_minutes: 5}
  - {id: ben, time_zone: America/New_York}
  - {id: ben, from: 2026-03-01, name: Benjamin}
  - {id: eve}
schedules:
  - id: primary
    name: The primary
    description: all day
    level: secondary
    schedule_layers:
      - name: week
        users: [ann, ben]
        rotation_turn_length: weekly
      - users: [eve]
        time_zone: America/New_York
        start: 2026-01-12T09:00
        end: 2026-02-01
        rotation_virtual_start: 2026-01-05T08:00
        rotation_turn_length_seconds: 43200
        restrictions:
          - {type: daily_restriction, start_time_of_day: "22:00", duration: 2h}
          - type: weekly_restriction
            start_day_of_week: [1, friday]
            start_time_of_day: "09:00:00"
            duration_seconds: 3600
          - {type: weekly_restriction, start_day_of_week: 7, start_time_of_day: "00:00", duration: 1h}
      - {users: [ann], rotation_turn_length: 1d, start: 2026-01-06T00:00:00Z, end: null}
  - {id: primary, from: 2026-06-01T09:00, announced_at: 2026-05-01T09:00, schedule_layers: []}
  - {id: shadow, shadows: {schedule: primary, turns: 2}}
  - {id: other, level: primary, time_zone: America/New_York, shadows: {schedule: primary}}
overrides:
  - {schedule: other, user: ben, start: 2026-01-07T10:00, end: 2026-01-07T18:00:00Z, created_at: 2026-01-06T10:00, note: dentist}
absences:
  - {user: ann, start: 2026-01-14, end: 2026-01-16, created_at: 2026-01-01T00:00:00Z, note: ill}
swaps:
  - schedule: primary
    exchanges:
      - {from: ann, to: ben, start: 2026-01-19T09:00, end: 2026-01-26T09:00}
      - {from: ben, to: ann, start: 2026-01-26T09:00, end: 2026-02-02T09:00}
    confirmed: {ann: 2026-01-15T10:00, ben: 2026-01-16T10:00:00Z}
holidays:
  - {calendar: de, date: 2026-12-25, name: Christmas Day}
  - {calendar: de, date: 2026-12-26}
escalation_policies:
  - name: one
    escalation_rules:
      - {escalation_delay_in_minutes: 5, targets: [{type: user_reference, id: ann}, {type: schedule_reference, id: primary}]}
escalation_matrix:
  - {severity: P1, escalation_policy: one}
"""


@pytest.fixture(scope="module")
def whole():
    found, findings = read_roster(WHOLE, "roster.yml")
    assert findings == ()
    return found


def test_people_have_their_records(whole):
    from_ms = at("2026-01-05 09:00", BERLIN)
    ways = (ContactMethod("push_notification"), ContactMethod("phone", "+49 1", 5 * MINUTE))
    assert whole.from_ms == from_ms
    assert whole.people == {
        "ann": (Person("ann", "Ann Arendt", BERLIN, from_ms, ways, "eve", "de", "4:5"),),
        "ben": (
            Person("ben", "ben", NEW_YORK, from_ms, where="11:5"),
            Person("ben", "Benjamin", BERLIN, at("2026-03-01 00:00", BERLIN), where="12:5"),
        ),
        "eve": (Person("eve", "eve", BERLIN, from_ms, where="13:5"),),
    }


def test_schedules_have_their_records_and_levels(whole):
    first, second = whole.schedules["primary"]
    assert (first.id, first.name, first.time_zone, first.level) == (
        "primary", "The primary", BERLIN, "secondary",
    )  # fmt: skip
    assert (first.from_ms, first.announced_ms, first.where) == (whole.from_ms, None, "15:5")
    assert (second.from_ms, second.announced_ms) == (
        at("2026-06-01 09:00", BERLIN),
        at("2026-05-01 09:00", BERLIN),
    )
    assert (second.layers, second.shadow, second.level) == ((), None, "primary")
    (shadow,), (other,) = whole.schedules["shadow"], whole.schedules["other"]
    assert (shadow.shadow, shadow.level, shadow.name) == (
        Shadow("primary", 2),
        "secondary",
        "shadow",
    )
    assert (other.shadow, other.level, other.time_zone) == (
        Shadow("primary", 1),
        "primary",
        NEW_YORK,
    )


def test_layers_start_with_their_record_unless_they_say(whole):
    week, nights, third = whole.schedules["primary"][0].layers
    assert week == Layer(
        "week", ("ann", "ben"), clock_of(BERLIN), whole.from_ms, None, at("2026-01-05 09:00"), WEEK
    )
    assert (nights.name, nights.users, nights.clock.zone) == ("layer 2", ("eve",), NEW_YORK)
    assert nights.start_ms == at("2026-01-12 09:00", NEW_YORK)
    assert nights.end_ms == at("2026-02-01 00:00", NEW_YORK)
    assert nights.origin_ms == at("2026-01-05 08:00")
    assert nights.turn_ms == 12 * HOUR
    daily = [(day * DAY + 22 * HOUR, day * DAY + 24 * HOUR) for day in range(6)]
    assert sorted(nights.windows) == sorted(
        [
            *daily[:5],
            (5 * DAY + 22 * HOUR, 6 * DAY + HOUR),
            (6 * DAY + 22 * HOUR, WEEK),
            (9 * HOUR, 10 * HOUR),
            (4 * DAY + 9 * HOUR, 4 * DAY + 10 * HOUR),
        ]
    )
    assert (third.start_ms, third.end_ms) == (at("2026-01-06 00:00"), None)
    assert third.origin_ms == at("2026-01-06 01:00")


def test_events_are_in_the_zone_of_what_they_are_about(whole):
    assert whole.overrides == (
        Override(
            "other", "ben", at("2026-01-07 10:00", NEW_YORK), at("2026-01-07 18:00"),
            at("2026-01-06 10:00", NEW_YORK), "dentist", "41:5",
        ),
    )  # fmt: skip
    assert whole.absences == (
        Absence(
            "ann", at("2026-01-14 00:00", BERLIN), at("2026-01-16 00:00", BERLIN),
            at("2026-01-01 00:00"), "ill", "43:5",
        ),
    )  # fmt: skip
    monday, next_one = at("2026-01-19 09:00", BERLIN), at("2026-01-26 09:00", BERLIN)
    exchanges = (
        Exchange("ann", "ben", monday, next_one),
        Exchange("ben", "ann", next_one, at("2026-02-02 09:00", BERLIN)),
    )
    confirmed = (("ann", at("2026-01-15 10:00", BERLIN)), ("ben", at("2026-01-16 10:00")))
    assert whole.swaps == (Swap("primary", exchanges, confirmed, "45:5"),)


def test_holidays_policies_and_the_matrix(whole):
    assert whole.holidays == (
        Holiday("de", date(2026, 12, 25), "Christmas Day"),
        Holiday("de", date(2026, 12, 26), ""),
    )
    assert [policy.name for policy in whole.policies] == ["one"]
    assert [(row.severity, row.policy) for row in whole.matrix] == [("P1", "one")]


LEAST = """\
from: 2026-01-05T09:00
users: [{id: ann}, {id: ben}]
schedules: [{id: one, schedule_layers: [{users: [ann], rotation_turn_length: weekly}]}]
"""


def test_the_least_roster_is_in_utc():
    found, findings = read_roster(LEAST)
    assert findings == ()
    assert found.from_ms == at("2026-01-05 09:00")
    assert found.people["ann"][0].time_zone == "Etc/UTC"
    assert found.schedules["one"][0].level == "primary"
    assert (found.policies, found.matrix, found.overrides) == ((), (), ())


def layered(text):
    return LEAST.replace("{users: [ann], rotation_turn_length: weekly}", text)


def scheduled(text):
    return LEAST.replace("schedules: [", "schedules: [" + text + ", ")


RESTRICTED = "{users: [ann], rotation_turn_length: 1d, restrictions: [%s]}"


@pytest.mark.parametrize(
    ("content", "law", "message"),
    [
        ("[", "yaml", None),
        ("3", "type", None),
        ("{}", "missing-key", "from is missing"),
        (LEAST.replace("from: 2026-01-05T09:00", "from: soon"), "moment", None),
        (LEAST + "teams: []", "unknown-key", None),
        (LEAST.replace("[{id: ann}, {id: ben}]", "[]"), "length", None),
        (LEAST.replace("{id: ben}", "{name: ben}"), "missing-key", "id is missing"),
        (LEAST.replace("{id: ben}", "{id: ann}"), "records", "ann: two records from the same instant"),
        (LEAST.replace("{id: ben}", "{id: ben, from: 2026-01-05}"), "records", "ben is recorded before the roster begins"),
        (LEAST.replace("{id: ben}", "{id: ben, manager: amm}"), "unknown-user", "unknown user 'amm'"),
        (LEAST.replace("{id: ben}", "{id: ben, holidays: de}"), "unknown-calendar", "unknown calendar 'de'"),
        (LEAST.replace("{id: ben}", "{id: ben, contact_methods: [{type: pigeon}]}"), "unknown-type", None),
        (LEAST.replace("{id: ben}", "{id: ben, contact_methods: [{type: sms, start_delay_in_minutes: 1441}]}"), "range", None),
        (layered("{users: [], rotation_turn_length: weekly}"), "length", None),
        (layered("{users: [amm], rotation_turn_length: weekly}"), "unknown-user", "unknown user 'amm'"),
        (layered("{users: [ann]}"), "missing-key", "expected rotation_turn_length or rotation_turn_length_seconds"),
        (layered("{users: [ann], rotation_turn_length: 1d, rotation_turn_length_seconds: 60}"), "missing-key", None),
        (layered("{users: [ann], rotation_turn_length: 90s}"), "turn-length", "a turn is whole minutes, at most 365 days"),
        (layered("{users: [ann], rotation_turn_length: 366d}"), "turn-length", None),
        (layered("{users: [ann], rotation_turn_length_seconds: 0}"), "range", None),
        (layered(RESTRICTED % "{type: daily_restriction, start_time_of_day: '09:00'}"), "missing-key", "expected duration or duration_seconds"),
        (layered(RESTRICTED % "{type: daily_restriction, start_time_of_day: '09:00', duration: 25h}"), "duration", "the restriction is longer than its period"),
        (layered(RESTRICTED % "{type: weekly_restriction, start_day_of_week: 1, start_time_of_day: '09:00', duration: 8d}"), "duration", None),
        (layered(RESTRICTED % "{type: weekly_restriction, start_time_of_day: '09:00', duration: 8h}"), "missing-key", "a weekly restriction has its day"),
        (layered(RESTRICTED % "{type: daily_restriction, start_day_of_week: 1, start_time_of_day: '09:00', duration: 8h}"), "day", "a daily restriction is of every day"),
        (layered(RESTRICTED % "{type: weekly_restriction, start_day_of_week: [1, 9], start_time_of_day: '09:00', duration: 8h}"), "weekday", None),
        (layered(RESTRICTED % "{type: monthly_restriction, start_time_of_day: '09:00', duration: 8h}"), "unknown-type", None),
        (scheduled("{id: two}"), "layers", "two: expected either schedule_layers or shadows"),
        (scheduled("{id: two, schedule_layers: [], shadows: {schedule: one}}"), "layers", None),
        (scheduled("{id: two, shadows: {schedule: oen}}"), "unknown-schedule", "unknown schedule 'oen'"),
        (scheduled("{id: two, shadows: {turns: 1}}"), "missing-key", None),
        (scheduled("{id: two, shadows: {schedule: one, turns: 0}}"), "range", None),
        (scheduled("{id: two, shadows: {schedule: two}}"), "shadow", "two shadows a schedule that shadows another"),
        (scheduled("{id: two, shadows: {schedule: three}}, {id: three, shadows: {schedule: one}}"), "shadow", None),
        (scheduled("{id: one, schedule_layers: []}"), "records", "one: two records from the same instant"),
        (scheduled("{id: two, level: third, schedule_layers: []}"), "unknown-level", None),
        (LEAST + "overrides: [{schedule: one, user: ann, start: 2026-01-08, end: 2026-01-07}]", "span", "end: not after the start"),
        (LEAST + "overrides: [{schedule: one, user: ann, start: 2026-01-08, end: 2026-01-08}]", "span", None),
        (LEAST + "overrides: [{schedule: oen, user: ann, start: 2026-01-06, end: 2026-01-07}]", "unknown-schedule", None),
        (LEAST + "overrides: [{schedule: one, user: amm, start: 2026-01-06, end: 2026-01-07}]", "unknown-user", None),
        (LEAST + "overrides: [{schedule: one, user: ann}]", "missing-key", "start is missing"),
        (LEAST + "absences: [{user: amm, start: 2026-01-06, end: 2026-01-07}]", "unknown-user", None),
        (LEAST + "absences: [{user: ann, start: 2026-01-06, end: 2026-01-05}]", "span", None),
        (LEAST + "swaps: [{schedule: one, exchanges: []}]", "length", None),
        (LEAST + "swaps: [{schedule: one, confirmed: 3, exchanges: [{from: ann, to: ben, start: 2026-01-06, end: 2026-01-07}]}]", "type", None),
        (LEAST + "swaps: [{schedule: one, confirmed: {ann: soon}, exchanges: [{from: ann, to: ben, start: 2026-01-06, end: 2026-01-07}]}]", "moment", None),
        (LEAST + "swaps: [{schedule: one, confirmed: {amm: 2026-01-01}, exchanges: [{from: ann, to: ben, start: 2026-01-06, end: 2026-01-07}]}]", "unknown-user", None),
        (LEAST + "swaps: [{schedule: oen, exchanges: [{from: ann, to: ben, start: 2026-01-06, end: 2026-01-07}]}]", "unknown-schedule", None),
        (LEAST + "swaps: [{schedule: one, exchanges: [{from: amm, to: ben, start: 2026-01-06, end: 2026-01-07}]}]", "unknown-user", None),
        (LEAST + "swaps: [{schedule: one, exchanges: [{from: ann, to: ebn, start: 2026-01-06, end: 2026-01-07}]}]", "unknown-user", None),
        (LEAST + "holidays: [{calendar: de, date: soon}]", "date", None),
        (LEAST + "escalation_policies: [{name: one, escalation_rules: [{escalation_delay_in_minutes: 1, targets: [{type: user_reference, id: amm}]}]}]", "unknown-user", None),
        (LEAST + "escalation_policies: [{name: one, escalation_rules: [{escalation_delay_in_minutes: 1, targets: [{type: schedule_reference, id: oen}]}]}]", "unknown-schedule", None),
        (LEAST + "escalation_matrix: [{severity: P1, escalation_policy: one}]", "unknown-policy", "unknown policy 'one'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found(content, law, message):
    found, findings = read_roster(content)
    assert found is None
    assert law in [one.law for one in findings]
    assert message is None or message in [one.message for one in findings]


def test_a_place_has_the_files_name_and_all_findings_are_told():
    _, findings = read_roster(LEAST.replace("ann]", "anm, bne]"), "roster.yml")
    assert [(one.where, one.fix) for one in findings] == [
        ("roster.yml:3:49", "did you mean ann?"),
        ("roster.yml:3:49", "did you mean ben?"),
    ]
    _, findings = read_roster("[", "roster.yml")
    assert findings[0].where == "roster.yml:1:2"


def test_what_is_near_to_nothing_is_told_what_there_is():
    _, (found,) = read_roster(LEAST + "escalation_matrix: [{severity: P1, escalation_policy: x}]")
    assert (found.fix, found.where) == ("known are none", "4:21")
    _, (found,) = read_roster(scheduled("{id: two, shadows: {schedule: zzz}}"))
    assert found.fix == "known are two, one"


def test_a_person_may_have_no_manager_and_no_calendar():
    found, findings = read_roster(
        LEAST.replace("{id: ben}", "{id: ben, manager: null, holidays: null}")
    )
    assert findings == ()
    assert (found.people["ben"][0].manager, found.people["ben"][0].holidays) == (None, None)


def test_a_long_duration_is_bounded():
    longest = layered("{users: [ann], rotation_turn_length_seconds: 31536000}")
    found, findings = read_roster(longest)
    assert findings == ()
    assert found.schedules["one"][0].layers[0].turn_ms == 365 * DAY
    week = (
        RESTRICTED
        % "{type: weekly_restriction, start_day_of_week: 1, start_time_of_day: '09:00', duration: 7d}"
    )
    found, _ = read_roster(layered(week))
    assert found.schedules["one"][0].layers[0].windows == ((0, WEEK),)
    day = RESTRICTED % "{type: daily_restriction, start_time_of_day: '09:00', duration: 24h}"
    found, _ = read_roster(layered(day))
    assert found.schedules["one"][0].layers[0].windows == ((0, WEEK),)


FINDINGS = Path(__file__).with_name("findings.txt")


def told():
    """Every wrong roster of the table above, and all that is said of it."""
    (cases,) = (
        mark.args[1]
        for mark in test_what_is_wrong_is_found.pytestmark
        if mark.name == "parametrize"
    )
    for content, *_ in (*cases, *TOO_MANY):
        last = content.rstrip().splitlines()[-1]
        yield last if len(last) < 400 else f"{last[:60]} … {last[-60:]}"
        _, findings = read_roster(content)
        for one in findings[:6]:
            yield f"    {one.where} {one.law}: {one.message}; {one.fix}"


def many(what, count):
    return ", ".join([what] * count)


TOO_MANY = [
    (LEAST + f"users: [{many('{id: a}', 2)}]",),
    (layered(f"{{users: [{many('ann', 1001)}], rotation_turn_length: weekly}}"),),
    (layered(RESTRICTED % many("{type: daily_restriction, start_time_of_day: '09:00', duration: 1h}", 101)),),
    (layered(many("{users: [ann], rotation_turn_length: weekly}", 101)),),
    (LEAST.replace("{id: ben}", f"{{id: ben, contact_methods: [{many('{type: sms}', 21)}]}}"),),
    (LEAST.replace("id: ben", f"id: {'b' * 201}"),),
    (LEAST.replace("id: ben", f"id: ben, contact_methods: [{{type: sms, address: {'b' * 1001}}}]"),),
    (scheduled(f"{{id: two, description: {'b' * 1001}, schedule_layers: []}}"),),
    (LEAST + f"escalation_policies: [{{name: one, description: {'b' * 10_001}, escalation_rules: []}}]",),
    (LEAST + f"escalation_policies: [{{name: one, escalation_rules: [{many('3', 1001)}]}}]",),
    (LEAST + f"escalation_matrix: [{many('3', 5)}]",),
    (LEAST + "swaps: [{schedule: one, exchanges: [3, 3, 3]}]",),
    (LEAST + "absences: 3",),
    (LEAST + "overrides: [3]",),
    (LEAST + "holidays: [{}]",),
    (LEAST + "swaps: [{}]",),
    (LEAST + "absences: [{}]",),
    (LEAST + "overrides: [{}]",),
    (LEAST.replace("{id: ben}", "{id: ben, contact_methods: [{}]}"),),
    (layered("{}"),),
    (layered(RESTRICTED % "{}"),),
    (LEAST.replace("{id: ben}", "{id: ben, teams: []}"),),
    (scheduled("{id: two, teams: []}"),),
    (layered("{teams: []}"),),
    (layered(RESTRICTED % "{teams: []}"),),
    (LEAST + "holidays: [{teams: []}]",),
    (LEAST + "swaps: [{teams: [], exchanges: [{teams: []}]}]",),
    (LEAST + "absences: [{teams: []}]",),
    (LEAST + "overrides: [{teams: []}]",),
    (LEAST + "escalation_policies: [{teams: [], escalation_rules: [{teams: [], targets: [{teams: []}]}]}]",),
    (LEAST + "escalation_matrix: [{teams: []}]",),
    (LEAST + "escalation_policies: [{support_hours: {teams: []}}]",),
]  # fmt: skip


def test_each_finding_says_where_what_and_how_to_mend_it():
    assert "\n".join(told()) + "\n" == FINDINGS.read_text(encoding="utf-8")


def test_a_layer_without_users_is_a_finding_though_its_turn_can_be_read():
    _, findings = read_roster(layered("{rotation_turn_length: weekly}"))
    assert [(one.law, one.message) for one in findings] == [("missing-key", "users is missing")]


def test_a_file_has_at_most_four_mebibytes():
    _, findings = read_roster("#" * ((4 << 20) + 1))
    assert [one.message for one in findings] == ["expected at most 4194304 bytes, got 4194305"]
