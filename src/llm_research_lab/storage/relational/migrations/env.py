"""Alembic runs in the transaction that `migrate` opened, and ends it neither way."""

from alembic import context

from llm_research_lab.storage.relational.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by rebuilding it
    transactional_ddl=False,
)
context.run_migrations()
