"""Draft a migration: `python scripts/draft_migration.py 0002 "name what it does"`.

Compares tables.py with the schema that the migrations before it make, and writes the difference to
versions/. Read it, mend it, then set HEAD in migrations/migration.py. Until 0001 is released it is
drafted anew: delete it, and draft it again.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

HERE = Path(__file__).parents[1] / "src/llm_research_lab/storage/relational/migrations"


def main(number: str, message: str) -> None:
    """Write versions/NUMBER_MESSAGE.py."""
    with tempfile.TemporaryDirectory() as scratch:
        engine = create_engine(f"sqlite:///{scratch}/lab.db")
        with engine.connect() as connection:
            config = Config()
            config.set_main_option("script_location", str(HERE).replace("%", "%%"))
            config.set_main_option("path_separator", "os")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
            command.revision(config, message=message, autogenerate=True, rev_id=number)
    written = next((HERE / "versions").glob(f"{number}_*.py"))
    subprocess.run(["ruff", "format", written], check=False)  # else by pre-commit
    print(f"wrote {written}; now read it, and set HEAD to {number}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
