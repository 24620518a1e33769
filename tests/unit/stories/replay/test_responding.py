"""Delays are medians, spread by chance that follows the seed; some pages are never answered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.stories.replay import Responder, Responders
from llm_research_lab.stories.replay.responding import is_night, night_of

NOON = 1_769_990_400_000 + 12 * 3_600_000
NIGHT = NOON - 10 * 3_600_000
ZONE = "Europe/London"


def test_without_a_spread_the_delay_is_the_median_of_the_hour():
    model = Responders(default=Responder(by_day_ms=1000, by_night_ms=5000))
    assert model.delay_ms("ada", ZONE, "page-1", NOON) == 1000
    assert model.delay_ms("ada", ZONE, "page-1", NIGHT) == 5000


def test_a_named_person_has_a_model_of_ones_own():
    model = Responders(people={"ada": Responder(by_day_ms=7)})
    assert model.delay_ms("ada", ZONE, "page-1", NOON) == 7
    assert model.delay_ms("emmy", ZONE, "page-1", NOON) == 4 * 60_000


def test_who_never_answers_does_not_and_nights_may_differ():
    assert Responders(default=Responder(never=1.0)).delay_ms("a", ZONE, "p", NOON) is None
    dark = Responders(default=Responder(never=0.0, never_at_night=1.0))
    assert dark.delay_ms("a", ZONE, "p", NOON) is not None
    assert dark.delay_ms("a", ZONE, "p", NIGHT) is None
    light = Responders(default=Responder(never=1.0, never_at_night=0.0))
    assert light.delay_ms("a", ZONE, "p", NIGHT) is not None


def test_half_of_all_answers_come_before_the_median_and_one_in_a_hundred_after_six():
    model = Responders(seed=5, default=Responder(by_day_ms=100_000, spread=0.4))
    delays = sorted(model.delay_ms("ada", ZONE, f"page-{n}", NOON) for n in range(4000))
    assert 95_000 < delays[2000] < 105_000
    assert 560_000 < delays[3960] < 700_000
    assert delays[0] >= 1


def test_as_many_pages_are_not_answered_as_the_model_says():
    model = Responders(seed=5, default=Responder(never=0.25))
    missed = sum(model.delay_ms("ada", ZONE, f"page-{n}", NOON) is None for n in range(4000))
    assert 900 < missed < 1100


@given(st.integers(0, 9), st.sampled_from("ab"), st.sampled_from("pq"), st.integers(0, 5))
def test_what_is_asked_twice_is_answered_the_same(seed, user, page, later):
    model = Responders(seed=seed, default=Responder(spread=0.5, never=0.1))
    asked = (user, ZONE, page, NOON + later)
    assert model.delay_ms(*asked) == model.delay_ms(*asked)


@pytest.mark.parametrize(
    "other", [("emmy", "p", 0, 0), ("ada", "q", 0, 0), ("ada", "p", 1, 0), ("ada", "p", 0, 1)]
)
def test_each_word_of_the_question_changes_the_answer(other):
    user, page, seed, later = other

    def asked(user, page, seed, later):
        model = Responders(seed=seed, default=Responder(spread=0.5))
        return model.delay_ms(user, ZONE, page, NOON + later)

    assert asked("ada", "p", 0, 0) != asked(user, page, seed, later)


@pytest.mark.parametrize(
    ("zone", "hour", "night"),
    [
        ("Europe/London", 22, True),
        ("Europe/London", 21, False),
        ("Europe/London", 5, True),
        ("Europe/London", 6, False),
        ("Asia/Tokyo", 13, True),
        ("America/New_York", 3, True),
        ("America/New_York", 2, False),
    ],
)
def test_a_night_is_where_the_person_lives(zone, hour, night):
    midnight = NOON - 12 * 3_600_000
    assert is_night(midnight + hour * 3_600_000, zone) is night


def test_both_sides_of_midnight_are_one_night():
    midnight = NOON + 12 * 3_600_000
    assert night_of(midnight - 1, ZONE) == night_of(midnight + 3_600_000, ZONE)
    assert night_of(midnight - 1, ZONE) + 1 == night_of(midnight + 12 * 3_600_000, ZONE)


@pytest.mark.parametrize(
    ("spread", "never", "delays"),
    [
        (0.5, 0.0, [2722533256183, 3866400477808, 1649269523082]),
        (2.0, 0.5, [None, 223474175275796, 7398889389234]),
    ],
)
def test_what_a_seed_answers_is_the_same_on_every_machine_and_in_every_release(
    spread, never, delays
):
    person = Responder(by_day_ms=10**12, spread=spread, never=never)
    model = Responders(seed=7, default=person)
    assert [model.delay_ms("ada", ZONE, f"page-{n}", NOON) for n in range(3)] == delays


def test_nobody_answers_before_a_millisecond_and_the_seed_is_nought_unless_it_is_said():
    quick = Responder(by_day_ms=1, spread=2)
    found = [Responders(default=quick).delay_ms("ada", ZONE, f"{n}", NOON) for n in range(20)]
    assert min(found) == 1
    assert found == [Responders(0, quick).delay_ms("ada", ZONE, f"{n}", NOON) for n in range(20)]
