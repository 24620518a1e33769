"""Time intervals: which instants they contain, and when that changes."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.alerting.notifying.intervals import Spans, TimeInterval, containing

BERLIN = ZoneInfo("Europe/Berlin")
KOLKATA = ZoneInfo("Asia/Kolkata")


def ms(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


WORK = TimeInterval(times=((9 * 60, 17 * 60),), weekdays=((1, 5),))


@pytest.mark.parametrize(
    ("interval", "at", "inside"),
    [
        (TimeInterval(), "2024-02-29T12:00", True),
        (TimeInterval(times=()), "2024-02-29T12:00", False),
        # Times: the end is not included.
        (WORK, "2024-03-01T09:00", True),
        (WORK, "2024-03-01T08:59:59.999", False),
        (WORK, "2024-03-01T16:59:59.999", True),
        (WORK, "2024-03-01T17:00", False),
        (TimeInterval(times=((0, 1440),)), "2024-03-01T23:59:59", True),
        (TimeInterval(times=((0, 60), (120, 180))), "2024-03-01T02:30", True),
        (TimeInterval(times=((0, 60), (120, 180))), "2024-03-01T01:30", False),
        # Weekdays: from Sunday, 0.
        (WORK, "2024-03-02T12:00", False),
        (TimeInterval(weekdays=((0, 0),)), "2024-03-03T12:00", True),
        (TimeInterval(weekdays=((0, 0),)), "2024-03-04T12:00", False),
        (TimeInterval(weekdays=((6, 6),)), "2024-03-02T12:00", True),
        (TimeInterval(weekdays=((1, 1), (3, 3))), "2024-03-06T12:00", True),
        # Days of the month, also from its end.
        (TimeInterval(days_of_month=((1, 7),)), "2024-03-07T23:59", True),
        (TimeInterval(days_of_month=((1, 7),)), "2024-03-08T00:00", False),
        (TimeInterval(days_of_month=((-1, -1),)), "2024-02-29T00:00", True),
        (TimeInterval(days_of_month=((-1, -1),)), "2023-02-28T00:00", True),
        (TimeInterval(days_of_month=((-1, -1),)), "2024-02-28T00:00", False),
        (TimeInterval(days_of_month=((-3, -1),)), "2024-04-28T00:00", True),
        (TimeInterval(days_of_month=((-3, -1),)), "2024-04-27T00:00", False),
        (TimeInterval(days_of_month=((5, -1),)), "2024-04-30T00:00", True),
        (TimeInterval(days_of_month=((5, -5),)), "2024-04-27T00:00", False),
        (TimeInterval(days_of_month=((30, 31),)), "2024-02-29T00:00", False),
        (TimeInterval(days_of_month=((-31, -29),)), "2024-02-01T00:00", True),
        (TimeInterval(days_of_month=((-31, -29),)), "2024-02-02T00:00", False),
        (TimeInterval(days_of_month=((-31, -30),)), "2023-02-01T00:00", False),
        # Months and years.
        (TimeInterval(months=((1, 3),)), "2024-03-31T23:59", True),
        (TimeInterval(months=((1, 3),)), "2024-04-01T00:00", False),
        (TimeInterval(months=((12, 12),)), "2024-12-01T00:00", True),
        (TimeInterval(years=((2020, 2023),)), "2023-12-31T23:59", True),
        (TimeInterval(years=((2020, 2023),)), "2024-01-01T00:00", False),
        # In a zone: 09:00 in Berlin is 08:00 UTC in winter, 07:00 in summer.
        (TimeInterval(times=((540, 600),), location=BERLIN), "2024-01-10T08:00", True),
        (TimeInterval(times=((540, 600),), location=BERLIN), "2024-01-10T07:30", False),
        (TimeInterval(times=((540, 600),), location=BERLIN), "2024-07-10T07:00", True),
        (TimeInterval(weekdays=((1, 1),), location=KOLKATA), "2024-03-03T18:30", True),
        (TimeInterval(weekdays=((1, 1),), location=KOLKATA), "2024-03-03T18:29", False),
        # The last day of the month in which the clocks go forward is its 31st.
        (TimeInterval(days_of_month=((-1, -1),), location=BERLIN), "2024-03-31T12:00", True),
        (TimeInterval(days_of_month=((31, 31),), location=BERLIN), "2024-03-31T12:00", True),
        (TimeInterval(days_of_month=((-1, -1),), location=BERLIN), "2024-03-30T12:00", False),
    ],
)
def test_an_interval_contains_what_all_its_parts_contain(interval, at, inside):
    assert interval.contains(ms(at)) is inside


def test_instants_before_1970_are_instants():
    assert TimeInterval(years=((1969, 1969),)).contains(-1)


NAMED = {
    "work": (WORK,),
    "night": (TimeInterval(times=((0, 6 * 60),)), TimeInterval(times=((22 * 60, 1440),))),
    "never": (),
}


def test_the_first_name_that_contains_is_given():
    noon, night = ms("2024-03-01T12:00"), ms("2024-03-01T23:00")
    assert containing(NAMED, ("night", "work"), noon) == "work"
    assert containing(NAMED, ("never", "night"), night) == "night"
    assert containing(NAMED, ("work", "never"), night) is None
    assert containing(NAMED, (), night) is None


def test_spans_say_when_the_answer_changes():
    spans = Spans(NAMED, ("work",))
    assert spans.at(ms("2024-03-01T12:00")) == "work"
    assert spans.change_after(ms("2024-03-01T12:00")) == ms("2024-03-01T17:00")
    assert spans.change_after(ms("2024-03-01T16:59:59.999")) == ms("2024-03-01T17:00")
    assert spans.at(ms("2024-03-01T17:00")) is None
    assert spans.at(ms("2024-03-01T16:59:59.999")) == "work"
    # Over the weekend a day is looked ahead at a time.
    at, seen = ms("2024-03-01T17:00"), []
    while spans.at(at) is None:
        at = spans.change_after(at)
        seen.append(at)
    assert at == ms("2024-03-04T09:00")
    assert all(later - earlier <= 86_400_000 for earlier, later in pairwise(seen))
    # Asked of an earlier instant, they answer still.
    assert spans.at(ms("2024-02-29T10:00")) == "work"
    assert spans.at(ms("2024-02-29T08:00")) is None
    assert spans.at(ms("2024-03-04T09:00")) == "work"


edges = st.tuples(st.integers(0, 1439), st.integers(1, 700)).map(
    lambda one: (one[0], min(1440, one[0] + one[1]))
)
days = st.tuples(st.integers(0, 6), st.integers(0, 6)).map(lambda one: tuple(sorted(one)))
zones = st.sampled_from(
    [UTC, BERLIN, KOLKATA, ZoneInfo("Australia/Lord_Howe"), timezone(timedelta(minutes=345))]
)
generated = st.builds(
    TimeInterval,
    times=st.none() | st.lists(edges, max_size=2).map(tuple),
    weekdays=st.none() | st.lists(days, max_size=2).map(tuple),
    days_of_month=st.none() | st.just(((1, 5), (-2, -1))),
    location=zones,
)


@given(
    st.lists(generated, min_size=1, max_size=2),
    st.sampled_from(
        ["2024-03-30T20:00", "2024-10-26T20:00", "2024-04-06T10:00", "2024-02-28T03:07"]
    ),
    st.integers(0, 86_400_000),
)
def test_spans_agree_with_the_intervals_at_every_minute(intervals, begin, offset):
    named = {"one": tuple(intervals[:1]), "two": tuple(intervals[1:])}
    names = ("one", "two")
    spans = Spans(named, names)
    at = ms(begin) + offset
    change = spans.change_after(at)
    assert change > at
    for step in range(0, 1_500, 7):
        now = at + step * 60_000
        found = containing(named, names, now)
        assert spans.at(now) == found
        if now < change:
            assert found == spans.at(at)
