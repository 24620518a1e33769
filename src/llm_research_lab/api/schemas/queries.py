"""The query parameters that the API takes: each known, given once, and of one written form."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema, WithJsonSchema
from pydantic_core import PydanticCustomError

from llm_research_lab.api.schemas.answers import Status
from llm_research_lab.api.schemas.bodies import NAME
from llm_research_lab.audit import AuditAction, AuditOutcome
from llm_research_lab.commands.paging import LIMIT, LIMIT_MOST
from llm_research_lab.experiments.result import FailureKind

OFFSET_MOST = 1 << 53
"""Beyond it JSON's readers lose digits."""

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")
_WORDS = {"true": True, "false": False}
_MOMENT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$"
_Nothing = SkipJsonSchema[None]


def _integer(text: Any) -> int:
    if not isinstance(text, str) or not _INTEGER.fullmatch(text):
        raise PydanticCustomError("integer", "an integer in decimal digits")
    return int(text)


def _number(text: Any) -> float:
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        raise PydanticCustomError("number", "a finite number as JSON writes it")
    return float(text)


def _flag(text: Any) -> bool:
    if text not in _WORDS:
        raise PydanticCustomError("flag", "true or false")
    return _WORDS[text]


def _moment(text: Any) -> int:
    """Read RFC 3339 in UTC as milliseconds since 1970."""
    if isinstance(text, str) and re.fullmatch(_MOMENT, text, re.ASCII):
        with suppress(ValueError):  # the 30th of February
            return round(datetime.fromisoformat(text).timestamp() * 1000)
    raise PydanticCustomError("moment", "an instant like 2026-01-02T03:04:05.678Z")


def _text(about: str, most: int = 300, **more: Any) -> Any:
    return Field(max_length=most, description=about, **more)


Cursor = Annotated[
    str,
    _text("`next_cursor` of the page before, with its filters.", 4000, pattern="^[A-Za-z0-9_-]+$"),
]
Limit = Annotated[
    int,
    Field(ge=1, le=LIMIT_MOST, description="Items of the page.", examples=[20]),
    BeforeValidator(_integer),
]
Offset = Annotated[
    int,
    Field(ge=0, le=OFFSET_MOST, description="Rows to pass over.", examples=[1]),
    BeforeValidator(_integer),
]
Owner = Annotated[str, Field(pattern=NAME, description="Whose it is.", examples=["admin"])]
Version = Annotated[
    str,
    Field(pattern=r"^v[1-9][0-9]{0,8}$", description="`vN`; the newest without.", examples=["v1"]),
]
Flag = Annotated[bool, BeforeValidator(_flag)]
Number = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(_number)]
Moment = Annotated[
    int,
    BeforeValidator(_moment),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": _MOMENT,
            "description": "RFC 3339, UTC.",
            "examples": ["2026-01-02T03:04:05Z"],
        }
    ),
]
ExperimentId = Annotated[str, Field(max_length=100, description="An experiment's id.")]


SchemaText = Annotated[
    str,
    _text(
        "JSON: what every row shall hold; inferred from the rows without it.",
        8000,
        json_schema_extra={
            "contentMediaType": "application/json",
            "contentSchema": {"$ref": "#/components/schemas/SchemaBody"},
        },
    ),
]


class Query(BaseModel):
    """A query without unknown parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuery(Query):
    """A page of a list."""

    cursor: Cursor | _Nothing = None
    limit: Limit = LIMIT


class OwnedPageQuery(PageQuery):
    """A page of versions, of one owner or of all."""

    owner: Owner | _Nothing = None


class VersionQuery(Query):
    """Which version: the caller's own and the newest, if not said."""

    owner: Owner | _Nothing = None
    version: Version | _Nothing = None

    def reference(self, name: str) -> str:
        """Write ``[owner/]name[@vN]``."""
        owner = f"{self.owner}/" if self.owner else ""
        version = f"@{self.version}" if self.version else ""
        return f"{owner}{name}{version}"


class RowsQuery(VersionQuery):
    """Which rows of which version."""

    offset: Offset = 0
    limit: Limit = LIMIT


class UploadQuery(Query):
    """What the body is."""

    format: Annotated[Literal["csv", "jsonl"], Field(description="RFC 4180, or JSON Lines.")]
    schema_: Annotated[SchemaText | SkipJsonSchema[None], Field(alias="schema")] = None


class ExperimentsQuery(OwnedPageQuery):
    """A page of experiments."""

    status: Annotated[Status, Field(examples=["completed"])] | _Nothing = None


class ResultsQuery(PageQuery):
    """A page of an experiment's results."""

    sort: Annotated[
        str,
        Field(
            pattern=r"^-?[a-z0-9][a-z0-9._-]{0,99}$",
            description="`sample`, `latency` or a metric; `-` before it is falling.",
            examples=["-latency"],
        ),
    ] = "sample"
    failed: Annotated[Flag, Field(description="Only failures, or none.")] | _Nothing = None
    kind: Annotated[FailureKind, Field(description="Only failures of it.")] | _Nothing = None
    cached: Annotated[Flag, Field(description="Only from the cache, or none.")] | _Nothing = None
    least: Annotated[Number, Field(description="Least score, sorted by it.")] | _Nothing = None
    most: Annotated[Number, Field(description="Greatest score, sorted by it.")] | _Nothing = None


class ComparisonQuery(Query):
    """Which two: b is compared to a."""

    a: ExperimentId
    b: ExperimentId


class AuditQuery(PageQuery):
    """A page of the audit trail; `since` ≤ t < `until`."""

    user_id: Annotated[str, _text("Who.", examples=["admin"])] | _Nothing = None
    action: Annotated[AuditAction, Field(examples=["create"])] | _Nothing = None
    resource_type: Annotated[str, _text("As `dataset`.")] | _Nothing = None
    resource_id: Annotated[str, _text("Which one.")] | _Nothing = None
    outcome: Annotated[AuditOutcome, Field(examples=["success"])] | _Nothing = None
    since: Moment | _Nothing = None
    until: Moment | _Nothing = None
