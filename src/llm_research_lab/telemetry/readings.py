"""What is counted elsewhere (by the kernel, the interpreter, the database) is read at a scrape."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.core import Metric as Sampled
from prometheus_client.registry import Collector

from llm_research_lab.signals import Metric, Process
from llm_research_lab.signals.admitting import Refused, Values, admit

Reading = tuple[str, Values, float]
"""A metric's name, its label values, and what it is now."""

Reader = Callable[[], Iterable[Reading]]


class AtScrape(Collector):
    """Asks its readers, checks what they say against the declaration, and gives families.

    A reader that breaks costs its own readings and no other's; `broken` is told. `refuse` is told
    of a reading that was not declared.
    """

    def __init__(
        self,
        metrics: Sequence[Metric],
        process: Process,
        refuse: Callable[[str], None],
        broken: Callable[[Exception], None],
    ) -> None:
        self.readers: list[Reader] = []
        self._metrics = {metric.name: metric for metric in metrics}
        self._process = process
        self._refuse = refuse
        self._broken = broken
        self._started = time.time()

    def collect(self) -> Iterator[Sampled]:
        """Read everything once."""
        read: dict[str, list[tuple[Values, float]]] = defaultdict(list)
        for reader in self.readers:
            for name, values, value in self._asked(reader):
                read[name].append((values, value))
        for name in read.keys() - self._metrics.keys():
            self._refuse(f"{name} is not declared to be read at a scrape")
        for name, metric in self._metrics.items():
            yield self._family(metric, read.get(name, ()))

    def _asked(self, reader: Reader) -> list[Reading]:
        try:
            return list(reader())
        except Exception as error:  # noqa: BLE001 - a scrape tells what can be told, and that
            self._broken(error)
            return []

    def _family(self, metric: Metric, read: Iterable[tuple[Values, float]]) -> Sampled:
        names = list(metric.labels)
        seen: set[Values] = set()
        kept: dict[Values, float] = {}
        for values, value in read:
            answer = admit(metric, self._process, values, seen)
            if isinstance(answer, Refused):
                self._refuse(f"{metric.name}: {answer}")
                continue
            if answer.counted is not None:
                seen.add(answer.counted)
            kept.setdefault(answer.values, value)
        if metric.kind == "counter":
            counters = CounterMetricFamily(metric.name, metric.help, labels=names)
            for values, value in kept.items():
                counters.add_metric(values, value, created=self._started)
            return counters
        gauges = GaugeMetricFamily(metric.name, metric.help, labels=names)
        for values, value in kept.items():
            gauges.add_metric(values, value)
        return gauges
