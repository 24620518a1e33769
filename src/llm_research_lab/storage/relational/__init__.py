"""The relational store: one writer that groups commits, many readers."""

from llm_research_lab.storage.relational.clock import now_ms
from llm_research_lab.storage.relational.database import Database, DatabaseStatistics

__all__ = ["Database", "DatabaseStatistics", "now_ms"]
