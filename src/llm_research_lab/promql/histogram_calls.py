"""Functions of histograms: classic buckets, gathered by their labels without ``le``.

Functions of native histograms answer nothing for floats, as Prometheus does.

Source: Prometheus, promql/functions.go (funcHistogramQuantile, funcHistogramFraction).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from llm_research_lab.promql import buckets
from llm_research_lab.promql.floats import format_float, format_open_metrics
from llm_research_lab.promql.limiting import Run
from llm_research_lab.promql.naming import empty_block, kept, nameless
from llm_research_lab.promql.nodes import Call
from llm_research_lab.promql.places import place
from llm_research_lab.promql.values import Block, Floats, ScalarValue, StringValue, Value
from llm_research_lab.vocabulary.labels import METRIC_NAME, Labels, label, labels_of, without

BUCKET_LABEL = "le"

MONOTONICITY = (
    "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see "
    "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)"
)


@dataclass(frozen=True, slots=True)
class _Histogram:
    """The buckets of one histogram: bounds ascending, and the rows of the block."""

    labels: Labels
    name: str
    bounds: Floats
    rows: list[int]


def _histograms(expr: Call, block: Block, run: Run) -> list[_Histogram]:
    """Gather buckets; a bucket without a bound that can be read is left out, with a warning."""
    found: dict[Labels, list[tuple[float, int]]] = defaultdict(list)
    for row, labels in enumerate(block.labels):
        bound = _bound(label(labels, BUCKET_LABEL))
        if bound is None:
            _warn_of_bound(expr, labels, run)
            continue
        key = without(labels, (BUCKET_LABEL,))
        found[key].append((bound, row))
    made = []
    for key, pairs in found.items():
        pairs.sort(key=lambda pair: pair[0])
        name = label(block.labels[pairs[0][1]], METRIC_NAME)
        bounds = np.array([bound for bound, _ in pairs], dtype=np.float64)
        made.append(_Histogram(key, name, bounds, [row for _, row in pairs]))
    return made


def _block_place(expr: Call, run: Run) -> str:
    """Name the place of the argument that holds the buckets."""
    at = 0 if expr.function == "histogram_quantiles" else -1
    return place(run.options.text, expr.args[at].span.start)


def _of_metric(name: str) -> str:
    return f' for metric name "{name}"' if name else ""


def _bound(text: str) -> float | None:
    """Read a bound as Go reads a float."""
    cleaned = text.replace("_", "x")
    try:
        value = float(cleaned) if not cleaned.lower().lstrip("+-").startswith("0x") else None
    except ValueError:
        return None
    return None if value is None or math.isnan(value) else value


def _warn_of_bound(expr: Call, labels: Labels, run: Run) -> None:
    if run.options.compat == 3:  # noqa: PLR2004
        at = _block_place(expr, run)
        value, name = label(labels, BUCKET_LABEL), label(labels, METRIC_NAME)
        run.notes.warn(
            f'PromQL warning: bucket label "le" is missing or has a malformed value of "{value}"'
            f"{_of_metric(name)} ({at})"
        )


def _answered(expr: Call, made: Sequence[tuple[Labels, Floats, np.ndarray]], run: Run) -> Block:
    """Put the series together, the names dropped or marked."""
    block = Block(
        tuple(labels for labels, _, _ in made),
        np.stack([values for _, values, _ in made]),
        np.stack([present for _, _, present in made]),
    )
    return kept(nameless(block, run.options, expr.span))


def _quantiles(
    expr: Call, block: Block, phis: Floats, run: Run, more: tuple[tuple[str, str], ...] = ()
) -> list[tuple[Labels, Floats, np.ndarray]]:
    made = []
    modern = run.options.compat == 3  # noqa: PLR2004
    for one in _histograms(expr, block, run):
        counts, present = block.values[one.rows], block.present[one.rows]
        out = np.empty(counts.shape[1])
        if buckets.quantiles(one.bounds, counts, present, phis, modern, out) and modern:
            name = one.name if run.options.delayed_names else ""
            run.notes.inform(f"{MONOTONICITY}{_of_metric(name)} ({_block_place(expr, run)})")
        labels = labels_of((*one.labels, *more)) if more else one.labels
        made.append((labels, out, np.asarray(present.any(axis=0))))
        run.options.check()
    return made


def _warn_of_phi(expr: Call, place_of: int, phis: Floats, run: Run) -> None:
    wrong = phis[~((phis >= 0) & (phis <= 1))]
    if len(wrong) and run.options.compat == 3:  # noqa: PLR2004
        at = place(run.options.text, expr.args[place_of].span.start)
        shown = format_float(float(wrong[0]), "g")
        run.notes.warn(
            f"PromQL warning: quantile value should be between 0 and 1, got {shown} ({at})"
        )


def _histogram_quantile(expr: Call, values: Sequence[Value], run: Run) -> Block:
    phis, block = cast("ScalarValue", values[0]).values, cast("Block", values[1])
    _warn_of_phi(expr, 0, phis, run)
    made = _quantiles(expr, block, phis, run)
    return _answered(expr, made, run) if made else empty_block(len(phis))


def _histogram_quantiles(expr: Call, values: Sequence[Value], run: Run) -> Block:
    """Several quantiles at once, told apart by a label."""
    block, name = cast("Block", values[0]), cast("StringValue", values[1]).value
    made: list[tuple[Labels, Floats, np.ndarray]] = []
    for at, value in enumerate(values[2:], 2):
        phis = cast("ScalarValue", value).values
        _warn_of_phi(expr, at, phis, run)
        for phi in np.unique(phis).tolist():
            here = np.isnan(phis) if math.isnan(phi) else phis == phi
            more = ((name, format_open_metrics(phi)),)
            found = _quantiles(expr, block, phis, run, more)
            made += [(labels, out, present & here) for labels, out, present in found]
    return _answered(expr, made, run) if made else empty_block(block.values.shape[1])


def _histogram_fraction(expr: Call, values: Sequence[Value], run: Run) -> Block:
    lows, highs = (cast("ScalarValue", one).values for one in values[:2])
    block = cast("Block", values[2])
    made = []
    for one in _histograms(expr, block, run):
        counts, present = block.values[one.rows], block.present[one.rows]
        out = np.empty(counts.shape[1])
        buckets.fractions(one.bounds, counts, present, lows, highs, out)
        made.append((one.labels, out, np.asarray(present.any(axis=0))))
    return _answered(expr, made, run) if made else empty_block(len(lows))


def _nothing(expr: Call, values: Sequence[Value], run: Run) -> Block:
    del expr, run
    return empty_block(cast("Block", values[-1]).values.shape[1])


HISTOGRAM_FUNCTIONS: Mapping[str, Callable[[Call, Sequence[Value], Run], Value]] = {
    "histogram_quantile": _histogram_quantile,
    "histogram_quantiles": _histogram_quantiles,
    "histogram_fraction": _histogram_fraction,
    "histogram_avg": _nothing,
    "histogram_count": _nothing,
    "histogram_sum": _nothing,
    "histogram_stddev": _nothing,
    "histogram_stdvar": _nothing,
}
