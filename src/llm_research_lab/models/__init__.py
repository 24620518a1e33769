"""Providers of models: one port, and what stands behind it."""

from llm_research_lab.models.engine import BundledSettings
from llm_research_lab.models.port import Answer, Call, Provider, ProviderError
from llm_research_lab.models.providers import provider_for

__all__ = ["Answer", "BundledSettings", "Call", "Provider", "ProviderError", "provider_for"]
