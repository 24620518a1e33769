"""Immutable bytes under the SHA-256 of what they say."""

from llm_research_lab.storage.objects.files import FileObjects
from llm_research_lab.storage.objects.memory import MemoryObjects
from llm_research_lab.storage.objects.port import ObjectStore, ObjectWriter

__all__ = ["FileObjects", "MemoryObjects", "ObjectStore", "ObjectWriter"]
