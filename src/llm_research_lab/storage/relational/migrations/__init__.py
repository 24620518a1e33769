"""A database is brought to this code's schema by one process, in one transaction, or refused."""

from llm_research_lab.storage.relational.migrations.migration import HEAD, migrate

__all__ = ["HEAD", "migrate"]
