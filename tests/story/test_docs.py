"""The documentation is true: every link leads somewhere, generated pages are current."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
ROW = re.compile(
    r"^\| (?P<behaviour>[^|]+) \| `(?P<file>[^`]+)` \| `(?P<symbol>[^`]+)` \|$", re.MULTILINE
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    if page.is_relative_to(ROOT / "docs/spec"):
        return  # the requirements, kept as they were written
    missing = [
        target
        for target in LINK.findall(text)
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert missing == []


def test_generated_reference_pages_are_current():
    check = [sys.executable, "-m", "llm_research_lab", "reference", "--check", "docs/reference"]
    answer = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_every_room_holds_what_the_map_says():
    rows = list(ROW.finditer((ROOT / "docs/rooms.md").read_text(encoding="utf-8")))
    assert len(rows) >= 30
    for row in rows:
        file = ROOT / "src/llm_research_lab" / row["file"]
        assert file.is_file(), row["behaviour"]
        defined = re.compile(
            rf"^\s*(?:(?:async )?def|class) {row['symbol']}\b|^{row['symbol']}\b", re.MULTILINE
        )
        assert defined.search(file.read_text(encoding="utf-8")), (
            f"{row['behaviour']}: {row['file']}"
        )


def test_the_readme_starts_with_the_two_commands_and_is_short():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 120
    commands = [line.split("#")[0].strip() for line in lines if line.strip().startswith("make ")]
    assert commands[:2] == ["make run", "make test"]
