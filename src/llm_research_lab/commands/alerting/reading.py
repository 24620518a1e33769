"""The roster of a running lab is read whole, or refused with all findings."""

from __future__ import annotations

from pathlib import Path

from llm_research_lab.oncall import Roster, read_roster
from llm_research_lab.storage.private import explained
from llm_research_lab.vocabulary import InvalidError


def read_people(path: Path) -> Roster:
    """Read a roster file. Raises InvalidError with all findings, and what `explained` gives."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise explained(error, path) from error
    except UnicodeDecodeError as error:
        raise InvalidError(str(path), "UTF-8", str(error), "save it as UTF-8") from error
    roster, findings = read_roster(text, str(path))
    if roster is None:
        first = findings[0]
        raise InvalidError(
            first.where, first.law, first.message, first.fix, findings[:20], len(findings)
        )
    return roster
