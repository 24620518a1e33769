"""Whether a database is at this code's schema is known without the weight of SQLAlchemy."""

from __future__ import annotations

import sqlite3
from pathlib import Path

VERSIONS = Path(__file__).parent / "relational" / "migrations" / "versions"


def newest() -> str:
    """Give this code's revision: the number that starts the name of the newest migration."""
    return max(file.name.partition("_")[0] for file in VERSIONS.glob("[0-9]*.py"))


def revision_of(file: Path) -> str | None:
    """Read the database's revision; None when there is none, or it cannot be read now."""
    if not file.is_file():
        return None
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=1)
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        return None
    finally:
        connection.close()
    return None if row is None else str(row[0])
