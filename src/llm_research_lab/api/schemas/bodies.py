"""The objects that the API takes: every field known, every type exact, every length bounded."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

NAME = r"^[a-z0-9][a-z0-9._-]{0,99}$"
REFERENCE = r"^([a-z0-9][a-z0-9._-]{0,99}/)?[a-z0-9][a-z0-9._-]{0,99}(@v[1-9][0-9]{0,8})?$"

Name = Annotated[
    str, Field(pattern=NAME, min_length=1, max_length=100, description="a-z 0-9 . _ -")
]
Ref = Annotated[str, Field(pattern=REFERENCE, max_length=213, description="`[owner/]name[@vN]`")]
Money = Annotated[
    str, Field(pattern=r"^(0|[1-9][0-9]{0,5})(\.[0-9]{1,6})?$", description="US dollars, exact.")
]
Label = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,100}$", max_length=100)]


class Body(BaseModel):
    """A body without unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


class KeyBody(Body):
    """A key to make: who will hold it, and what it may do."""

    name: Label
    user: Name
    role: Literal["viewer", "researcher", "admin"]


class MessageBody(Body):
    """One chat message; `content` is a Jinja2 template over the row's columns."""

    role: Literal["system", "user", "assistant"]
    content: Annotated[str, Field(max_length=200_000)]


class PromptBody(Body):
    """A prompt to keep: either `text`, or chat `messages`."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["text"]}, {"required": ["messages"]}]}
    )

    name: Name
    text: Annotated[str, Field(min_length=1, max_length=200_000)] = ""
    messages: Annotated[list[MessageBody], Field(min_length=1, max_length=100)] = []

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if len(self.model_fields_set & {"text", "messages"}) != 1:
            raise PydanticCustomError("one_of", "exactly one of text and messages")
        return self


class PriceBody(Body):
    """US dollars for a million tokens, as decimal text."""

    input_usd_per_million: Money
    output_usd_per_million: Money


class LimitsBody(Body):
    """What all runners together may ask of the provider."""

    concurrency: Annotated[int, Field(ge=1, le=1024)] = 4
    requests_per_minute: Annotated[int | None, Field(ge=1)] = None
    tokens_per_minute: Annotated[int | None, Field(ge=1)] = None
    timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    attempts: Annotated[int, Field(ge=1, le=20)] = 5


class ModelBody(Body):
    """A model entry to keep."""

    name: Name
    provider: Literal["bundled", "openai", "echo"]
    id: Annotated[str, Field(min_length=1, max_length=200)]
    base_url: Annotated[str | None, Field(max_length=2000)] = None
    secret: Annotated[
        str | None, Field(max_length=4096, description="`env:NAME` or `file:PATH`.")
    ] = None
    parameters: dict[str, Any] = {}
    price: PriceBody | None = None
    limits: LimitsBody | None = None
    script: dict[str, Any] = {}
    insecure: Annotated[
        bool, Field(description="Accept that prompts and keys travel by plain http.")
    ] = False


class EvaluatorBody(Body):
    """One evaluator; its other fields are options of its kind."""

    model_config = ConfigDict(extra="allow")

    kind: Literal["exact", "contains", "regex", "numeric", "choice", "f1"]
    target: Annotated[str, Field(max_length=10_000)]
    metric: Name | None = None


class ExperimentBody(Body):
    """An experiment to run. The same keys as the experiment file's."""

    name: Name
    dataset: Ref
    prompt: Ref
    model: Ref
    evaluators: Annotated[list[EvaluatorBody], Field(min_length=1, max_length=20)]
    parameters: dict[str, Any] = {}
    cap_usd: Money | None = None
    priority: Annotated[int, Field(ge=0, le=9)] = 5
    use_cache: bool | None = None
    limit: Annotated[int | None, Field(ge=1)] = None
    type: Literal["evaluation", "comparison", "benchmark"] = "evaluation"


class ColumnBody(Body):
    """One column of a schema."""

    name: Annotated[str, Field(min_length=1, max_length=1000)]
    type: Literal["string", "integer", "number", "boolean", "json"]
    nullable: bool = False


class SchemaBody(Body):
    """What every row shall hold."""

    columns: Annotated[list[ColumnBody], Field(min_length=1, max_length=2000)]
