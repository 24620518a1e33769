"""The relational store: one writer that groups commits, many readers."""

from llm_research_lab.storage.relational.clock import now_ms
from llm_research_lab.storage.relational.database import Database, DatabaseStatistics
from llm_research_lab.storage.relational.tallies import tally

__all__ = ["Database", "DatabaseStatistics", "now_ms", "tally"]
