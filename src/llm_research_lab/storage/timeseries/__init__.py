"""Samples of series: taken in batches, kept in a log and in blocks, given as columns."""

from llm_research_lab.storage.timeseries.memory import MemorySeries
from llm_research_lab.storage.timeseries.port import Appended, Batch, SeriesStore
from llm_research_lab.storage.timeseries.store import FileSeries, Shape, Status

__all__ = ["Appended", "Batch", "FileSeries", "MemorySeries", "SeriesStore", "Shape", "Status"]
