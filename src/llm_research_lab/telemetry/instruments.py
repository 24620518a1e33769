"""A process can emit what is declared for it: no other metric, label or value.

A family is a dictionary from label values to an instrument, so that on a hot path the checked
lookup costs one look into a dictionary. What breaks the declaration is counted in
``telemetry_refused_total`` and dropped; under ``LAB_STRICT_SIGNALS=1`` it is a ValueError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any, Generic, TypeVar, cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from llm_research_lab.signals import Declaration, Metric, Process
from llm_research_lab.signals.admitting import Refused, Values, admit
from llm_research_lab.telemetry.readings import AtScrape, Reader
from llm_research_lab.telemetry.strict import STRICT
from llm_research_lab.vocabulary import LabError

T = TypeVar("T")

REFUSED = "telemetry_refused_total"


class Silent:
    """An instrument that keeps nothing: of what is refused, and where nobody measures."""

    def inc(self, amount: float = 1, exemplar: dict[str, str] | None = None) -> None:
        """Keep nothing."""

    def dec(self, amount: float = 1) -> None:
        """Keep nothing."""

    def set(self, value: float) -> None:
        """Keep nothing."""

    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None:
        """Keep nothing."""


_SILENT: Any = Silent()


class Family(dict[Values, T], Generic[T]):
    """One metric's instruments by their label values, in the declaration's order.

    A first lookup checks the values; values that stand for the rest are checked each time, so that
    a stranger's leave nothing behind.
    """

    __slots__ = ("_admit", "_make", "_refuse")

    def __init__(
        self,
        admitted: Callable[[Values], Values | Refused],
        make: Callable[[Values], T],
        refuse: Callable[[Refused], T],
    ) -> None:
        super().__init__()
        self._admit = admitted
        self._make = make
        self._refuse = refuse

    def __missing__(self, values: Values) -> T:
        """Check the values; give the instrument that keeps them."""
        found = self._admit(values)
        if isinstance(found, Refused):
            return self._refuse(found)
        instrument = self.get(found)
        if instrument is None:
            instrument = self[found] = self._make(found)
        return instrument


class Instruments:
    """The families of one process. Nothing is exposed that was not made here."""

    __slots__ = ("_families", "_scraped", "process")

    def __init__(self, process: Process | None, families: dict[str, Family[Any]]) -> None:
        self.process = process
        self._families = families
        self._scraped: AtScrape | None = None

    @classmethod
    def of(
        cls,
        declaration: Declaration,
        process: Process,
        registry: CollectorRegistry,
        *,
        strict: bool = STRICT,
    ) -> Instruments:
        """Make all that the declaration has for the process; closed sets start at 0."""
        made = cls(process, {})

        def refuse(why: str) -> None:
            if strict:
                raise ValueError(why)
            made[REFUSED][("metric",)].inc()

        metrics = declaration.metrics_of(process)
        for metric in metrics:
            if not metric.at_scrape:
                made._add(metric, registry, refuse)
        scraped = [metric for metric in metrics if metric.at_scrape]
        made._scraped = AtScrape(scraped, process, refuse, made.broken)
        registry.register(made._scraped)
        return made

    @classmethod
    def silent(cls) -> Instruments:
        """Make the twin that takes everything and keeps nothing."""
        return cls(None, {})

    def __getitem__(self, name: str) -> Family[Any]:
        """Give a family of any kind. KeyError when the process has no such metric."""
        if self.process is None:
            return _SILENT_FAMILY
        return self._families[name]

    def counter(self, name: str) -> Family[Counter]:
        """Give a family of counters."""
        return cast("Family[Counter]", self[name])

    def gauge(self, name: str) -> Family[Gauge]:
        """Give a family of gauges."""
        return cast("Family[Gauge]", self[name])

    def histogram(self, name: str) -> Family[Histogram]:
        """Give a family of histograms."""
        return cast("Family[Histogram]", self[name])

    def read_at_scrape(self, *readers: Reader) -> None:
        """Have the readers asked at every scrape, for metrics that are declared ``at_scrape``."""
        if self._scraped is not None:
            self._scraped.readers.extend(readers)

    def broken(self, error: Exception) -> None:
        """Count an error that was survived."""
        if self.process is not None:
            kind = error.slug if isinstance(error, LabError) else "internal"
            self["error_total"][(kind, self.process, "error")].inc()

    def tally(self, counted: Iterable[tuple[str, Values, float]]) -> None:
        """Add what was counted elsewhere: (metric, label values, amount).

        Never raises: it happened already.
        """
        for name, values, amount in counted:
            family = self._families.get(name)
            try:
                if family is None:
                    self[REFUSED][("metric",)].inc()
                else:
                    family[values].inc(amount)
            except ValueError:
                self[REFUSED][("metric",)].inc()

    def _add(
        self, metric: Metric, registry: CollectorRegistry, refuse: Callable[[str], None]
    ) -> None:
        if self.process is not None:
            family = _family(metric, self.process, registry, refuse)
            self._families[metric.name] = family
            for values in metric.start(self.process):
                family[values]


def _family(
    metric: Metric,
    process: Process,
    registry: CollectorRegistry,
    refuse: Callable[[str], None],
) -> Family[Any]:
    whole = _instrument(metric, registry)
    seen: set[Values] = set()
    door = Lock()

    def admitted(values: Values) -> Values | Refused:
        with door:  # two threads must not both take the last place of a bound
            answer = admit(metric, process, values, seen)
            if isinstance(answer, Refused):
                return answer
            if answer.counted is not None:
                seen.add(answer.counted)
            return answer.values

    def dropped(refused: Refused) -> Any:
        refuse(f"{metric.name}: {refused}")
        return _SILENT

    def make(values: Values) -> Any:
        return whole.labels(*values) if values else whole

    return Family(admitted, make, dropped)


def _instrument(metric: Metric, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    labels = tuple(metric.labels)
    unit = metric.unit or ""
    stem = metric.name.removesuffix("_total") if metric.kind == "counter" else metric.name
    if not stem.endswith(f"_{unit}"):  # prometheus_client would put it behind the spec's name
        unit = ""
    if metric.kind == "histogram":
        return Histogram(
            metric.name,
            metric.help,
            labels,
            unit=unit,
            buckets=metric.buckets,
            registry=registry,
        )
    kind = Counter if metric.kind == "counter" else Gauge
    return kind(metric.name, metric.help, labels, unit=unit, registry=registry)


_SILENT_FAMILY: Family[Any] = Family(lambda _: (), lambda _: _SILENT, lambda _: _SILENT)

SILENT = Instruments.silent()
"""For a lab that nobody watches: a test's, a command's at the terminal."""
