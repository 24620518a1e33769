"""A format has one reader."""

from __future__ import annotations

from typing import Literal

from llm_research_lab.experiments.rows.csv_rows import CsvReader
from llm_research_lab.experiments.rows.json_rows import JsonReader
from llm_research_lab.experiments.rows.row import RowReader

Format = Literal["csv", "jsonl"]


def reader_for(format: Format) -> RowReader:  # noqa: A002 - the word of the API and the tables
    """Make a fresh reader; it reads one file."""
    return CsvReader() if format == "csv" else JsonReader()
