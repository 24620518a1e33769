"""Under a cap, what is spent and what may still be spent never exceed it together.

Pure arithmetic in whole picodollars: the store does it in one transaction with the call's record.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Purse:
    """An experiment's money in picodollars: `reserved` for calls in flight, `spent` for answers.

    `cap` None is no cap. ``reserved + spent <= cap`` as long as no call costs more than was
    reserved for it.
    """

    cap: int | None
    reserved: int = 0
    spent: int = 0


@dataclass(frozen=True, slots=True)
class Granted:
    """The call may be made; `amount` is held for it until it is settled."""

    amount: int

    @property
    def final(self) -> bool:
        """A grant stands."""
        return True


@dataclass(frozen=True, slots=True)
class Refused:
    """The call could overshoot: it may need `amount`, and `left` is free.

    `final` says that waiting for the calls in flight cannot help, since what is already spent
    leaves too little.
    """

    amount: int
    left: int
    final: bool


def reserve(purse: Purse, amount: int) -> tuple[Purse, Granted | Refused]:
    """Hold `amount` for one call, or refuse and change nothing."""
    if purse.cap is None or purse.spent + purse.reserved + amount <= purse.cap:
        return replace(purse, reserved=purse.reserved + amount), Granted(amount)
    left = max(0, purse.cap - purse.spent - purse.reserved)
    return purse, Refused(amount, left, final=purse.spent + amount > purse.cap)


def settle(purse: Purse, held: int, cost: int) -> Purse:
    """Give back what was held and book what the call did cost; `cost` 0 when it was not answered.

    A provider that counts more than the bound is booked truly, even over the cap: the next call
    is then refused, and nothing is hidden.
    """
    return replace(purse, reserved=purse.reserved - held, spent=purse.spent + cost)
