"""The report: one HTML file that needs no network, with everything that a replay found."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from llm_research_lab.commands.metrics.whole import whole

_PARTS = files("llm_research_lab.commands.replay") / "page"


def write_report(path: Path, value: dict[str, Any]) -> None:
    """Write the file, whole or not at all; equal values give equal bytes."""
    with whole(path) as file:
        file.write(report(value).encode())


def report(value: dict[str, Any]) -> str:
    """Give the page. What the value says stays data: no word of it can become markup."""
    data = json.dumps(_shown(value), ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        data = data.replace(character, f"\\u{ord(character):04x}")
    parts = {name: _part(f"page.{name}") for name in ("css", "js")}
    return Template(_part("page.html")).substitute(parts, data=data)


def _shown(value: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the page does not show: it is most of the bytes."""
    kept = {name: one for name, one in value.items() if name != "pages"}
    kept["alerts"] = [
        {name: one for name, one in alert.items() if name not in {"heard", "labels"}}
        for alert in value["alerts"]
    ]
    if "before" in kept:
        kept["before"] = _shown(kept["before"])
    return kept


def _part(name: str) -> str:
    return (_PARTS / name).read_text(encoding="utf-8").rstrip()
