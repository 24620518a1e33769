"""A model entry has one provider, made without a call, a connection or a load."""

from __future__ import annotations

from llm_research_lab.experiments.echo_script import script_of
from llm_research_lab.experiments.model_entry import ModelEntry
from llm_research_lab.models.bundled import BundledProvider
from llm_research_lab.models.echo import EchoProvider
from llm_research_lab.models.engine import BundledSettings
from llm_research_lab.models.port import Provider

DEFAULT = BundledSettings()


def provider_for(entry: ModelEntry, bundled: BundledSettings = DEFAULT) -> Provider:
    """The entry's provider. What is wrong with the entry is said by its calls, final.

    Only echo's script is read at once: InvalidError when it is none.
    """
    match entry.provider:
        case "echo":
            return EchoProvider(entry.id, script_of(entry.script))
        case "bundled":
            return BundledProvider(entry.id, bundled)
        case "openai":
            # httpx takes 0.2 s to import, and the other providers do without it.
            from llm_research_lab.models.openai import OpenAIProvider

            return OpenAIProvider(entry)
