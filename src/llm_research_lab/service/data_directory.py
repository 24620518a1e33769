"""Which data directory is meant: the flag's, the environment's, ``./.lab``, or the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def data_directory(flag: Path | str | None, environ: Mapping[str, str]) -> Path:
    """Give the absolute path; nothing is created.

    ``--data-dir`` > ``LAB_DATA_DIR`` > ``./.lab`` where it exists > ``llm-research-lab`` in the
    XDG data home. Source: XDG Base Directory Specification 0.8.
    """
    named = flag or environ.get("LAB_DATA_DIR")
    if named:
        return Path(named).expanduser().absolute()
    here = Path.cwd() / ".lab"
    if here.is_dir():
        return here
    home = environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(home) / "llm-research-lab"
