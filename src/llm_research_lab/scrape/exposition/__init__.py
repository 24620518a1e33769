"""What a target exposes, as text 0.0.4 or as OpenMetrics, becomes samples."""

from llm_research_lab.scrape.exposition.openmetrics import parse_openmetrics
from llm_research_lab.scrape.exposition.samples import ExpositionError, Metadata, Parsed, Series
from llm_research_lab.scrape.exposition.text import parse_text

__all__ = [
    "ExpositionError",
    "Metadata",
    "Parsed",
    "Series",
    "parse_openmetrics",
    "parse_text",
]
