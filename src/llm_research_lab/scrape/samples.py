"""What a target's scrapes become: a batch each, with markers where a series ends.

The text of a series is read once and remembered with the labels it ends up with, as Prometheus's
scrape cache does; while the target exposes the same series, the batch's labels are the very same
tuple. Source: Prometheus, scrape/scrape.go (scrapeLoop.append, mutateSampleLabels).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from llm_research_lab.promql.values import Times
from llm_research_lab.scrape.exposition import (
    ExpositionError,
    Metadata,
    Parsed,
    Series,
    parse_openmetrics,
    parse_text,
)
from llm_research_lab.scrape.jobs import Bounds, Job
from llm_research_lab.scrape.relabel import relabel
from llm_research_lab.storage.timeseries.port import Batch
from llm_research_lab.vocabulary import InvalidError, LabError, TooLargeError
from llm_research_lab.vocabulary.labels import METRIC_NAME, Labels, label, labels_of

OPENMETRICS_TYPE = "application/openmetrics-text"

REPORT = (
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
)
"""What each scrape says of itself, in this order."""

_EXPORTED = "exported_"


@dataclass(slots=True, eq=False)
class Entry:
    """A series as a target exposes it: the labels it is stored with, None when a rule drops it."""

    labels: Labels | None


class SampleLimitError(TooLargeError):
    """The target exposes more samples than its job allows."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a scrape brought: samples, those that the rules left, series that are new."""

    scraped: int = 0
    kept: int = 0
    added: int = 0


@dataclass(frozen=True, slots=True)
class Scraped:
    """What a scrape stores, and the error for which it stores no more than that it failed."""

    batch: Batch
    counts: Counts
    error: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """Which samples of an exposition are stored, and as what: equal as long as the series are.

    `index` are the places of the stored samples; `labels` theirs, then the report's; `tracked` the
    series that end when they vanish: those without times of their own.
    """

    series: list[Entry] = field(default_factory=list)
    times: dict[int, int] = field(default_factory=dict)
    index: Times = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    labels: tuple[Labels, ...] = ()
    tracked: frozenset[Entry] = frozenset()
    kept: int = 0


class TargetSamples:
    """The series of one target, from scrape to scrape."""

    def __init__(self, labels: Labels, job: Job) -> None:
        self.labels = labels
        self.job = job
        self.metadata: dict[str, Metadata] = {}
        self._report = tuple(labels_of({**dict(labels), METRIC_NAME: name}) for name in REPORT)
        self._texts: dict[str, Entry] = {}
        self._entries: dict[Labels, Entry] = {}
        self._added = 0
        self._format = ""
        self._layout = _Layout(labels=self._report)

    def scraped(
        self, body: bytes, content_type: str, time_ms: int, elapsed: Callable[[], float]
    ) -> Scraped:
        """Read a body; what breaks the format or a bound fails the scrape as a whole."""
        parsed: Parsed[Entry] = Parsed()
        try:
            self._parse(body, content_type, parsed)
            layout = self._laid_out(parsed)
            self._check_count(layout.kept)
        except (InvalidError, TooLargeError) as error:
            return self.failed(time_ms, elapsed(), str(error), self._so_far(parsed, error))
        counts = Counts(len(parsed.series), layout.kept, self._added)
        self._forget(layout)
        self.metadata = parsed.metadata
        values = np.array(parsed.values, dtype=np.float64)[layout.index]
        report = (1.0, elapsed(), counts.scraped, counts.kept, counts.added)
        return Scraped(self._batch(layout, values, report, time_ms), counts)

    def failed(
        self, time_ms: int, seconds: float, error: str, counts: Counts | None = None
    ) -> Scraped:
        """Give markers of all that the last scrape had, and a report that says so."""
        counts = Counts() if counts is None else counts
        report = (0.0, seconds, counts.scraped, counts.kept, counts.added)
        layout = _Layout(labels=self._report)
        return Scraped(self._batch(layout, np.empty(0), report, time_ms), counts, error)

    def ended(self, time_ms: int) -> Batch:
        """Give markers of all its series, the report's too: the target is gone."""
        gone = (*_names(self._layout.tracked), *self._report)
        self._layout = _Layout(labels=self._report)
        count = len(gone)
        return Batch(
            gone,
            np.full(count, time_ms, dtype=np.int64),
            np.full(count, np.nan),
            np.ones(count, dtype=np.bool_),
        )

    def change(self, job: Job) -> None:
        """Go on by another form of the job: texts are read anew, what was stored is remembered."""
        self.job = job
        self._texts.clear()

    def _so_far(self, parsed: Parsed[Entry], error: LabError) -> Counts:
        """Count as Prometheus does: a sample that was read, then refused, is scraped, not kept."""
        refused = not isinstance(error, ExpositionError | SampleLimitError)
        kept = sum(entry.labels is not None for entry in parsed.series)
        return Counts(len(parsed.series) + refused, kept, self._added)

    def _parse(self, body: bytes, content_type: str, parsed: Parsed[Entry]) -> None:
        """Read the body in the format that its type names; another format, another memory."""
        self._added = 0
        kind = content_type.partition(";")[0].strip().lower()
        if kind != self._format:
            self._texts.clear()
            self._format = kind
        parse = parse_openmetrics if kind == OPENMETRICS_TYPE else parse_text
        parse(body, self._texts, self._entry, parsed)
        if not self.job.honor_timestamps:
            parsed.times.clear()

    def _entry(self, series: Series) -> Entry:
        """Make the entry of a text that was not seen: labels by the rules, within the bounds."""
        self._added += 1
        if len(dict(series)) != len(series):
            raise InvalidError("labels", "each label once", f"{series}"[:200], "mend the target")
        labels = relabel(
            _mutated(series, self.labels, self.job.honor_labels), self.job.metric_rules
        )
        if not labels:
            return Entry(None)
        if not label(labels, METRIC_NAME):
            raise InvalidError(
                "metric_relabel_configs", "a metric's name", f"{labels}", "keep __name__"
            )
        _check_labels(labels, self.job.bounds)
        return self._entries.setdefault(labels, Entry(labels))

    def _laid_out(self, parsed: Parsed[Entry]) -> _Layout:
        """Say which samples are stored; the last layout, where the series are the same.

        Of two samples of a series at one time the first stands.
        """
        last = self._layout
        if not parsed.times and not last.times and parsed.series == last.series:
            return last
        times = parsed.times
        first: dict[tuple[Entry, int | None], int] = {}
        kept = 0
        for index, entry in enumerate(parsed.series):
            if entry.labels is not None:
                kept += 1
                first.setdefault((entry, times.get(index)), index)
        return _Layout(
            series=parsed.series,
            times=times,
            index=np.fromiter(first.values(), dtype=np.int64, count=len(first)),
            labels=(*(entry.labels for entry, _ in first if entry.labels), *self._report),
            tracked=frozenset(entry for entry, time in first if time is None),
            kept=kept,
        )

    def _check_count(self, kept: int) -> None:
        """Refuse more samples than the job allows."""
        most = self.job.bounds.samples
        if most and kept > most:
            raise SampleLimitError(
                "sample_limit", f"at most {most} samples", f"{kept}", "expose less, or raise it"
            )

    def _forget(self, layout: _Layout) -> None:
        """Drop what is no longer exposed; should it come back, it counts as added."""
        if layout is self._layout:
            return
        shown = set(layout.series)
        if any(entry not in shown for entry in self._texts.values()):
            self._texts = {text: one for text, one in self._texts.items() if one in shown}
            self._entries = {one.labels: one for one in shown if one.labels is not None}

    def _batch(
        self,
        layout: _Layout,
        values: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
        report: tuple[float, ...],
        time_ms: int,
    ) -> Batch:
        """Put together samples, report and markers; from now on the layout is the last one."""
        gone = _names(self._layout.tracked - layout.tracked) if layout is not self._layout else ()
        self._layout = layout
        count = len(layout.labels) + len(gone)
        times = np.full(count, time_ms, dtype=np.int64)
        if layout.times:
            own = [layout.times.get(place, time_ms) for place in layout.index.tolist()]
            times[: len(own)] = own
        full = np.concatenate([values, np.array(report), np.full(len(gone), np.nan)])
        stale = None
        if gone:
            stale = np.arange(count) >= len(layout.labels)
        return Batch((*layout.labels, *gone) if gone else layout.labels, times, full, stale)


def _names(entries: frozenset[Entry]) -> tuple[Labels, ...]:
    """The labels of the entries, in order."""
    return tuple(sorted(entry.labels for entry in entries if entry.labels is not None))


def _mutated(series: Series, target: Labels, honor: bool) -> Labels:
    """Join a sample's labels and its target's.

    `honor`: the sample's stand, even one that is empty; else the target's stand, and the sample's
    of the same name get ``exported_`` before it, as often as it takes.
    """
    pairs = dict(series)
    if honor:
        return labels_of({**dict(target), **pairs})
    found = {name: value for name, value in pairs.items() if value}
    moved = {name: found.pop(name) for name, _ in target if name in found}
    found.update(target)
    for name in sorted(moved, key=len):
        other = _EXPORTED + name
        while other in found:
            other = _EXPORTED + other
        found[other] = moved[name]
    return labels_of(found)


def _check_labels(labels: Labels, bounds: Bounds) -> None:
    """Refuse a series with more labels, or longer ones, than the job allows."""
    if bounds.labels and len(labels) > bounds.labels:
        raise _over("label_limit", bounds.labels, len(labels))
    for name, value in labels:
        if bounds.name_length and len(name.encode()) > bounds.name_length:
            raise _over("label_name_length_limit", bounds.name_length, len(name.encode()))
        if bounds.value_length and len(value.encode()) > bounds.value_length:
            raise _over("label_value_length_limit", bounds.value_length, len(value.encode()))


def _over(where: str, most: int, got: int) -> TooLargeError:
    return TooLargeError(where, f"at most {most}", str(got), "expose less, or raise the limit")
