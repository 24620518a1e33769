"""A group's notifications are one page; the page goes from person to person until one answers."""

from tests.unit.stories.replay.planted import HOUR, MINUTE, START, interval, roster, routes

from llm_research_lab.alerting.notifying import course
from llm_research_lab.stories.replay import (
    Acknowledged,
    Again,
    Closed,
    Ended,
    NotReached,
    Opened,
    Responder,
    Responders,
    Unpaged,
    Woken,
    arrivals,
    firings,
    replay,
)

SECOND = 1000
QUICK = Responders(default=Responder(by_day_ms=2 * MINUTE, by_night_ms=2 * MINUTE))
DEAF = Responders(default=Responder(never=1.0))


def records(found, responders=QUICK, people=None, until=600):
    end = START + until * MINUTE
    told = course(routes(), arrivals(firings(found), end), (), START, end)
    return list(replay(told, people or roster(), responders, end))


def shown(found):
    return [
        (type(one).__name__, round((one.at_ms - START) / SECOND), getattr(one, "user", None))
        for one in found
        if not isinstance(one, Again)
    ]


def test_the_person_on_call_is_woken_acknowledges_and_the_page_is_closed():
    found = records([interval("Down", 0, 10, severity="P1")])
    assert shown(found) == [
        ("Opened", 30, None),
        ("Woken", 30, "ada"),
        ("NotReached", 30, None),
        ("Acknowledged", 150, "ada"),
        ("Closed", 630, None),
    ]
    (woken,) = (one for one in found if isinstance(one, Woken))
    assert (woken.name, woken.time_zone, woken.way) == ("Ada", "Europe/Berlin", "phone")
    assert (woken.level, woken.severity) == (1, "P1")
    assert "level 1" in str(woken.reason)
    (missed,) = (one for one in found if isinstance(one, NotReached))
    assert str(missed.skipped.reason) == "noor has no contact method"
    (answer,) = (one for one in found if isinstance(one, Acknowledged))
    assert answer.after_ms == 2 * MINUTE


def test_who_does_not_answer_is_followed_by_the_next_and_then_by_nobody():
    found = records([interval("Down", 0, 200, severity="P1")], DEAF)
    assert shown(found) == [
        ("Opened", 30, None),
        ("Woken", 30, "ada"),
        ("NotReached", 30, None),
        ("Woken", 30 + 600, "emmy"),
        ("Ended", 30 + 600 + 1200, None),
        ("Closed", 200 * 60 + 30, None),
    ]


def test_an_acknowledgement_that_times_out_wakes_again():
    found = records([interval("Down", 0, 45, severity="P1")])
    woken = [one.at_ms - START for one in found if isinstance(one, Woken)]
    assert woken == [30 * SECOND, 30 * SECOND + 32 * MINUTE]
    assert sum(isinstance(one, Acknowledged) for one in found) == 2


def test_an_answer_that_comes_after_another_persons_is_nobodys():
    slow = Responders(
        people={
            "ada": Responder(by_day_ms=30 * MINUTE, by_night_ms=30 * MINUTE),
            "emmy": Responder(by_day_ms=MINUTE, by_night_ms=MINUTE),
        }
    )
    found = records([interval("Down", 0, 40, severity="P1")], slow)
    assert [one.user for one in found if isinstance(one, Acknowledged)] == ["emmy"]


def test_repetitions_of_an_open_page_wake_nobody_anew():
    found = records([interval("Down", 0, 100, severity="P1")], Responders(default=Responder()))
    assert sum(isinstance(one, Opened) for one in found) == 1
    assert sum(isinstance(one, Again) for one in found) == 1


def test_a_group_that_comes_back_is_a_new_page():
    found = records(
        [interval("Down", 0, 10, severity="P1"), interval("Down", 60, 70, severity="P1")]
    )
    pages = [one.page for one in found if isinstance(one, Opened)]
    assert pages == ["page-1", "page-2"]
    assert sum(isinstance(one, Closed) for one in found) == 2


def test_what_is_told_quietly_wakes_nobody():
    assert records([interval("Slow", 0, 10, severity="P3")]) == []


def test_a_severity_without_a_policy_is_said_and_its_end_closes_nothing():
    (found,) = records([interval("Odd", 0, 10, severity="P9")])
    assert isinstance(found, Unpaged)
    assert str(found) == "the roster has no escalation policy for P9"


def test_an_alert_without_a_severity_is_said_too():
    text = "route: {receiver: p}\nreceivers: [{name: p, pagerduty_configs: [{routing_key: k}]}]\n"
    end = START + HOUR
    told = course(routes(text), arrivals(firings([interval("A", 0, 1)]), end), (), START, end)
    (found,) = replay(told, roster(), QUICK, end)
    assert str(found) == "the roster has no escalation policy for without a severity"


def test_the_gravest_severity_of_a_group_decides():
    text = "route: {receiver: p}\nreceivers: [{name: p, pagerduty_configs: [{routing_key: k}]}]\n"
    end = START + HOUR
    fired = firings([interval("A", 0, 5, severity="P9"), interval("B", 0, 5, severity="P1")])
    found = list(
        replay(course(routes(text), arrivals(fired, end), (), START, end), roster(), QUICK, end)
    )
    (opened,) = (one for one in found if isinstance(one, Opened))
    assert (opened.severity, opened.policy) == ("P1", "all")


def test_pagers_are_what_one_says_that_they_are():
    end = START + HOUR
    fired = firings([interval("Slow", 0, 5, severity="P1")])
    told = course(routes(), arrivals(fired, end), (), START, end)
    assert list(replay(told, roster(), QUICK, end, pagers=frozenset({"slack"}))) == []


def test_equal_input_gives_equal_records():
    spread = Responders(seed=3, default=Responder(spread=0.5, never=0.2))
    found = [
        interval("Down", at, at + 20, severity="P1", instance=str(at)) for at in range(0, 300, 45)
    ]
    assert records(found, spread) == records(found, spread)


def test_an_end_of_a_policy_says_why():
    found = records([interval("Down", 0, 200, severity="P1")], DEAF)
    (ended,) = (one for one in found if isinstance(one, Ended))
    assert "nobody acknowledged" in str(ended.reason.reason)
