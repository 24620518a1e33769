"""What a call costs, and whether the next one may still be paid."""

from llm_research_lab.cost.caps import Granted, Purse, Refused, reserve, settle
from llm_research_lab.cost.counting import (
    DEFAULT_MAX_TOKENS,
    ceiling,
    cost,
    input_bound,
    output_bound,
    token_bound,
)
from llm_research_lab.cost.money import from_pico, to_pico
from llm_research_lab.cost.pricing import PriceReason, price_of

__all__ = [
    "DEFAULT_MAX_TOKENS",
    "Granted",
    "PriceReason",
    "Purse",
    "Refused",
    "ceiling",
    "cost",
    "from_pico",
    "input_bound",
    "output_bound",
    "price_of",
    "reserve",
    "settle",
    "to_pico",
    "token_bound",
]
