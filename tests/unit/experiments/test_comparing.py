"""Two experiments are compared sample by sample, on the same rows, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.api.schemas.answers import Difference
from llm_research_lab.experiments.comparing import comparable, compare, words

columns = st.dictionaries(
    st.integers(0, 30), st.integers(0, 4).map(lambda k: k / 4), min_size=1, max_size=20
)


def of(a, b, seed=1):
    found = compare({"m": a}, {"m": b}, seed)["m"]
    Difference.model_validate(found)
    return found


def test_only_samples_and_metrics_that_both_have_are_compared():
    a = {"contains": {0: 0.0, 1: 1.0, 2: 0.0, 9: 1.0}, "mine": {0: 1.0}}
    b = {"theirs": {0: 1.0}, "contains": {2: 1.0, 1: 1.0, 0: 1.0, 7: 0.0}}
    found = compare(a, b, 1)
    assert list(found) == ["contains"]
    one = found["contains"]
    assert (one["won"], one["lost"], one["tied"], one["n"]) == (2, 0, 1, 3)
    assert one["mean_a"] == pytest.approx(1 / 3)
    assert one["mean_b"] == 1.0
    assert one["difference"] == pytest.approx(2 / 3)
    assert one["p_value"] == pytest.approx(0.5)  # + + of the four ways to sign two ones, and - -


def test_without_a_common_sample_there_is_no_number():
    found = of({0: 1.0}, {1: 1.0})
    assert found == {
        "mean_a": None,
        "mean_b": None,
        "difference": None,
        "low": None,
        "high": None,
        "p_value": None,
        "won": 0,
        "lost": 0,
        "tied": 0,
        "n": 0,
    }


def test_one_sample_shows_a_difference_and_proves_nothing():
    found = of({3: 0.25}, {3: 0.75})
    assert (found["difference"], found["low"], found["high"]) == (0.5, 0.5, 0.5)
    assert found["p_value"] == 1.0


@given(columns, columns, st.integers(0, 2**32))
def test_turned_around_the_means_change_places_and_the_p_value_stays(a, b, seed):
    one, other = of(a, b, seed), of(b, a, seed)
    assert (one["mean_a"], one["mean_b"]) == (other["mean_b"], other["mean_a"])
    assert (one["won"], one["lost"], one["tied"]) == (other["lost"], other["won"], other["tied"])
    assert one["p_value"] == other["p_value"]
    if one["n"]:
        assert one["difference"] == -other["difference"]
        assert one["difference"] == pytest.approx(one["mean_b"] - one["mean_a"])
        assert one["won"] + one["lost"] + one["tied"] == one["n"]
        assert one["low"] <= one["high"]


@given(columns, columns, st.integers(0, 2**32))
def test_the_same_scores_and_seed_give_the_same_numbers_in_any_order(a, b, seed):
    turned = dict(reversed(list(a.items())))
    assert of(a, b, seed) == of(turned, b, seed)


@given(columns, st.integers(0, 2**32))
def test_an_experiment_does_not_differ_from_itself(a, seed):
    found = of(a, a, seed)
    assert (found["difference"], found["low"], found["high"]) == (0.0, 0.0, 0.0)
    assert (found["p_value"], found["tied"]) == (1.0, len(a))


def test_only_the_same_content_is_comparable_and_the_refusal_says_why():
    assert comparable("a" * 64, "a" * 64) is None
    reason = comparable("a" * 64, "b" * 64)
    assert "aaaaaaaaaaaa" in reason
    assert "bbbbbbbbbbbb" in reason
    assert "datasets differ" in reason


def test_a_clear_loss_is_said_in_one_sentence():
    difference = {
        "mean_a": 0.31,
        "mean_b": 0.11,
        "difference": -0.2034,
        "low": -0.2601,
        "high": -0.146,
        "p_value": 0.00001,
        "won": 12,
        "lost": 62,
        "tied": 172,
        "n": 246,
    }
    assert words("zero-shot", "few-shot", "contains", difference) == (
        "contains: few-shot scores 0.203 lower than zero-shot (95 % interval -0.260 to -0.146); "
        "over 246 samples it won 12, lost 62 and tied 172. "
        "Chance alone would rarely do that (p < 0.001)."
    )


def test_what_chance_could_do_is_said_to_be_so():
    said = words("a", "b", "f1", of({0: 0.0, 1: 0.5}, {0: 1.0, 1: 0.5}))
    assert "b scores 0.500 higher than a" in said
    assert said.endswith("Chance alone could do that (p = 1.000).")


@pytest.mark.parametrize(("p", "verdict"), [(0.0499, "rarely"), (0.05, "could")])
def test_the_line_is_drawn_at_5_percent(p, verdict):
    difference = of({0: 0.0, 1: 0.5}, {0: 1.0, 1: 0.5}) | {"p_value": p}
    assert verdict in words("a", "b", "f1", difference)


def test_wins_and_losses_that_even_out_are_said_so():
    said = words("a", "b", "m", of({0: 1.0, 1: 0.0}, {0: 0.0, 1: 1.0}))
    assert "b scores as high as a on average" in said
    assert "won 1, lost 1 and tied 0" in said


def test_all_ties_and_no_pairs_have_their_own_sentences():
    assert words("a", "b", "m", of({0: 1.0}, {0: 1.0})) == (
        "m: a and b score alike on each of 1 sample."
    )
    assert words("a", "b", "m", of({0: 1.0}, {1: 1.0})) == (
        "m: no sample was scored in both a and b."
    )
