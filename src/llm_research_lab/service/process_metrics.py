"""What every process says of itself, under the names that the catalog declares."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from llm_research_lab import __version__
from llm_research_lab.service.logs import Handler

if TYPE_CHECKING:
    from llm_research_lab.storage.relational import DatabaseStatistics


class _Own(Collector):
    """Reads what is counted elsewhere, when it is scraped."""

    def __init__(self, statistics: Callable[[], DatabaseStatistics]) -> None:
        self._statistics = statistics

    def collect(self) -> Iterator[Metric]:
        """Give the database's queue, the lost lines of the log, and the version."""
        build = GaugeMetricFamily(
            "lab_build_info", "1, with the version that runs.", None, ["version"]
        )
        build.add_metric([__version__], 1)
        yield build
        waiting = self._statistics().writes_waiting
        yield GaugeMetricFamily(
            "db_writes_waiting", "Writes queued for the process's one writer.", waiting
        )
        yield CounterMetricFamily(
            "log_lines_dropped",
            "Log lines lost because the output would not take them.",
            Handler.lost,
        )


def process_registry(statistics: Callable[[], DatabaseStatistics]) -> CollectorRegistry:
    """Make a registry that knows the process, Python and the database's writer."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    registry.register(_Own(statistics))
    return registry
