"""``lab rules``: checked, tested and evaluated from a terminal, over what the lab has scraped."""

from __future__ import annotations

import json
import subprocess

import numpy as np
import pytest
from tests.servers.prometheus_server import found
from tests.story.conftest import cli

from llm_research_lab.storage import DataDirectory
from llm_research_lab.storage.timeseries import Batch
from llm_research_lab.storage.timeseries.store import FileSeries
from llm_research_lab.vocabulary.labels import labels_of

NOW = 1_790_000_040_000
MINUTE = 60_000
RULES = """
groups:
  - name: one
    rules:
      - {record: 'job:up:sum', expr: sum by (job) (up)}
      - {alert: Down, expr: 'job:up:sum == 0', for: 5m, annotations: {summary: gone}}
"""
UNIT = """
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series: [{series: 'up{job="api"}', values: '1 0x10'}]
    promql_expr_test:
      - {expr: 'job:up:sum', eval_time: 1m, exp_samples: [{labels: 'job:up:sum{job="api"}', value: VALUE}]}
"""


@pytest.fixture
def lab(tmp_path):
    """A data directory whose store has half an hour of `up`, the last twenty minutes 0."""
    directory = DataDirectory.open(tmp_path / "lab")
    store = FileSeries.open(directory.metrics)
    labels = labels_of({"__name__": "up", "job": "api"})
    times = NOW + MINUTE * np.arange(30, dtype=np.int64)
    store.append(Batch((labels,) * 30, times, np.where(np.arange(30) < 10, 1.0, 0.0)))
    store.close()
    (tmp_path / "rules.yml").write_text(RULES)
    return tmp_path


def span():
    return ["--from", str(NOW / 1000), "--to", str(NOW / 1000 + 29 * 60)]


def test_an_alert_is_drawn_over_the_past(lab):
    status, out, err = cli("rules", "eval", *span(), str(lab / "rules.yml"), data_dir=lab / "lab")
    assert status == 0, err
    assert "Down" in out
    assert "▒" in out
    assert "█" in out
    assert "job:up:sum" in out
    assert "pending" in err


def test_the_same_as_json(lab):
    status, out, _ = cli(
        "rules", "eval", *span(), "--json", str(lab / "rules.yml"), data_dir=lab / "lab"
    )
    assert status == 0
    told = json.loads(out)
    assert [one["state"] for one in told["intervals"]] == ["pending", "firing"]
    assert told["records"] == {"job:up:sum": 30}


def test_files_are_checked_and_findings_have_their_place(lab):
    status, out, _ = cli("rules", "check", str(lab / "rules.yml"), data_dir=lab / "lab")
    assert status == 0
    assert "one" in out
    status, out, _ = cli("rules", "check", "--json", str(lab / "rules.yml"), data_dir=lab / "lab")
    assert json.loads(out)[0]["alerts"] == 1
    (lab / "bad.yml").write_text("groups: [{name: g, rules: [{record: a, expr: 'sum('}]}]")
    status, _, err = cli("rules", "check", str(lab / "bad.yml"), data_dir=lab / "lab")
    assert status == 1
    assert "bad.yml" in err


@pytest.mark.parametrize(("value", "verdict"), [("0", 0), ("7", 1)])
def test_unit_tests_print_what_promtool_prints(lab, value, verdict):
    path = lab / "tests.yml"
    path.write_text(UNIT.replace("VALUE", value))
    status, out, _ = cli("rules", "test", "--compat", "2", str(path), data_dir=lab / "lab")
    assert status == verdict
    theirs = subprocess.run(
        [found("promtool"), "test", "rules", str(path)], capture_output=True, text=True, check=False
    )
    assert theirs.returncode == verdict
    assert out.split() == (theirs.stdout + theirs.stderr).split()
    status, out, _ = cli("rules", "test", "--json", str(path), data_dir=lab / "lab")
    assert bool(json.loads(out)[str(path)]) is bool(verdict)
