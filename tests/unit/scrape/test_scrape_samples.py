"""A target's samples, from scrape to scrape."""

import math

import pytest

from llm_research_lab.scrape.jobs import Bounds, Job
from llm_research_lab.scrape.relabel import Relabel
from llm_research_lab.scrape.samples import Counts, TargetSamples
from llm_research_lab.vocabulary.labels import labels_of

TARGET = (("instance", "h:1"), ("job", "j"))
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def samples(**given):
    return TargetSamples(TARGET, Job("j", 10_000, 5_000, **given))


def scrape(one, body, time_ms=1_000, kind="text/plain"):
    return one.scraped(body.encode(), kind, time_ms, lambda: 0.25)


def rows(batch):
    """By name and own labels: value, or "stale"; with the time where it is not 1000."""
    stale = [False] * len(batch.labels) if batch.stale is None else batch.stale.tolist()
    found = {}
    for labels, time, value, marked in zip(
        batch.labels, batch.times.tolist(), batch.values.tolist(), stale, strict=True
    ):
        own = {name: text for name, text in labels if (name, text) not in TARGET}
        name = own.pop("__name__")
        key = name + "".join(f",{one}={text}" for one, text in own.items())
        found[key] = "stale" if marked else value if time == 1_000 else (value, time)
    return found


def told(up, scraped, kept, added):
    return {
        "up": up,
        "scrape_duration_seconds": 0.25,
        "scrape_samples_scraped": scraped,
        "scrape_samples_post_metric_relabeling": kept,
        "scrape_series_added": added,
    }


def test_a_scrape_is_one_batch_of_samples_and_report():
    one = samples()
    got = scrape(one, '# TYPE a gauge\na{x="1"} 1\nb 2\n')
    assert rows(got.batch) == {"a,x=1": 1, "b": 2, **told(1, 2, 2, 2)}
    assert got.counts == Counts(2, 2, 2)
    assert got.error is None
    assert one.metadata["a"].type == "gauge"
    assert got.batch.labels[0] == labels_of({"__name__": "a", "x": "1", **dict(TARGET)})


def test_the_same_series_give_the_very_same_labels():
    one = samples()
    first = scrape(one, "a 1\nb 2\n")
    again = scrape(one, "a 3\nb 4\n")
    assert again.batch.labels is first.batch.labels
    assert rows(again.batch) == {"a": 3, "b": 4, **told(1, 2, 2, 0)}


def test_a_series_that_vanishes_ends_and_counts_as_added_when_it_is_back():
    one = samples()
    scrape(one, "a 1\nb 2\n")
    assert rows(scrape(one, "b 2\n").batch) == {"b": 2, "a": "stale", **told(1, 1, 1, 0)}
    assert rows(scrape(one, "b 2\n").batch) == {"b": 2, **told(1, 1, 1, 0)}
    assert rows(scrape(one, "b 2\na 3\n").batch) == {"b": 2, "a": 3, **told(1, 2, 2, 1)}


def test_a_failure_ends_all_series_once_and_they_come_back_without_being_new():
    one = samples()
    scrape(one, "a 1\n")
    failed = one.failed(1_000, 0.25, "no")
    assert rows(failed.batch) == {"a": "stale", **told(0, 0, 0, 0)}
    assert failed.error == "no"
    assert rows(one.failed(1_000, 0.25, "no").batch) == told(0, 0, 0, 0)
    assert rows(scrape(one, "a 1\n").batch) == {"a": 1, **told(1, 1, 1, 0)}


def test_what_breaks_the_format_fails_as_a_whole_and_tells_what_stood_before():
    one = samples()
    scrape(one, "a 1\n")
    got = scrape(one, "a 1\nb 2\nc\n")
    assert rows(got.batch) == {"a": "stale", **told(0, 2, 2, 2)}
    assert got.error.startswith("3:2")


def test_a_target_that_goes_ends_its_report_too():
    one = samples()
    scrape(one, "b 1\na 1\n")
    assert set(rows(one.ended(1_000)).values()) == {"stale"}
    assert len(rows(one.ended(1_000))) == 5


def test_times_of_their_own_are_honoured_without_staleness_or_not_at_all():
    one = samples()
    assert rows(scrape(one, "a 1 5\nb 2\n").batch) == {"a": (1, 5), "b": 2, **told(1, 2, 2, 2)}
    assert rows(scrape(one, "a 1 6\nb 2\n").batch) == {"a": (1, 6), "b": 2, **told(1, 2, 2, 0)}
    assert rows(scrape(one, "c 1").batch) == {"c": 1, "b": "stale", **told(1, 1, 1, 1)}
    assert rows(scrape(samples(honor_timestamps=False), "a 1 5\n").batch)["a"] == 1


def test_of_two_samples_at_one_time_the_first_stands():
    got = scrape(samples(), 'a 1\na{x=""} 2\nb 1 5\nb 2 6\nb 3 5')
    assert got.batch.values.tolist()[:3] == [1, 1, 2]
    assert got.batch.times.tolist()[:3] == [1_000, 5, 6]
    assert got.counts.kept == 5


def test_another_content_type_is_read_by_its_own_rules():
    one = samples()
    scrape(one, 'a{x="1" y="2"} 1')
    assert scrape(one, 'a{x="1" y="2"} 1\n# EOF', kind=OPENMETRICS).error
    assert rows(scrape(one, "a 1 2 # {} 3\n# EOF", kind=OPENMETRICS).batch)["a"] == (1, 2_000)


def test_the_targets_labels_stand_over_the_samples_unless_those_are_honoured():
    body = 'a{job="x",exported_job="y",instance=""} 1'
    assert "a,exported_exported_job=x,exported_job=y" in rows(scrape(samples(), body).batch)
    got = scrape(samples(honor_labels=True), body)
    assert got.batch.labels[0] == labels_of({"__name__": "a", "job": "x", "exported_job": "y"})


def test_rules_change_and_drop_samples():
    rules = (
        Relabel("drop", ("__name__",), regex="b"),
        Relabel(source_labels=("__name__",), regex="c", target_label="d", replacement="e"),
    )
    one = samples(metric_rules=rules)
    for added in (3, 0):
        got = scrape(one, "a 1\nb 2\nc 3\n")
        assert rows(got.batch) == {"a": 1, "c,d=e": 3, **told(1, 3, 2, added)}


def test_a_label_twice_fails_the_scrape():
    got = scrape(samples(), 'b 1\na{x="1",x="2"} 1')
    assert "once" in got.error
    assert got.counts == Counts(2, 1, 2)


def test_a_rule_that_takes_the_name_away_fails_the_scrape():
    one = samples(metric_rules=(Relabel("labeldrop", regex="__name__"),))
    assert "name" in scrape(one, "a 1").error


@pytest.mark.parametrize(
    ("bounds", "body", "word"),
    [
        (Bounds(samples=1), "a 1\nb 1", "sample_limit"),
        (Bounds(labels=3), 'a{x="1"} 1', "label_limit"),
        (Bounds(name_length=8), 'a{ninechars="1"} 1', "label_name_length_limit"),
        (Bounds(value_length=3), 'a{x="üü"} 1', "label_value_length_limit"),
    ],
)
def test_over_a_bound_the_scrape_fails_and_at_it_it_does_not(bounds, body, word):
    got = scrape(samples(bounds=bounds), body)
    assert word in got.error
    assert rows(got.batch)["up"] == 0
    assert scrape(samples(bounds=bounds), "a 1").error is None


def test_a_changed_job_reads_texts_anew_and_ends_what_it_renames():
    one = samples()
    scrape(one, "a 1\nb 1\n")
    rules = (
        Relabel(source_labels=("__name__",), regex="a", target_label="__name__", replacement="c"),
    )
    one.change(Job("j", 10_000, 5_000, metric_rules=rules))
    assert rows(scrape(one, "a 1\nb 1\n").batch) == {
        "c": 1,
        "b": 1,
        "a": "stale",
        **told(1, 2, 2, 2),
    }


def test_a_nan_is_a_sample_and_no_marker():
    got = scrape(samples(), "a NaN")
    assert got.batch.stale is None
    assert math.isnan(got.batch.values[0])
