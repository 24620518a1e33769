from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.cost import from_pico, to_pico
from llm_research_lab.vocabulary import usd_text

dollars = st.decimals(min_value=-9_000_000, max_value=9_000_000, places=12)


@given(st.integers(min_value=-(2**63), max_value=2**63))
def test_picodollars_survive_a_round_trip(pico):
    assert to_pico(from_pico(pico)) == pico


@given(dollars)
def test_dollars_of_up_to_twelve_decimals_are_kept_exactly(usd):
    assert from_pico(to_pico(usd)) == usd


@given(dollars, dollars)
def test_rounding_keeps_the_order(a, b):
    small, large = sorted((a / 7, b / 7))
    assert to_pico(small) <= to_pico(large)


@pytest.mark.parametrize(
    ("usd", "pico"), [("0.0000000000005", 1), ("0.0000000000004", 0), ("-0.0000000000005", -1)]
)
def test_beyond_twelve_decimals_half_goes_away_from_zero(usd, pico):
    assert to_pico(Decimal(usd)) == pico


@pytest.mark.parametrize(
    ("pico", "text"),
    [(0, "0"), (10**12, "1"), (1, "0.000000000001"), (-25 * 10**11, "-2.5"), (100 * 10**12, "100")],
)
def test_dollars_are_written_without_exponent_or_trailing_zeros(pico, text):
    assert usd_text(from_pico(pico)) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9))
def test_the_text_of_dollars_loses_nothing(usd):
    text = usd_text(usd)
    assert Decimal(text) == usd
    assert "E" not in text
