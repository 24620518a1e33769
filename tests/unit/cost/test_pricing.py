from dataclasses import dataclass
from decimal import Decimal

import pytest

from llm_research_lab.cost import PriceReason, price_of
from llm_research_lab.cost.pricing import _flat
from llm_research_lab.experiments.model_entry import ModelEntry
from llm_research_lab.vocabulary.price import Price

NOW = 1_760_000_000_000
OWN = Price(Decimal("0.1"), Decimal("0.2"))


@pytest.mark.parametrize("provider", ["openai", "bundled", "echo"])
def test_the_entrys_own_price_wins(provider):
    entry = ModelEntry(provider, "gpt-4o", price=OWN)
    assert price_of(entry, NOW) == (OWN, PriceReason.ENTRY)


@pytest.mark.parametrize("provider", ["bundled", "echo"])
def test_a_model_that_runs_here_costs_nothing_and_says_so(provider):
    price, reason = price_of(ModelEntry(provider, "m"), NOW)
    assert price == Price(Decimal(0), Decimal(0), "local")
    assert reason is PriceReason.LOCAL


@pytest.mark.parametrize("url", [None, "https://api.openai.com/v1"])
def test_a_listed_model_has_the_listed_price(url):
    price, reason = price_of(ModelEntry("openai", "gpt-4o", base_url=url), NOW)
    assert price == Price(Decimal("2.5"), Decimal(10), "genai-prices")
    assert reason is PriceReason.LISTED


@pytest.mark.parametrize(
    ("model", "url", "reason"),
    [
        ("gpt-4o", "http://127.0.0.1:8000/v1", PriceReason.UNKNOWN_PROVIDER),
        ("no-such-model-of-ours", None, PriceReason.UNKNOWN_MODEL),
        ("gemini-2.5-pro", "https://generativelanguage.googleapis.com/v1", PriceReason.TIERED),
        ("text-embedding-3-small", None, PriceReason.OTHER_UNIT),
    ],
)
def test_a_model_without_a_price_is_said_and_never_free(model, url, reason):
    assert price_of(ModelEntry("openai", model, base_url=url), NOW) == (None, reason)


def test_a_fee_for_each_request_is_not_a_price_by_token():
    assert _flat(Decimal(1), Decimal(1), Decimal(5)) == (None, PriceReason.OTHER_UNIT)


def test_listed_prices_round_up_to_whole_picodollars_a_token():
    price, _ = _flat(Decimal("0.1500000001"), Decimal("0.60"), None)
    assert price == Price(Decimal("0.150001"), Decimal("0.6"), "genai-prices")


def test_only_the_fields_that_decide_a_price_are_asked_for():
    @dataclass
    class Entry:
        provider: str = "echo"
        id: str = "m"
        base_url: None = None
        price: None = None

    assert price_of(Entry(), NOW)[1] is PriceReason.LOCAL
