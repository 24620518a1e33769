"""Rows: CSV and JSON Lines in, a schema, findings, canonical bytes and statistics out."""

from llm_research_lab.experiments.rows.canonical import row_lines, schema_line
from llm_research_lab.experiments.rows.checking import Columns, CsvCheck, JsonCheck
from llm_research_lab.experiments.rows.findings import KEPT, Findings
from llm_research_lab.experiments.rows.inferring import Inference
from llm_research_lab.experiments.rows.reading import Format, reader_for
from llm_research_lab.experiments.rows.row import ROW_BYTES, Row, RowReader
from llm_research_lab.experiments.rows.statistics import Statistics

__all__ = [
    "KEPT",
    "ROW_BYTES",
    "Columns",
    "CsvCheck",
    "Findings",
    "Format",
    "Inference",
    "JsonCheck",
    "Row",
    "RowReader",
    "Statistics",
    "reader_for",
    "row_lines",
    "schema_line",
]
