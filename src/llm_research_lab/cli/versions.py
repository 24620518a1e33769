"""Datasets, prompts and models are listed and fetched alike: versions by reference."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from llm_research_lab.cli.options import client_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


def print_versions(
    kind: str,
    query: Mapping[str, Any],
    limit: int,
    data_dir: Path | None,
    own: Mapping[str, Callable[[Any], Any]],
    *,
    as_json: bool,
) -> None:
    """List a kind's versions, newest first, with the kind's own columns between the shared ones."""
    from llm_research_lab.cli.rendering import print_json, print_table

    with client_of(data_dir) as client:
        found = list(client.items(f"/v1/{kind}s", limit, **query))
    if as_json:
        print_json(found)
        return
    columns: dict[str, Callable[[Any], Any]] = {
        kind: itemgetter("reference"),
        **own,
        "created": itemgetter("created_at"),
        "digest": lambda one: one["digest"][:12],
    }
    print_table(found, columns, f"No {kind}s yet: see lab {kind} add --help")


def fetch(kind: str, reference: str, data_dir: Path | None, below: str = "", **query: Any) -> Any:
    """Get one version by ``[owner/]name[@vN]``, or what lies below it."""
    from llm_research_lab.cli.reading import path_of

    with client_of(data_dir) as client:
        path, which = path_of(f"{kind}s", reference)
        return client.get(path + below, **which, **query)
