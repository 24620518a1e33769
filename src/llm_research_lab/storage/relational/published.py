"""The in-memory twin's snapshots: each commit publishes an image, each read sees the newest."""

from __future__ import annotations

import functools

from llm_research_lab.storage.relational.connections import Line, engine_over, raw
from llm_research_lab.storage.relational.tables import metadata


@functools.cache
def blank() -> bytes:
    """Make the image of a database with the schema and no rows."""
    engine = engine_over(lambda: raw(":memory:"))
    line = Line(engine)
    try:
        metadata.create_all(line.connection)
        return line.driver.serialize()
    finally:
        line.close()


class Published:
    """The newest committed image. SQLite's shared memory would let a reader block the writer."""

    def __init__(self) -> None:
        self._image = blank()
        self._seen: dict[Line, bytes] = {}

    def publish(self, line: Line) -> None:
        """Take the writer's database as it is after its commit."""
        self._image = line.driver.serialize()

    def refresh(self, line: Line) -> None:
        """Put the newest image under a connection, unless it is there already."""
        image = self._image
        if self._seen.get(line) is not image:
            line.driver.deserialize(image)
            self._seen[line] = image
