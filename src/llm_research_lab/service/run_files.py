"""A process that serves says so in a file of ``run/``; the file counts while its process lives."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def facts_of(file: Path) -> dict[str, Any] | None:
    """Read what a living process says of itself: pid, url, metrics_url; None when it is gone."""
    try:
        facts: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        os.kill(int(facts["pid"]), 0)
    except PermissionError:
        return facts  # it lives, and is another user's
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return facts


def url_of(data_dir: Path, process: str) -> str | None:
    """Where the process of the directory listens; None when it does not."""
    facts = facts_of(data_dir / "run" / f"{process}.json")
    url = None if facts is None else facts.get("url")
    return None if url is None else str(url)
