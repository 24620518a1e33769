from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from llm_research_lab.cost import Granted, Purse, Refused, reserve, settle


class Interleaving(RuleBasedStateMachine):
    """Calls start and end in any order; no cost is over its reservation."""

    def __init__(self):
        super().__init__()
        self.purse = Purse(cap=1_000)
        self.flying: list[int] = []
        self.paid = 0

    @rule(amount=st.integers(0, 600))
    def start(self, amount):
        self.purse, answer = reserve(self.purse, amount)
        if isinstance(answer, Granted):
            self.flying.append(answer.amount)

    @precondition(lambda self: self.flying)
    @rule(data=st.data())
    def end(self, data):
        held = self.flying.pop(data.draw(st.integers(0, len(self.flying) - 1)))
        cost = data.draw(st.integers(0, held))
        self.purse = settle(self.purse, held, cost)
        self.paid += cost

    @invariant()
    def reserved_and_spent_stay_within_the_cap(self):
        assert self.purse.reserved + self.purse.spent <= self.purse.cap

    @invariant()
    def the_books_agree_with_what_happened(self):
        assert self.purse.reserved == sum(self.flying)
        assert self.purse.spent == self.paid


test_no_interleaving_overshoots_the_cap = Interleaving.TestCase


def test_a_call_that_just_fits_is_granted():
    purse, answer = reserve(Purse(10, reserved=3, spent=4), 3)
    assert answer == Granted(3)
    assert answer.final
    assert purse == Purse(10, reserved=6, spent=4)


def test_a_refusal_changes_nothing_and_says_what_is_left():
    purse = Purse(10, reserved=3, spent=4)
    assert reserve(purse, 4) == (purse, Refused(4, left=3, final=False))


def test_a_refusal_is_final_when_settling_the_others_cannot_help():
    purse = Purse(10, reserved=3, spent=4)
    assert reserve(purse, 7)[1] == Refused(7, left=3, final=True)


def test_nothing_is_left_of_a_cap_that_a_provider_overshot():
    purse = settle(Purse(10, reserved=3), 3, 12)
    assert purse == Purse(10, reserved=0, spent=12)
    assert reserve(purse, 1)[1] == Refused(1, left=0, final=True)


@given(st.integers(0, 2**62))
def test_without_a_cap_everything_is_granted(amount):
    assert reserve(Purse(None), amount) == (Purse(None, reserved=amount), Granted(amount))
