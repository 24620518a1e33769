"""A secret is named by its entry and read when it is needed; no text of ours repeats it."""

from __future__ import annotations

import os
from pathlib import Path

from llm_research_lab.models.port import ProviderError
from llm_research_lab.telemetry.masking import conceal

LONGEST_BYTES = 16_384
"""More than any key or token of a provider has; a longer file is another file."""

FORMS = "env:NAME or file:/absolute/path"


def resolve(reference: str) -> str:
    """The secret that the reference names, without the white space around it. Blocks on a file.

    Raises ProviderError ``missing_secret``, final, when there is none or when it is nothing that
    an HTTP header can carry; the error names the reference, never what was found.
    """
    kind, _, name = reference.partition(":")
    if kind == "env" and name:
        found = os.environ.get(name)
        if found is None:
            raise _missing(reference, "no such variable", f"set {name} where the runner starts")
    elif kind == "file" and name:
        found = _read(reference, Path(name))
    else:
        # What is no reference may be the secret itself: it is not repeated.
        raise _missing("secret", "something else", f"write {FORMS}")
    secret = _checked(reference, found.strip())
    conceal(secret)
    return secret


def _read(reference: str, path: Path) -> str:
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            content = file.read(LONGEST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "no path"
        raise _missing(reference, reason.lower(), "let the runner's user read the file") from None
    if len(content) > LONGEST_BYTES:
        raise _missing(reference, f"more than {LONGEST_BYTES} bytes", "name the key's own file")
    return content.decode("utf-8", "replace")


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe that nobody writes to is empty instead of waited for."""
    return os.open(path, flags | os.O_NONBLOCK)


def _checked(reference: str, secret: str) -> str:
    """Only visible ASCII. Source: RFC 6750, section 2.1, ``b64token``, and RFC 9110, 5.5."""
    if not secret:
        raise _missing(reference, "an empty text", "put the key there")
    if not all("!" <= character <= "~" for character in secret):
        got = "white space or characters outside ASCII in it"
        raise _missing(reference, got, "put the key there and nothing else")
    return secret


def _missing(where: str, got: str, fix: str) -> ProviderError:
    return ProviderError(
        "missing_secret",
        where if where == "secret" else f"secret {where}",
        FORMS if where == "secret" else "a key",
        got,
        fix,
        final=True,
    )
