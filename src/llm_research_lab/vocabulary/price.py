"""A price is exact, and stands in the lowest room because experiments and cost both speak it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens, exact; both are at least 0.

    `source` says who named it: ``entry``, ``genai-prices``, or ``local`` for a model that runs on
    this machine and is nobody's to bill.
    """

    input_usd_per_million: Decimal
    output_usd_per_million: Decimal
    source: str = "entry"


def usd_text(usd: Decimal) -> str:
    """Dollars as plain digits, exact: no exponent, no trailing zeros. ``Decimal(text) == usd``."""
    text = f"{usd:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
