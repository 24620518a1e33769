"""Money in the store is whole picodollars; outside it is Decimal US dollars."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal

PICO = 10**12
"""Picodollars a dollar: one token at a price of six decimals a million tokens is a whole number."""

EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
"""Sixty digits: a product of two 64-bit integers and a price has at most forty-eight."""


def to_pico(usd: Decimal) -> int:
    """Dollars as whole picodollars: exact up to twelve decimals, beyond them rounded half up.

    Monotone, so a cost under its ceiling stays under it. Half up is away from zero.
    """
    return int(EXACT.scaleb(usd, 12).to_integral_value(ROUND_HALF_UP))


def from_pico(pico: int) -> Decimal:
    """Picodollars as dollars, exact: ``to_pico(from_pico(n)) == n`` for every n.

    ``vocabulary.usd_text`` writes it; ``str`` would show small sums as ``1E-12``.
    """
    whole, rest = divmod(abs(pico), PICO)
    digits = f"{whole}.{rest:012d}".rstrip("0").rstrip(".")
    return Decimal(f"-{digits}" if pico < 0 else digits)
