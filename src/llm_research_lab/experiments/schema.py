"""A schema says what every row of a dataset holds: columns, types, and which may be null."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from llm_research_lab.documents.fields import Field, Place, Source, read_fields
from llm_research_lab.documents.readers import flag, list_of, mapping_of, one_of, text
from llm_research_lab.vocabulary import Finding

ColumnType = Literal["string", "integer", "number", "boolean", "json"]
"""``json`` is an array or object, kept as it is (JSON Lines only)."""

COLUMNS = 2_000
"""Columns of a schema, and of a file."""

NAME_CHARACTERS = 1_000
"""Characters of a column's name."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `nullable` also says that a JSON Lines row may leave it out."""

    name: str
    type: ColumnType
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Schema:
    """Columns in the order of the file; names are unique and not empty."""

    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(column.name for column in self.columns)


def schema_to_json(schema: Schema) -> dict[str, Any]:
    """Give the schema as plain JSON; `schema_from_json` gives it back equal."""
    return {
        "columns": [
            {"name": column.name, "type": column.type, "nullable": column.nullable}
            for column in schema.columns
        ]
    }


def schema_from_json(value: Mapping[str, Any]) -> Schema:
    """Take what `schema_to_json` gave; what comes from a user goes through `read_schema`."""
    return Schema(
        tuple(Column(one["name"], one["type"], one["nullable"]) for one in value["columns"])
    )


def read_schema(source: Source) -> tuple[Schema | None, tuple[Finding, ...]]:
    """Read a user's schema: the value when every rule holds, else all that is wrong with it."""
    findings: list[Finding] = []
    read = mapping_of(_SCHEMA)(source.value, Place(source, findings))
    if findings:
        return None, tuple(findings)
    return Schema(tuple(Column(**one) for one in read["columns"])), ()


def _columns(value: Any, place: Place) -> list[dict[str, Any]]:
    """Read the columns, and say which name stands twice."""
    seen: set[Any] = set()
    columns = list_of(_column, 1, COLUMNS)(value, place)
    for index, column in enumerate(columns):
        name = column.get("name")
        if name is not None and name in seen:
            message = f"columns: the name {name[:60]!r} stands twice"
            place.at(index).at("name").find("duplicate-label", message, "give each its own name")
        seen.add(name)
    return list(columns)


def _column(value: Any, place: Place) -> dict[str, Any]:
    return read_fields(value, place, _COLUMN)


def _name(value: Any, place: Place) -> Any:
    """Read a name that a header could hold: not blank, without NUL."""
    name = text(NAME_CHARACTERS)(value, place)
    if name is not None and (not name.strip() or "\0" in name):
        place.expect("blank-label", "a name that is not blank, without NUL", name)
    return cast("str | None", name)


_COLUMN = (
    Field("name", _name, required=True),
    Field("type", one_of(*get_args(ColumnType)), required=True),
    Field("nullable", flag),
)
_SCHEMA = (Field("columns", _columns, required=True),)
