"""A price is exact."""

from __future__ import annotations

from decimal import Decimal

import pytest

from llm_research_lab.vocabulary import Price, usd_text


@pytest.mark.parametrize(
    ("usd", "text"),
    [("0", "0"), ("1E+3", "1000"), ("1E-12", "0.000000000001"), ("2.50", "2.5"), ("10", "10")],
)
def test_dollars_are_plain_digits(usd, text):
    assert usd_text(Decimal(usd)) == text


def test_an_entrys_price_is_the_entrys_unless_said_otherwise():
    assert Price(Decimal(1), Decimal(2)).source == "entry"
