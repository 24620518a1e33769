"""A file that is made appears whole, or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from llm_research_lab.storage.private import explained, sync_directory
from llm_research_lab.vocabulary import NotFoundError


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write; it takes the name, in place of an old one, when it is on the disk.

    Whatever goes wrong before leaves the old file, and nothing beside it; a kill leaves a file
    ``.NAME.…``. The owner alone can read it.
    """
    if not path.parent.is_dir():
        fix = "make it, or name another"
        raise NotFoundError(f"directory {path.parent}", "a directory that exists", "none", fix)
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        sync_directory(path.parent)
    except OSError as error:
        raise explained(error, path) from error
