"""Keep a released layout for the tests: `python scripts/dump_layout.py tests/golden/layouts/1`.

Makes a data directory with one row in each table, and writes its database as SQL, its VERSION and
an object beside it. Run it once for each release that changes the layout or the schema, and never
again for one that was released: the test opens what that release wrote.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from llm_research_lab.storage import DataDirectory
from llm_research_lab.storage.relational import Database
from llm_research_lab.storage.relational.tables import metadata

STATES = {"state": "waiting", "status": "queued"}


def fill(connection: Connection) -> None:
    """Put one row into each table; whatever refers to another refers to its row."""
    for table in metadata.sorted_tables:
        row = {column.name: value_of(column) for column in table.columns}
        connection.execute(sa.insert(table).values(row))


def value_of(column: sa.Column[Any]) -> Any:
    """Give a value of the column's type."""
    for key in column.foreign_keys:
        return value_of(key.column)
    if isinstance(column.type, sa.JSON):
        return {}
    kind = column.type.python_type
    if kind is str and column.name in STATES:
        return STATES[column.name]
    values: dict[type, Any] = {str: f"{column.table.name}-{column.name}", bytes: b"{}"}
    return values[kind] if kind in values else kind(1)


def main(folder: Path) -> None:
    """Write the layout into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        directory = DataDirectory.open(Path(scratch) / "lab")
        database = Database.open(directory.database)
        database.write_now(fill)
        database.close()
        connection = sqlite3.connect(directory.database)
        dump = "\n".join(connection.iterdump())
        connection.close()
        (folder / "lab.sql").write_text(f"{dump}\n", encoding="utf-8")
        (folder / "VERSION").write_bytes(directory.version_file.read_bytes())
    print(f"wrote {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
