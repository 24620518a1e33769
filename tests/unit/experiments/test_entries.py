"""A model entry is read whole: every mistake is found before the first call costs anything."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.documents.fields import Source
from llm_research_lab.experiments.entries import (
    entry_from_json,
    entry_to_json,
    parameter_findings,
    read_entry,
)
from llm_research_lab.experiments.model_entry import Limits, ModelEntry, Price
from llm_research_lab.vocabulary import canonical

OPENAI = {"provider": "openai", "id": "m", "secret": "env:KEY"}
USD = st.decimals(0, 999_999, places=6)
COUNTS = st.none() | st.integers(1, 2**63 - 1)
ENTRIES = st.builds(
    ModelEntry,
    st.just("openai"),
    st.text("abc", min_size=1),
    st.none() | st.just("https://host/v1"),
    st.sampled_from(["env:KEY", "file:/run/secrets/key"]),
    st.fixed_dictionaries({}, optional={"temperature": st.floats(0, 2), "seed": st.just(3)}),
    st.none() | st.builds(Price, USD, USD),
    st.builds(
        Limits,
        st.integers(1, 1024),
        COUNTS,
        COUNTS,
        st.floats(0, 3600, exclude_min=True),
        st.integers(1, 20),
    ),
    st.just({}),
    st.booleans(),
)


def laws(**fields):
    entry, findings = read_entry(Source(fields))
    assert (entry is None) == bool(findings)
    return [(finding.where, finding.law) for finding in findings]


@given(ENTRIES)
def test_an_entry_comes_back_from_its_json_trusted_or_not(entry):
    written = entry_to_json(entry)
    assert canonical(written)
    assert entry_from_json(written) == entry
    assert read_entry(Source(written)) == (entry, ())


def test_what_is_left_out_has_its_default():
    entry, _ = read_entry(Source({"name": "x", "provider": "echo", "id": "e"}))
    assert entry == ModelEntry("echo", "e")


def test_null_is_as_good_as_left_out():
    nulls = dict.fromkeys(("base_url", "secret", "price", "limits"))
    assert read_entry(Source({"provider": "echo", "id": "e", **nulls}))[0] == ModelEntry(
        "echo", "e"
    )


def test_prices_are_exact():
    price = {"input_usd_per_million": "0.15", "output_usd_per_million": 0.6}
    entry, _ = read_entry(Source({**OPENAI, "price": price}))
    assert entry.price == Price(Decimal("0.15"), Decimal("0.6"))


def test_a_script_is_echos_alone():
    script = {"delay_ms": 5}
    assert laws(provider="echo", id="e", script=script) == []
    assert laws(provider="echo", id="e", script={"delay": 5}) == [("/script/delay", "unknown-key")]
    assert laws(provider="echo", id="e", script=[]) == [("/script", "type")]
    assert laws(provider="bundled", id="e", script=script) == [("/script", "unsupported")]
    assert laws(**OPENAI, script=script) == [("/script", "unsupported")]


@pytest.mark.parametrize("provider", ["bundled", "echo"])
def test_a_provider_on_this_machine_has_no_address_and_no_secret(provider):
    found = laws(provider=provider, id="e", base_url="https://h/v1", secret="env:A", insecure=True)
    assert found == [(f"/{f}", "unsupported") for f in ("base_url", "secret", "insecure")]


def test_openai_itself_needs_a_secret_and_another_address_need_not():
    assert laws(provider="openai", id="m") == [("/", "missing-key")]
    assert laws(provider="openai", id="m", base_url="https://h/v1") == []
    assert laws(provider="openai", id="m", base_url=5) == [("/base_url", "type")]
    assert laws(provider="openai", id="m", secret="sk") == [("/secret", "reference")]


@pytest.mark.parametrize(
    "url",
    ["http://localhost:8000/v1", "http://127.0.0.1", "http://127.9.9.9/v1", "http://[::1]:1/"],
)
def test_plain_http_may_stay_on_this_machine(url):
    assert laws(provider="openai", id="m", base_url=url) == []


@pytest.mark.parametrize("url", ["http://10.0.0.5/v1", "http://localhost.evil.com", "http://h:80"])
def test_plain_http_leaves_the_machine_only_when_it_is_said(url):
    assert laws(**OPENAI, base_url=url) == [("/base_url", "tls")]
    assert laws(**OPENAI, base_url=url, insecure=True) == []


@pytest.mark.parametrize(
    "url",
    [
        "ftp://h", "h/v1", "https://", "https://[::1", "https://h:99999/", "https://h/ v1",
        "https://h/\n", "https://h?key=1", "https://h/#a", "https://hé/", "file:///etc/passwd",
    ],
)  # fmt: skip
def test_what_is_no_address_is_found(url):
    assert laws(**OPENAI, base_url=url) == [("/base_url", "url")]


def test_a_secret_that_was_written_out_is_never_repeated():
    for fields in (
        {"secret": "sk-very-secret"},
        {"secret": "env:very secret"},
        {"secret": "file:very-secret"},
        {"secret": ["very-secret"]},
        {"secret": "env:" + "very-secret" * 999},
        {"base_url": "https://me:very-secret@h/v1"},
        {"base_url": "https://h/v1?key=very-secret"},
    ):
        _, findings = read_entry(Source({**OPENAI, **fields}))
        assert findings
        assert "very" not in str(findings)


def test_a_reference_is_a_variable_or_an_absolute_path():
    for secret in ("env:OPENAI_API_KEY", "env:_x1", "file:/run/secrets/key", "file:/a b"):
        assert laws(provider="openai", id="m", secret=secret) == []
    for secret in ("env:", "env:1A", "env:A B", "file:", "file:x", "file:/a\n", "ENV:A", ""):
        assert laws(provider="openai", id="m", secret=secret)[0] == ("/secret", "reference")


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"provider": "opnai"}, ("/provider", "unknown-provider")),
        ({"provider": ["openai"]}, ("/provider", "type")),
        ({"id": ""}, ("/id", "length")),
        ({"name": "A b"}, ("/name", "form")),
        ({"parameters": {"grammar": "x"}}, ("/parameters/grammar", "unsupported")),
        ({"price": {"input_usd_per_million": 1}}, ("/price", "missing-key")),
        ({"limits": {"concurrency": 0}}, ("/limits/concurrency", "range")),
        ({"limits": {"timeout_seconds": 0}}, ("/limits/timeout_seconds", "range")),
        ({"limits": {"attempts": 21}}, ("/limits/attempts", "range")),
        ({"limits": {"requests_per_minute": 0}}, ("/limits/requests_per_minute", "range")),
        ({"insecure": "yes"}, ("/insecure", "type")),
        ({"baseurl": "https://h"}, ("/baseurl", "unknown-key")),
    ],
)
def test_a_mistake_is_found_at_its_place(fields, found):
    assert laws(**{**OPENAI, **fields}) == [found]


def test_all_mistakes_are_found_at_once():
    assert len(laws(provider="openai", limits={"attempts": 0}, price={}, foo=1)) == 6


def test_an_experiments_parameters_are_held_to_the_entrys_provider():
    entry = ModelEntry("openai", "m", parameters={"json_schema": {}})
    assert parameter_findings(entry, {"seed": 1}) == ()
    unsupported, conflict = parameter_findings(entry, {"grammar": "x"})
    assert (unsupported.where, unsupported.law) == ("/parameters/grammar", "unsupported")
    assert (conflict.where, conflict.law) == ("/parameters", "one-of")
