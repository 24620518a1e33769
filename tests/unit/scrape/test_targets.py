"""Groups become targets."""

import pytest

from llm_research_lab.scrape.jobs import Group, Job
from llm_research_lab.scrape.relabel import Relabel
from llm_research_lab.scrape.targets import targets_of

JOB = Job("j", 10_000, 5_000, params=(("a", ("1", "2")), ("b", ("3",)), ("c", ())))


def job(**given):
    rules = tuple(
        Relabel(target_label=name, replacement=value)
        for name, value in given.pop("set", {}).items()
    )
    fields = {"name": "j", "interval_ms": 10_000, "timeout_ms": 5_000, "rules": rules}
    return Job(**{**fields, **given})


def only(a_job, group):
    found = targets_of(a_job, [group])
    (target,) = found.targets
    return target, dict(found.targets[target])


def test_a_target_has_its_address_as_instance_and_its_parameters_in_the_url():
    target, discovered = only(JOB, Group(("h:1",), (("x", "y"), ("__meta_z", "m"))))
    assert target.labels == (("instance", "h:1"), ("job", "j"), ("x", "y"))
    assert target.url == "http://h:1/metrics?a=1&a=2&b=3"
    assert (target.interval_ms, target.timeout_ms) == (10_000, 5_000)
    assert discovered["__param_a"] == "1"
    assert discovered["__scrape_interval__"] == "10s"
    assert discovered["__meta_z"] == "m"


def test_rules_change_what_is_asked():
    changed = job(
        set={
            "__address__": "o:2",
            "__scheme__": "https",
            "__metrics_path__": "p",
            "__param_a": "9",
            "__scrape_interval__": "1m",
            "__scrape_timeout__": "2s",
            "instance": "me",
        },
        params=(("a", ("1", "2")),),
    )
    target, _ = only(changed, Group(("h:1",)))
    assert target.url == "https://o:2/p?a=9&a=2"
    assert (target.interval_ms, target.timeout_ms) == (60_000, 2_000)
    assert dict(target.labels)["instance"] == "me"


def test_targets_are_spread_over_the_interval_the_same_way_always_or_aligned():
    group = Group(tuple(f"h{index}:1" for index in range(50)))
    offsets = [target.offset_ms for target in targets_of(job(), [group]).targets]
    assert offsets == [target.offset_ms for target in targets_of(job(), [group]).targets]
    assert len({offset // 1_000 for offset in offsets}) > 5
    assert all(0 <= offset < 10_000 for offset in offsets)
    assert {target.offset_ms for target in targets_of(job(align=True), [group]).targets} == {0}


def test_equal_targets_are_one_and_dropped_ones_are_told():
    found = targets_of(JOB, [Group(("h:1", "h:1")), Group(("h:1",))])
    assert len(found.targets) == 1
    dropping = job(rules=(Relabel("drop", ("__address__",), regex="h.*"),))
    found = targets_of(dropping, [Group(("h:1", "i:1"))])
    assert [target.url for target in found.targets] == ["http://i:1/metrics"]
    assert dict(found.dropped[0])["__address__"] == "h:1"


@pytest.mark.parametrize(
    "change",
    [
        {"__address__": ""},
        {"__address__": "http://h:1"},
        {"__scheme__": "ftp"},
        {"__scrape_interval__": "x"},
        {"__scrape_timeout__": "1h"},
        {"__scrape_timeout__": "0s"},
    ],
)
def test_what_cannot_be_scraped_is_refused_and_the_rest_stays(change):
    rules = tuple(
        Relabel(source_labels=("bad",), regex="1", target_label=name, replacement=value)
        for name, value in change.items()
    )
    groups = [Group(("h:1",), (("bad", "1"),)), Group(("i:1",))]
    found = targets_of(job(rules=rules), groups)
    assert [target.url for target in found.targets] == ["http://i:1/metrics"]
    assert len(found.refused) == 1
