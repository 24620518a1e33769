"""The packaged declaration, read once a process: a broken one ends the process, not a request."""

from __future__ import annotations

import threading
from functools import cache
from importlib.resources import files

from llm_research_lab.signals import Declaration, check_laws, read_declaration

_FILES = ("metrics.yaml", "events.yaml", "spans.yaml")
_lock = threading.RLock()  # a signal's handler may log while its thread reads


def declaration() -> Declaration:
    """Give all declared signals. Takes a tenth of a second, the first time."""
    with _lock:  # many threads may log their first line at once
        return _packaged()


@cache
def _packaged() -> Declaration:
    folder = files("llm_research_lab") / "catalog" / "signals"
    found, findings = read_declaration(*((folder / name).read_text("utf-8") for name in _FILES))
    if found is None or (findings := check_laws(found)):
        broken = "; ".join(f"{one.where}: {one.message}" for one in findings)
        raise RuntimeError(f"the packaged signals break their laws: {broken}")
    return found
