"""How experiments and comparisons look to a person: scores with intervals, and plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llm_research_lab.cli.rendering import print_line, print_table

SMALL_P = 0.001


def print_experiments(found: Sequence[Mapping[str, Any]]) -> None:
    """One line an experiment: scores, latency, tokens, cost, cache, failures."""
    metrics = list(dict.fromkeys(name for one in found for name in _scores(one)))
    columns: dict[str, Any] = {
        "experiment": lambda one: one["name"],
        "status": lambda one: one["status"],
        "samples": lambda one: one["samples"],
    }
    for metric in metrics:
        columns[f"{metric} (95 %)"] = _interval_of(metric)
    columns |= {
        "p50 / p95 / p99 s": lambda one: _percentiles(_summary(one).get("latency_seconds")),
        "tokens in / out": lambda one: _tokens(_summary(one).get("tokens")),
        "USD": _cost,
        "cached": lambda one: _summary(one).get("cache_hits"),
        "failures": lambda one: failures(_summary(one).get("failures")),
    }
    print_table(found, columns, "No experiments yet: lab experiment run FILE")


def print_comparison(found: Mapping[str, Any]) -> None:
    """One line a metric, then each in a sentence."""
    from llm_research_lab.experiments.comparing import words

    a, b = found["a"], found["b"]
    rows = list(found["metrics"].items())
    columns = {
        "metric": lambda row: row[0],
        a["name"]: lambda row: _number(row[1]["mean_a"]),
        b["name"]: lambda row: _number(row[1]["mean_b"]),
        "difference (95 %)": lambda row: _interval(row[1], "difference", signed=True),
        "p": lambda row: _p(row[1]["p_value"]),
        "won": lambda row: row[1]["won"],
        "lost": lambda row: row[1]["lost"],
        "tied": lambda row: row[1]["tied"],
    }
    print_table(rows, columns, "The two experiments have no metric in common.")
    for metric, difference in rows:
        print_line(words(a["name"], b["name"], metric, difference))


def failures(kinds: Mapping[str, int] | None) -> str:
    """Say ``none``, or how many of which kind."""
    if not kinds:
        return "none"
    return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))


def _summary(one: Mapping[str, Any]) -> Mapping[str, Any]:
    return one.get("summary") or {}


def _scores(one: Mapping[str, Any]) -> Mapping[str, Any]:
    return _summary(one).get("scores") or {}


def _interval_of(metric: str) -> Any:
    return lambda one: _interval(_scores(one).get(metric), "mean")


def _interval(found: Mapping[str, Any] | None, key: str, *, signed: bool = False) -> str:
    if not found or found[key] is None:
        return "-"
    sign = "+" if signed else ""
    return f"{found[key]:{sign}.3f} ({found['low']:{sign}.3f} to {found['high']:{sign}.3f})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _p(value: float | None) -> str:
    return "<0.001" if value is not None and value < SMALL_P else _number(value)


def _percentiles(found: Mapping[str, Any] | None) -> str:
    if not found or found["p50"] is None:
        return "-"
    return " / ".join(f"{found[name]:.2f}" for name in ("p50", "p95", "p99"))


def _tokens(found: Mapping[str, Any] | None) -> str:
    return "-" if not found else f"{found['input']} / {found['output']}"


def _cost(one: Mapping[str, Any]) -> str:
    cost = _summary(one).get("cost_usd", one.get("cost_usd"))
    return "no price" if cost is None else str(cost)
