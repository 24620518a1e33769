"""The lab's own processes as scrape targets: a file in Prometheus's discovery format, kept true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from llm_research_lab.service.run_files import facts_of
from llm_research_lab.storage import write_private
from llm_research_lab.telemetry.catalog import declaration

if TYPE_CHECKING:
    from pathlib import Path

    from llm_research_lab.signals import Process

TARGETS = "targets.json"

PROCESSES: dict[str, Process] = {"api": "api", "runner": "runner", "ops": "ops"}
"""By the first word of their run files' names."""

CONFIG = """\
# The lab scrapes its own processes by this; name another file with metrics_config in lab.toml.
global:
  scrape_interval: {interval}
  evaluation_interval: {interval}
rule_files:
  - rules/*.yml
scrape_configs:
  - job_name: lab
    file_sd_configs:
      - files: [{targets}]
        refresh_interval: 5s
    relabel_configs:
      - source_labels: [service]
        target_label: job
      - regex: service
        action: labeldrop
"""
"""Each process is a job of the service's name, as the spec's rules and dashboards have it."""


def write_targets(run: Path, file: Path) -> None:
    """Write the processes that say in `run` that they serve; unchanged when nothing has changed."""
    found = orjson.dumps(targets(run), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
    if not file.exists() or file.read_bytes() != found:
        write_private(file, found)


def targets(run: Path) -> list[dict[str, Any]]:
    """Give a target group per living process. Source: Prometheus's `file_sd_config`."""
    services = declaration().sets["service"]
    groups = []
    for path in sorted(run.glob("*.json")):
        process, facts = PROCESSES.get(path.stem.partition("-")[0]), facts_of(path)
        if process is None or facts is None:
            continue
        address = urlsplit(facts.get("metrics_url", "")).netloc
        if not address:
            continue
        labels = {"service": services.start(process)[0]}
        groups.append({"targets": [address], "labels": labels})
    return groups
