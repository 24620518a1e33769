from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.cost import (
    DEFAULT_MAX_TOKENS,
    ceiling,
    cost,
    input_bound,
    output_bound,
    to_pico,
    token_bound,
)
from llm_research_lab.experiments.result import Message, Usage
from llm_research_lab.vocabulary.price import Price

usd = st.decimals(min_value=0, max_value=1000, places=6)
prices = st.builds(Price, usd, usd)
conversations = st.lists(st.builds(Message, st.just("user"), st.text()), max_size=4)
parameters = st.fixed_dictionaries(
    {},
    optional={
        "max_tokens": st.integers(1, 10_000),
        "grammar": st.text(st.characters(exclude_categories=["Cs"])),
        "json_schema": st.dictionaries(st.sampled_from(["type", "title"]), st.just("object")),
    },
)


def test_cost_is_tokens_times_price_exactly():
    price = Price(Decimal("0.15"), Decimal("0.6"))
    assert cost(Usage(1_000, 500), price) == Decimal("0.00045")
    assert cost(Usage(1, 0), Price(Decimal("0.000001"), Decimal(0))) == Decimal("1E-12")


@given(prices, st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_price_of_six_decimals_makes_whole_picodollars(price, read, written):
    exact = cost(Usage(read, written), price)
    assert to_pico(exact) == exact * 10**12


@given(conversations, parameters, prices, st.data())
def test_cost_never_exceeds_the_ceiling_when_usage_is_within_bounds(messages, chosen, price, data):
    read = data.draw(st.integers(0, input_bound(messages, chosen)))
    written = data.draw(st.integers(0, output_bound(chosen)))
    paid = cost(Usage(read, written), price)
    bound = ceiling(messages, chosen, price)
    assert paid <= bound
    assert to_pico(paid) <= to_pico(bound)


@given(conversations, parameters)
def test_the_input_bound_counts_every_byte_that_is_sent(messages, chosen):
    sent = sum(len(message.content.encode("utf-8", "surrogatepass")) for message in messages)
    assert input_bound(messages, chosen) >= sent + len(chosen.get("grammar", "").encode())


@given(conversations, parameters)
def test_the_token_bound_is_what_may_be_read_and_written_together(messages, chosen):
    both = input_bound(messages, chosen) + output_bound(chosen)
    assert token_bound(messages, chosen) == token_bound(iter(messages), chosen) == both


def test_messages_may_be_given_once_only():
    price = Price(Decimal(1), Decimal(1))
    messages = [Message("user", "hé")]
    assert ceiling(iter(messages), {}, price) == ceiling(messages, {}, price)


def test_an_answer_without_a_bound_gets_the_stated_one():
    assert output_bound({}) == output_bound({"max_tokens": None}) == DEFAULT_MAX_TOKENS
    assert output_bound({}, 7) == 7
    assert output_bound({"max_tokens": 3}, 7) == 3


def test_a_lone_surrogate_counts_and_does_not_fail():
    assert input_bound([Message("user", "\ud800")], {}) == input_bound([Message("user", "abc")], {})
