"""The specification's files are cut out of it as they stand; the demonstration's are those, repaired."""

from importlib.resources import files
from pathlib import Path

import pytest
from ruamel.yaml import YAML

HERE = Path(__file__).parent
SPEC = HERE.parents[1] / "docs/spec/operations-and-monitoring.md"
DEMO = files("llm_research_lab.catalog") / "demo"
WRITTEN = {
    one.name: one
    for folder in (DEMO / "written", DEMO / "written" / "rules")
    for one in folder.iterdir()
    if one.name.endswith(".yml")
}

FIRST_LINES = {
    "prometheus.yml": ["# prometheus.yml", "global:"],
    "recording-rules.yml": ["# /etc/prometheus/rules/recording_rules.yml"],
    "slo-alerts.yml": ["# /etc/prometheus/alerts/slo_alerts.yml"],
    "alertmanager.yml": ["# alertmanager.yml", "global:"],
    "slo-availability.yml": ["# Recording rule for availability SLO"],
    "slo-latency.yml": ["# Recording rule for latency SLO"],
    "escalation-policy.yaml": ["# escalation-policy.yaml"],
    "capacity-alerts.yml": ["# Capacity threshold alerts"],
    "cost-monitoring.yml": ["# cost-monitoring.yml"],
    "security-monitoring.yml": ["# security-monitoring.yml"],
    "compliance-checks.yml": ["# compliance-checks.yml"],
}
"""By file, how its block in the specification begins."""


def blocks():
    """All fenced blocks, as lines."""
    found, block = [], None
    for line in SPEC.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            if block is None:
                block = []
            else:
                found.append(block)
                block = None
        elif block is not None:
            block.append(line)
    return found


def repairs(name):
    data = DEMO / "repairs.yaml"
    listed = YAML(typ="safe").load(data.read_text(encoding="utf-8"))["repairs"]
    return [one for one in listed if one["file"] == name]


def repaired(text, name):
    for one in repairs(name):
        assert one["why"]
        if "group" in one:
            indented = "".join(f"      {line}\n" if line else "\n" for line in text.splitlines())
            text = f"groups:\n  - name: {one['group']}\n    rules:\n{indented}"
        else:
            assert one["was"] in text, one
            text = text.replace(one["was"], one["is"])
    return text


@pytest.mark.parametrize("name", FIRST_LINES)
def test_a_file_is_the_specifications_block_as_it_stands(name):
    begins = FIRST_LINES[name]
    (block,) = (one for one in blocks() if one[: len(begins)] == begins)
    assert (HERE / "spec" / name).read_text(encoding="utf-8") == "\n".join(block) + "\n"


def test_no_file_is_there_that_is_not_of_the_specification():
    assert {path.name for path in (HERE / "spec").iterdir()} == FIRST_LINES.keys()


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_the_demonstrations_file_differs_by_the_listed_repairs_alone(name):
    text = (HERE / "spec" / name).read_text(encoding="utf-8")
    assert WRITTEN[name].read_text(encoding="utf-8") == repaired(text, name)


def test_every_repair_is_of_a_file_of_the_demonstration():
    data = DEMO / "repairs.yaml"
    listed = YAML(typ="safe").load(data.read_text(encoding="utf-8"))["repairs"]
    assert {one["file"] for one in listed} <= WRITTEN.keys()
