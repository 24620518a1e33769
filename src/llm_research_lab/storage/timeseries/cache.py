"""Tables of blocks' samples are kept, those asked for last, within so many bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from pathlib import Path

from llm_research_lab.storage.timeseries.decoding import Decoder
from llm_research_lab.storage.timeseries.tables import Source, Table, built
from llm_research_lab.vocabulary.labels import Labels


class Cache:
    """Safe to be used from many threads; the least lately used is given up beyond the bytes."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.bytes = 0
        self.decoder = Decoder()
        self._tables: OrderedDict[Table, None] = OrderedDict()
        self._by_path: dict[Path, list[Table]] = defaultdict(list)
        self._gone: set[Path] = set()
        self._lock = threading.Lock()

    def get(self, labels: tuple[Labels, ...], sources: tuple[Source, ...]) -> Table:
        """Give a table that holds the series in the files; read what is in none.

        Raises UnreadableError.
        """
        with self._lock:
            found = self._found(labels, sources)
            known = [] if found else self._alike(labels, sources)
        if found is None:
            table = built(labels, sources, self.decoder.piece, known)
        elif found.gives(labels):
            return found
        else:
            table = found.of(labels)
        with self._lock:
            self._keep(table)
        return table

    def forget(self, folder: Path) -> None:
        """A block is gone: what was read of it serves to make the tables that come after it."""
        self.decoder.forget(folder)
        with self._lock:
            self._gone.add(folder)
            for table in [one for one in self._tables if self._useless(one)]:
                self._drop(table)
            held = {path.parent for path in self._by_path}
            self._gone &= held

    def _found(self, labels: tuple[Labels, ...], sources: tuple[Source, ...]) -> Table | None:
        holding = None
        for table in self._by_path.get(sources[0].path, ()):
            if table.holds(labels, sources):
                holding = table
                if table.gives(labels):
                    break
        if holding is not None:
            self._tables.move_to_end(holding)
        return holding

    def _alike(self, labels: tuple[Labels, ...], sources: tuple[Source, ...]) -> list[Table]:
        found = [table for one in sources for table in self._by_path.get(one.path, ())]
        return [table for table in dict.fromkeys(found) if table.labels == labels]

    def _keep(self, table: Table) -> None:
        if table.size > self.most_bytes:
            return
        paths = {one.path for one in table.sources}
        for one in self._alike(table.labels, table.sources):
            if 2 * self._rows_of_its_own(one, paths) < sum(s.file.rows for s in one.sources):
                self._drop(one)
        self._tables[table] = None
        self.bytes += table.size
        for path in paths:
            self._by_path[path].append(table)
        while self.bytes > self.most_bytes:
            self._drop(next(iter(self._tables)))

    def _rows_of_its_own(self, table: Table, others: set[Path]) -> int:
        return sum(
            one.file.rows
            for one in table.sources
            if one.path not in others and one.path.parent not in self._gone
        )

    def _useless(self, table: Table) -> bool:
        return all(one.path.parent in self._gone for one in table.sources)

    def _drop(self, table: Table) -> None:
        del self._tables[table]
        self.bytes -= table.size
        for path in {one.path for one in table.sources}:
            self._by_path[path].remove(table)
            if not self._by_path[path]:
                del self._by_path[path]
