"""What a user names on the command line: files, and things of the lab by reference."""

from __future__ import annotations

import re
import sys
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from llm_research_lab.documents.fields import Source
    from llm_research_lab.vocabulary import Finding, InvalidError, LabError

SHOWN = 20
"""Findings that are printed; the total is always said."""


def path_of(kind: str, reference: str) -> tuple[str, dict[str, Any]]:
    """Give the API's path and query of ``[owner/]name[@vN]``; InvalidError when it is none."""
    from llm_research_lab.vocabulary import parse_reference

    found = parse_reference(reference, kind.removesuffix("s"))
    version = f"v{found.ordinal}" if found.ordinal else None
    return f"/v1/{kind}/{found.name}", {"owner": found.owner, "version": version}


def checked_id(text: str, kind: str) -> str:
    """Give the id unchanged; InvalidError when the text can be none, and so no part of a path."""
    from llm_research_lab.vocabulary import InvalidError

    if re.fullmatch(r"[A-Za-z0-9_]{1,40}", text):
        return text
    fix = f"see: lab {kind} list"
    raise InvalidError(kind, "an id, as the list shows it", repr(text[:60]), fix)


def open_bytes(file: Path) -> IO[bytes]:
    """Open a file that the user named; why it cannot be read is the user's to mend."""
    try:
        return file.open("rb")
    except OSError as error:
        raise unreadable(file, error) from error


def read_text(file: Path) -> str:
    """Read a small text file that the user named; ``-`` is the standard input."""
    from llm_research_lab.vocabulary import LabError

    try:
        if str(file) == "-":
            return sys.stdin.buffer.read().decode()
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise unreadable(file, error) from error
    except UnicodeDecodeError as error:
        raise LabError(str(file), "UTF-8 text", str(error), "save it as UTF-8") from error


def read_document(file: Path) -> Source:
    """Read YAML or JSON into plain values with the place of each; InvalidError says where."""
    from llm_research_lab.documents.yaml import read_yaml

    source, findings = read_yaml(read_text(file))
    if source is None:
        raise refused(file, findings)
    return source


def refused(file: Path, findings: tuple[Finding, ...]) -> InvalidError:
    """Make one error of all that is wrong with a file, in its order; a place is ``line:column``."""
    from llm_research_lab.vocabulary import InvalidError

    inorder = sorted(findings, key=_place)
    count = f"{len(findings)} mistake{'s' if len(findings) > 1 else ''}"
    return InvalidError(
        str(file),
        "a file without mistakes",
        count,
        "mend what is listed, and run it again",
        tuple(inorder[:SHOWN]),
        len(findings),
    )


def _place(finding: Finding) -> tuple[int, ...]:
    return tuple(int(part) for part in finding.where.split(":") if part.isdigit())


def unreadable(file: Path, error: OSError) -> LabError:
    """Say what the system said."""
    from llm_research_lab.vocabulary import LabError

    got = error.strerror or str(error)
    return LabError(str(file), "a file that can be read", got, "check the path")
