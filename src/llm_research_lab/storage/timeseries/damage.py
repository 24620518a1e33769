"""What is not as it was written is said, and set aside by the writer; the rest is served."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from llm_research_lab.vocabulary import Finding

QUARANTINE = "quarantine"


@dataclass(slots=True)
class Damage:
    """Of one store; only the writer moves files."""

    root: Path
    writes: bool
    files: set[Path] = field(default_factory=set)
    """Files of blocks that could not be read: they are not asked again."""
    _found: dict[str, Finding] = field(default_factory=dict)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found since the store was opened."""
        return tuple(self._found.values())

    def add(self, findings: Iterable[Finding]) -> None:
        """Keep findings, each place's newest."""
        self._found |= {finding.where: finding for finding in findings}

    def say(self, path: Path, told: str) -> None:
        """Keep a finding about a file."""
        fix = "restore it from a snapshot; the rest is served"
        self.add([Finding(f"file {path}", "a file is as it was written", told, fix)])

    def isolate(self, path: Path, told: str) -> None:
        """Say it, and as the writer move it away."""
        self.say(path, told)
        if self.writes:
            place = self.root / QUARANTINE / path.name
            shutil.rmtree(place, ignore_errors=True)
            path.rename(place)

    def copy(self, path: Path, name: str) -> None:
        """Keep a copy of a damaged file."""
        shutil.copy2(path, self.root / QUARANTINE / name)

    def aside(self) -> list[Finding]:
        """Name what was set aside, by this process or by one before it."""
        law, fix = "a file is as it was written", "restore it from a snapshot, then delete this"
        return [
            Finding(f"path {path}", law, "it was damaged, and is set aside here", fix)
            for path in sorted((self.root / QUARANTINE).glob("*"))
        ]
