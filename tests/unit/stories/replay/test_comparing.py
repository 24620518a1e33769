"""Pages of two replays are matched by person, alerts and time; what is left is gone or new."""

from tests.unit.stories.replay.planted import HOUR, MINUTE, START, interval, roster, routes

from llm_research_lab.alerting.notifying import course
from llm_research_lab.stories.replay import (
    Responder,
    Responders,
    arrivals,
    compare,
    firings,
    replay,
)

QUICK = Responders(default=Responder(by_day_ms=MINUTE, by_night_ms=MINUTE))


def records(*found, until=48 * 60):
    end = START + until * MINUTE
    told = course(routes(), arrivals(firings(found), end), (), START, end)
    return list(replay(told, roster(), QUICK, end))


def down(start, length=10, name="Down"):
    return interval(name, start, start + length, severity="P1")


def test_equal_replays_do_not_differ():
    found = compare(records(down(0), down(300)), records(down(0), down(300)))
    assert (found.differences, found.same, found.nights_saved) == ((), 2, 0)


def test_a_page_of_one_side_is_gone_or_new():
    found = compare(records(down(0), down(300)), records(down(300), down(900)))
    assert [(one.kind, one.at_ms - START) for one in found.differences] == [
        ("gone", 30_000),
        ("new", 900 * MINUTE + 30_000),
    ]
    assert (found.count("gone"), found.count("new"), found.same) == (1, 1, 1)
    assert found.differences[0].after is None
    assert found.differences[1].before is None


def test_a_page_at_another_time_is_earlier_or_later():
    later = compare(records(down(0)), records(down(20)))
    assert [(one.kind, one.at_ms - START) for one in later.differences] == [
        ("later", 20 * MINUTE + 30_000)
    ]
    earlier = compare(records(down(20)), records(down(0)))
    assert [one.kind for one in earlier.differences] == ["earlier"]


def test_more_than_an_hour_apart_is_another_page():
    found = compare(records(down(0)), records(down(61)))
    assert [one.kind for one in found.differences] == ["gone", "new"]
    back = compare(records(down(61)), records(down(0)))
    assert [one.kind for one in back.differences] == ["new", "gone"]
    assert [one.kind for one in compare(records(down(0)), records(down(60))).differences] == [
        "later"
    ]


def test_another_alert_is_another_page():
    found = compare(records(down(0)), records(down(0, name="Off")))
    assert sorted(one.kind for one in found.differences) == ["gone", "new"]


def test_nights_are_counted_once_however_often_one_is_woken():
    one_night = [down(0), down(120), down(240)]
    found = compare(records(*one_night), records(down(12 * 60)))
    assert found.nights_saved == 1
    assert found.count("gone", night=True) == 3
    assert found.count("new", night=True) == 0
    two_nights = [down(0), down(24 * 60)]
    assert compare(records(*two_nights), records()).nights_saved == 2
    assert compare(records(), records(*two_nights)).nights_saved == -2
    assert HOUR == 60 * MINUTE
