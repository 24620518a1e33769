"""Each firing ends in the most that came of it, with all that was heard of it in its time."""

from tests.unit.stories.replay.planted import MINUTE, START, interval, roster, routes

from llm_research_lab.alerting.notifying import InhibitedBy, Notification, Waiting, course
from llm_research_lab.stories.replay import Responders, arrivals, firings, outcomes, replay


def found(intervals, until=600):
    end = START + until * MINUTE
    fired = firings(intervals)
    told = list(course(routes(), arrivals(fired, end), (), START, end))
    records = list(replay(told, roster(), Responders(), end))
    return outcomes(fired, told, records)


def test_who_was_woken_is_told_with_the_alert():
    (one,) = found([interval("Down", 0, 10, severity="P1")])
    assert one.word == "woken"
    assert [each.user for each in one.woken] == ["ada"]
    assert {each.receiver for each in one.told} == {"pager"}


def test_what_a_chat_was_told_woke_nobody():
    (one,) = found([interval("Slow", 0, 10, severity="P3")])
    assert (one.word, one.woken) == ("told", ())
    assert [each.receiver for each in one.told] == ["quiet"]
    assert isinstance(one.told[0].what, Notification)


def test_what_was_over_before_its_group_was_told_was_withheld():
    (one,) = found([interval("Slow", 0, 1 / 4, severity="P3")])
    assert one.word == "withheld"
    assert any(isinstance(each.what, Waiting) for each in one.withheld)


def test_what_was_inhibited_says_by_what():
    _, slow = found([interval("Down", 0, 10, severity="P1"), interval("Slow", 0, 9, severity="P3")])
    assert slow.word == "withheld"
    assert any(isinstance(each.what, InhibitedBy) for each in slow.withheld)


def test_who_joins_an_open_page_wakes_nobody_anew():
    first, second = found(
        [
            interval("Down", 0, 25, severity="P1", instance="a"),
            interval("Down", 20, 25, severity="P1", instance="b"),
        ]
    )
    assert (first.word, second.word) == ("woken", "joined")
    assert second.joined == ("page-1",)


def test_a_pager_without_a_policy_is_said():
    (one,) = found([interval("Odd", 0, 10, severity="P9")])
    assert one.word == "told"
    assert [str(each) for each in one.unpaged] == ["the roster has no escalation policy for P9"]


def test_one_that_lasts_hears_to_the_end_and_a_second_firing_hears_its_own():
    one, lasting, other = found(
        [
            interval("Down", 0, 10, severity="P1"),
            interval("Down", 100, 110, severity="P1"),
            interval("Slow", 0, None, severity="P3"),
        ]
    )
    assert one.woken[0].at_ms < other.woken[0].at_ms
    assert len(one.told) == len(other.told) == 1
    assert len(lasting.told) > 5
