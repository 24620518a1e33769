"""Whichever of the lab's processes lives is a target; the file changes when they do."""

from __future__ import annotations

import json
import os

from llm_research_lab.service.local_targets import targets, write_targets


def says(run, name, **facts):
    run.mkdir(exist_ok=True)
    (run / name).write_text(json.dumps(facts))


def url(port):
    return f"http://127.0.0.1:{port}/metrics"


def test_each_living_process_is_a_target_under_its_services_name(tmp_path):
    me = os.getpid()
    says(tmp_path, "api.json", pid=me, metrics_url=url(1))
    says(tmp_path, "runner-7.json", pid=me, metrics_url=url(2))
    says(tmp_path, "ops.json", pid=1, metrics_url=url(3))
    assert targets(tmp_path) == [
        {"targets": ["127.0.0.1:1"], "labels": {"service": "llm-research-lab-api"}},
        {"targets": ["127.0.0.1:3"], "labels": {"service": "llm-research-lab-ops"}},
        {"targets": ["127.0.0.1:2"], "labels": {"service": "experiment-runner"}},
    ]


def test_a_process_that_is_gone_or_says_nothing_readable_is_none(tmp_path):
    says(tmp_path, "api.json", pid=0x7FFFFFFE, metrics_url=url(1))
    says(tmp_path, "runner-1.json", metrics_url=url(1))
    says(tmp_path, "stranger.json", pid=os.getpid(), metrics_url=url(1))
    (tmp_path / "ops.json").write_text("{")
    assert targets(tmp_path) == []
    assert targets(tmp_path / "none") == []


def test_a_process_without_metrics_of_its_own_is_none(tmp_path):
    says(tmp_path, "ops.json", pid=os.getpid())
    assert targets(tmp_path) == []


def test_the_file_is_written_when_something_has_changed(tmp_path):
    file = tmp_path / "targets.json"
    says(tmp_path / "run", "api.json", pid=os.getpid(), metrics_url=url(1))
    write_targets(tmp_path / "run", file)
    before = file.stat()
    assert before.st_mode & 0o077 == 0
    write_targets(tmp_path / "run", file)
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    says(tmp_path / "run", "api.json", pid=os.getpid(), metrics_url=url(2))
    write_targets(tmp_path / "run", file)
    assert json.loads(file.read_text())[0]["targets"] == ["127.0.0.1:2"]
