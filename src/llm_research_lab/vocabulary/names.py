"""A name is a path-safe word; a reference is ``[owner/]name[@vN]``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from llm_research_lab.vocabulary.errors import InvalidError

NAME_LENGTH = 100
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_REFERENCE = re.compile(
    r"(?:(?P<owner>[^/@]+)/)?(?P<name>[^/@]+)(?:@v(?P<ordinal>[1-9][0-9]{0,8}))?"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """A version by name: `owner` None means the caller's own, `ordinal` None the newest."""

    owner: str | None
    name: str
    ordinal: int | None


def checked_name(text: str, where: str) -> str:
    """Return the name unchanged, or raise InvalidError.

    Lower-case letters, digits, ``. _ -``; starts with a letter or digit; 1 to 100 characters.
    So a name is never a path, never an option, and the same on every file system.
    """
    if not _NAME.fullmatch(text):
        raise InvalidError(
            where,
            "a name of 1 to 100 characters a-z 0-9 . _ -, starting with a letter or digit",
            repr(text[:60]) + ("…" if len(text) > 60 else ""),  # noqa: PLR2004
            "choose another name",
        )
    return text


def parse_reference(text: str, where: str) -> Reference:
    """Read ``[owner/]name[@vN]``; InvalidError says which part is wrong."""
    match = _REFERENCE.fullmatch(text)
    if match is None:
        raise InvalidError(
            where, "[owner/]name[@vN]", repr(text[:60]), "write it like capitals@v1 or ann/capitals"
        )
    owner = match["owner"]
    return Reference(
        checked_name(owner, where) if owner is not None else None,
        checked_name(match["name"], where),
        int(match["ordinal"]) if match["ordinal"] else None,
    )
