"""Which series stand together in which files is found once per question, while blocks stay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from llm_research_lab.storage.timeseries.blocks import Block, File
from llm_research_lab.storage.timeseries.log import Deletion
from llm_research_lab.storage.timeseries.tables import Group, Source
from llm_research_lab.storage.timeseries.tombstones import Tombstones, matchers_of
from llm_research_lab.vocabulary.labels import Labels
from llm_research_lab.vocabulary.matchers import Matcher, accepts

PLANS = 500
"""As many as there are parsed expressions."""


@dataclass(frozen=True, slots=True, eq=False)
class Plans:
    """Of the blocks and tombstones of one moment."""

    blocks: tuple[Block, ...] = ()
    tombstones: Tombstones = field(default_factory=dict)
    _groups: dict[tuple[Matcher, ...], tuple[Group, ...]] = field(default_factory=dict)

    def of(self, blocks: tuple[Block, ...], tombstones: Tombstones) -> Plans:
        """Give the plans of this moment."""
        if blocks is self.blocks and tombstones is self.tombstones:
            return self
        return Plans(blocks, tombstones)

    def groups(self, matchers: tuple[Matcher, ...]) -> tuple[Group, ...]:
        """Group the series that the matchers accept by the files that they stand in."""
        found = self._groups.get(matchers)
        if found is None:
            if len(self._groups) > PLANS:
                self._groups.clear()
            found = self._groups[matchers] = self._grouped(matchers)
        return found

    def _grouped(self, matchers: tuple[Matcher, ...]) -> tuple[Group, ...]:
        files: list[tuple[Block, File]] = []
        places: dict[Labels, list[tuple[int, int]]] = defaultdict(list)
        for block in self.blocks:
            chosen = block.chosen(matchers)
            for file in block.files:
                for col in chosen[file.name]:
                    places[file.series[col].labels].append((len(files), col))
                files.append((block, file))
        together: dict[tuple[int, ...], list[Labels]] = defaultdict(list)
        for one, found in places.items():
            together[tuple(number for number, _ in found)].append(one)
        paths = {number: files[number][0].path / files[number][1].name for number in _of(together)}
        return tuple(
            Group(
                tuple(members),
                tuple(
                    self._source(
                        files[number],
                        paths[number],
                        members,
                        tuple(places[one][turn][1] for one in members),
                    )
                    for turn, number in enumerate(numbers)
                ),
            )
            for numbers, members in together.items()
        )

    def _source(
        self, at: tuple[Block, File], path: Path, members: Sequence[Labels], cols: tuple[int, ...]
    ) -> Source:
        block, file = at
        deletions = self.tombstones.get(block.path.name, ())
        return Source(path, _touching(deletions, file, members), file, cols)


def _of(together: dict[tuple[int, ...], list[Labels]]) -> set[int]:
    return {number for numbers in together for number in numbers}


def _touching(
    deletions: Sequence[Deletion], file: File, members: Sequence[Labels]
) -> tuple[Deletion, ...]:
    return tuple(
        one
        for one in deletions
        if one.from_ms <= file.end_ms
        and one.to_ms >= file.start_ms
        and any(accepts(matchers_of(one), labels) for labels in members)
    )
