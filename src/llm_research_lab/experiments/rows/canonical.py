"""Equal rows under equal schemas have equal bytes, whatever file they came from.

The content of a dataset is its schema on the first line, then a line for each row with exactly the
schema's columns in the schema's order; its SHA-256 is the dataset's digest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from llm_research_lab.experiments.schema import Schema, schema_to_json
from llm_research_lab.vocabulary import canonical


def schema_line(schema: Schema) -> bytes:
    """Give the first line of the content."""
    return canonical(schema_to_json(schema)) + b"\n"


def row_lines(names: Sequence[str], columns: Sequence[Sequence[Any]]) -> list[bytes]:
    """Give each row as one line of JSON; objects inside a cell have their keys sorted.

    Keys are sorted only inside: a row's own stand in the schema's order.
    """
    columns = [_sorted(column) for column in columns]
    return [
        orjson.dumps(dict(zip(names, values, strict=True))) + b"\n"  # a copy: see below
        for values in zip(*columns, strict=True)
    ]
    # What orjson gives keeps 4 KiB of buffer for as long as it lives, however short it is.


def _sorted(column: Sequence[Any]) -> Sequence[Any]:
    """Replace nested values by their canonical text, which is written as it is."""
    if not {dict, list} & set(map(type, column)):
        return column
    return [
        orjson.Fragment(canonical(value)) if type(value) in (dict, list) else value
        for value in column
    ]
