"""Static, file and DNS discovery."""

import os

import pytest

from llm_research_lab.scrape.discovery import (
    BrokenFileError,
    FileGroups,
    NameGroups,
    StaticGroups,
    discoveries,
    read_groups,
)
from llm_research_lab.scrape.jobs import Files, Group, Job, Names


def test_a_job_is_fed_by_all_its_sources():
    job = Job(
        "j",
        1_000,
        1_000,
        groups=(Group(("a:1",)),),
        files=(Files(("x.yml",), 1_000),),
        names=(Names(("n",)),),
    )
    static, files, names = discoveries(job)
    assert isinstance(static, StaticGroups)
    assert static.groups() == (Group(("a:1",)),)
    assert (static.every_ms, files.every_ms, names.every_ms) == (0, 1_000, 30_000)


def test_files_are_read_again_when_they_change_and_kept_when_they_break(tmp_path):
    one, two = tmp_path / "a.yml", tmp_path / "b.json"
    one.write_text("- targets: [a:1]\n  labels: {x: 1}\n")
    two.write_text('[{"targets": ["b:1", "b:2"]}]')
    files = FileGroups(Files((f"{tmp_path}/*.yml", f"{tmp_path}/b.json")))
    first, second = files.groups()
    assert first == Group(("a:1",), (("__meta_filepath", str(one)), ("x", "1")), f"{one}:0")
    assert second.targets == ("b:1", "b:2")
    assert files.error == ""
    one.write_text("- targets: [a:2]\n")
    os.utime(one, ns=(1, 1))
    assert files.groups()[0].targets == ("a:2",)
    one.write_text("- targetz: []")
    assert files.groups()[0].targets == ("a:2",)
    assert str(one) in files.error
    one.unlink()
    assert files.groups() == (second,)
    assert files.error == ""


def test_a_file_that_cannot_be_opened_is_told(tmp_path):
    (tmp_path / "a.yml").mkdir()
    files = FileGroups(Files((f"{tmp_path}/*.yml",)))
    assert files.groups() == ()
    assert "a.yml" in files.error


def test_an_empty_file_has_no_groups_and_a_broken_one_names_its_place():
    assert read_groups(b"", "f.yml") == ()
    with pytest.raises(BrokenFileError):
        read_groups(b"", "f.json")
    with pytest.raises(BrokenFileError) as caught:
        read_groups(b"- targets: [\n", "f")
    assert caught.value.where.startswith("f:")


def test_names_become_targets_and_keep_them_when_dns_fails():
    records = {"a": [("127.0.0.1", 0), ("::1", 0)], "s": [("h.", 9)]}

    def resolve(name, kind):
        if name not in records:
            raise OSError("no answer")
        return records[name]

    names = NameGroups(Names(("a", "s", "gone"), "A", 80), resolve)
    first, second = names.groups()
    assert first == Group(("127.0.0.1:80", "[::1]:80"), (("__meta_dns_name", "a"),), "a")
    assert second.targets == ("h:9",)
    assert names.error == "gone: no answer"
    del records["a"]
    assert names.groups()[0] == first


def test_the_systems_resolver_is_asked_by_default():
    (group,) = NameGroups(Names(("localhost",), "A", 80)).groups()
    assert "127.0.0.1:80" in group.targets
