"""Label values are admitted, replaced or refused: a stranger's make no series."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.signals.declared import metric, packaged

from llm_research_lab.signals.admitting import Admitted, Refused, admit

PACKAGED = packaged()
LABELS = ("word", "loose", "name", "self")


def fold(one, given_values, process="api"):
    """Admit all in turn: the series that come of it."""
    seen, series = set(), set()
    for values in given_values:
        answer = admit(one, process, values, seen)
        if isinstance(answer, Admitted):
            series.add(answer.values)
            if answer.counted is not None:
                seen.add(answer.counted)
    return series


@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=60))
def test_values_outside_a_closed_set_add_no_series(pairs):
    closed = metric(labels=("word", "loose"))
    series = fold(closed, pairs)
    assert series <= {(word, loose) for word in ("a", "b") for loose in ("x", "other")}


@given(st.lists(st.text(max_size=5), max_size=60))
def test_a_bounded_set_keeps_the_first_and_calls_the_rest_other(names):
    series = fold(metric(labels=("name",)), [(name,) for name in names])
    new = list(dict.fromkeys(n for n in names if n not in {"unknown", "other"}))
    kept = {(name,) for name in new[:2]}
    assert kept <= series <= kept | {("other",), ("unknown",)}
    assert (("other",) in series) == (len(new) > 2 or "other" in names)


def test_bounded_labels_of_one_metric_are_bounded_together():
    load = packaged().metrics["dataset_load_duration_seconds"]
    pairs = [(f"d{i % 150}", f"v{i}", "csv") for i in range(300)]
    series = fold(load, pairs, "runner")
    assert len(series) == 101
    assert ("other", "other", "csv") in series
    info = packaged().metrics["python_info"]
    assert fold(info, [("CPython", "3.11.2")]) == {("CPython", "3.11.2")}


def test_another_value_of_a_closed_set_is_refused_with_the_reason():
    answer = admit(metric(labels=("word",)), "api", ("c",), frozenset())
    assert isinstance(answer, Refused)
    assert str(answer) == "word has no value 'c'"


@pytest.mark.parametrize(("values", "why"), [((), "word"), (("a", "b"), "got 2")])
def test_the_wrong_number_of_values_is_refused(values, why):
    assert why in str(admit(metric(labels=("word",)), "api", values, frozenset()))


def test_a_metric_without_labels_takes_none():
    assert admit(metric(), "api", (), frozenset()) == Admitted(())
    assert "no labels" in str(admit(metric(), "api", ("a",), frozenset()))


def test_the_own_value_of_another_process_is_refused():
    one = metric(labels=("self",))
    assert admit(one, "runner", ("runner",), frozenset()) == Admitted(("runner",))
    assert isinstance(admit(one, "runner", ("api",), frozenset()), Refused)


@given(st.lists(st.tuples(st.text(max_size=9), st.text(max_size=9), st.text(max_size=4))))
def test_random_methods_and_statuses_make_no_series(requests):
    total = PACKAGED.metrics["api_request_total"]
    series = fold(total, [(m, "unmatched", s) for m, _, s in requests])
    allowed = total.labels
    assert all(m in allowed["method"].values for m, _, _ in series)
    assert all(s in allowed["status"].values for _, _, s in series)
