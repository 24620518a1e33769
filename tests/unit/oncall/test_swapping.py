"""A swap holds when both have confirmed it 48 hours ahead, and says why when it does not."""

from __future__ import annotations

from tests.unit.oncall.planted import DAY, HOUR, at

from llm_research_lab.oncall.roster import Exchange, Swap
from llm_research_lab.oncall.swapping import Accepted, TooLate, Unconfirmed, judged

T = at("2026-01-05 00:00")
LATEST = T - 48 * HOUR


def verdict(*confirmed, exchanges=(("a", "b", T, T + DAY), ("b", "a", T + DAY, T + 2 * DAY))):
    return judged(Swap("p", tuple(Exchange(*one) for one in exchanges), confirmed))


def test_the_second_confirmation_counts():
    assert verdict(("a", LATEST - HOUR), ("b", LATEST)) == Accepted(LATEST)
    assert verdict(("b", LATEST - HOUR), ("a", LATEST - DAY)) == Accepted(LATEST - HOUR)
    assert verdict(("a", LATEST + 1), ("b", LATEST)) == TooLate(LATEST + 1, LATEST)


def test_who_has_not_confirmed_is_named():
    assert verdict() == Unconfirmed(("a", "b"))
    assert verdict(("a", 0)) == Unconfirmed(("b",))
    assert verdict(("a", 0), ("c", 0)) == Unconfirmed(("b",))


def test_the_first_shift_that_moves_counts_and_others_confirmations_do_not():
    back = (("b", "a", T + DAY, T + 2 * DAY), ("a", "b", T, T + DAY))
    assert verdict(("a", LATEST), ("b", LATEST), exchanges=back) == Accepted(LATEST)
    assert verdict(("a", LATEST), ("b", 0), ("c", T)) == Accepted(LATEST)


def test_the_reasons_are_sentences():
    assert str(Accepted(T)) == "both had confirmed at 2026-01-05T00:00:00.000Z"
    assert str(Unconfirmed(("a", "b"))) == "not confirmed by a and b"
    told = "confirmed at 2026-01-05T00:00:00.000Z, later than 2026-01-03T00:00:00.000Z"
    assert str(TooLate(T, LATEST)) == told
