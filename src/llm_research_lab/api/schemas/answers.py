"""The objects that the API gives. They document: answers are written without them, for speed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Usd = Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$", description="US dollars, exact.")]
Moment = Annotated[
    str,
    Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", description="RFC 3339, UTC."),
]
Status = Literal["queued", "running", "paused", "completed", "failed", "cancelled"]
RoleName = Literal["viewer", "researcher", "admin"]
NextCursor = Annotated[
    str | None, Field(description="Give it as `cursor` for the next page; null at the end.")
]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FindingModel(_Answer):
    """One broken rule at one place."""

    where: str
    law: str
    message: str
    fix: str


class Problem(_Answer):
    """An error: where, what was expected, what was got, what to do. Source: RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    where: str
    expected: str
    got: str
    fix: str
    request_id: str
    findings: Annotated[list[FindingModel] | None, Field(max_length=20)] = None
    total: Annotated[int | None, Field(description="All findings; the first 20 are shown.")] = None


class _Version(_Answer):
    id: str
    owner: str
    name: str
    version: Annotated[str, Field(pattern=r"^v[1-9][0-9]*$")]
    reference: Annotated[str, Field(description="`owner/name@vN`, exact.")]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256.")]
    created_at: Moment


class ColumnModel(_Answer):
    """One column of a dataset."""

    name: str
    type: Literal["string", "integer", "number", "boolean", "json"]
    nullable: bool


class SchemaModel(_Answer):
    """What every row of a dataset holds."""

    columns: list[ColumnModel]


class Dataset(_Version):
    """An immutable version of a dataset."""

    schema_: Annotated[SchemaModel, Field(alias="schema")]
    rows: int
    bytes: int
    format: Literal["csv", "jsonl"]
    statistics: Any


class MessageModel(_Answer):
    """One chat message."""

    role: Literal["system", "user", "assistant"]
    content: str


class Prompt(_Version):
    """An immutable version of a prompt: the text of a user's message, or chat messages."""

    text: str | None
    messages: list[MessageModel] | None
    variables: Annotated[list[str], Field(description="Columns that the templates ask for.")]


class PriceModel(_Answer):
    """US dollars for a million tokens, and who says so."""

    input_usd_per_million: Usd
    output_usd_per_million: Usd
    source: str


class LimitsModel(_Answer):
    """What all runners together may ask of the provider; null is no limit."""

    concurrency: int
    requests_per_minute: int | None
    tokens_per_minute: int | None
    timeout_seconds: float
    attempts: int


class Model(_Version):
    """An immutable version of a model entry."""

    provider: Literal["bundled", "openai", "echo"]
    model: Annotated[str, Field(description="The provider's id of the model.")]
    base_url: str | None
    secret: Annotated[str | None, Field(description="A reference, never the secret.")]
    insecure: Annotated[bool, Field(description="Whether plain http to elsewhere was accepted.")]
    parameters: dict[str, Any]
    price: PriceModel | None
    price_reason: Annotated[str, Field(description="Why the price is so, or why there is none.")]
    limits: LimitsModel
    script: dict[str, Any]


class EvaluatorModel(_Answer):
    """One evaluator of an experiment."""

    kind: str
    metric: str
    target: str
    options: dict[str, Any]


class Interval(_Answer):
    """A mean with its 95 % bootstrap interval."""

    mean: float | None
    low: float | None
    high: float | None
    n: int


class Percentiles(_Answer):
    """Seconds that calls took."""

    p50: float | None
    p95: float | None
    p99: float | None


class Tokens(_Answer):
    """Tokens that the provider counted."""

    input: int
    output: int


class Summary(_Answer):
    """What an experiment gave, in total."""

    scores: dict[str, Interval]
    latency_seconds: Percentiles
    tokens: Tokens
    cost_usd: Usd | None
    cache_hits: int
    failures: dict[str, int]
    duration_seconds: float


class Experiment(_Answer):
    """An experiment, with the exact versions that it runs."""

    id: str
    name: str
    owner: str
    type: Literal["evaluation", "comparison", "benchmark"]
    status: Status
    reason: str | None
    dataset: str
    prompt: str
    model: str
    evaluators: list[EvaluatorModel]
    parameters: dict[str, Any]
    priority: int
    use_cache: bool | None
    cap_usd: Usd | None
    samples: int
    done: int
    failed: int
    calls_repeated: int
    cost_usd: Usd | None
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None
    summary: Summary | None


class FailureModel(_Answer):
    """Why a sample has no answer or no score."""

    kind: str
    message: str


class Result(_Answer):
    """What one sample gave."""

    sample: int
    messages: list[MessageModel]
    answer: str | None
    tokens: Tokens | None
    latency_ms: float | None
    cost_usd: Usd | None
    scores: dict[str, float]
    failure: FailureModel | None
    cached: bool
    attempts: int


class Side(_Answer):
    """One of two compared experiments."""

    id: str
    name: str


class Difference(_Answer):
    """b less a over the samples that both scored."""

    mean_a: float | None
    mean_b: float | None
    difference: float | None
    low: float | None
    high: float | None
    p_value: float | None
    won: int
    lost: int
    tied: int
    n: int


class Comparison(_Answer):
    """Two experiments on the same dataset, paired by sample."""

    a: Side
    b: Side
    dataset: str
    metrics: dict[str, Difference]


class Key(_Answer):
    """An API key, without its secret."""

    id: str
    name: str
    user: str
    role: RoleName
    created_at: Moment
    revoked_at: Moment | None


class NewKey(Key):
    """A new key; its secret is shown this once (null when the request is replayed)."""

    secret: str | None


class AuditEntry(_Answer):
    """Who did what to which thing, from where, and how it ended. Source: docs/spec, 5.6.4."""

    id: str
    timestamp: Moment
    user_id: str
    action: str
    resource_type: str
    resource_id: str
    source_ip: str
    user_agent: str | None
    outcome: str
    metadata: dict[str, Any]


class RunnerModel(_Answer):
    """A runner that holds work."""

    name: str
    chunks: int
    samples: int


class LabStatus(_Answer):
    """What the lab is doing now."""

    version: str
    experiments: dict[str, int]
    samples_pending: int
    runners: list[RunnerModel]


class Health(_Answer):
    """Whether the process may be used, and why not."""

    status: Literal["ok", "unavailable"]
    reasons: list[str]


class Document(BaseModel):
    """This API's description. Source: OpenAPI 3.1.0."""

    model_config = ConfigDict(extra="allow")

    openapi: str
    info: dict[str, Any]
    paths: dict[str, Any]
    components: dict[str, Any]


class DatasetPage(_Answer):
    """Datasets, newest first."""

    items: list[Dataset]
    next_cursor: NextCursor


class RowPage(_Answer):
    """Rows of a dataset, in its order."""

    items: list[dict[str, Any]]
    next_cursor: Annotated[str | None, Field(description="The next `offset`; null at the end.")]


class PromptPage(_Answer):
    """Prompts, newest first."""

    items: list[Prompt]
    next_cursor: NextCursor


class ModelPage(_Answer):
    """Model entries, newest first."""

    items: list[Model]
    next_cursor: NextCursor


class ExperimentPage(_Answer):
    """Experiments, newest first."""

    items: list[Experiment]
    next_cursor: NextCursor


class ResultPage(_Answer):
    """Results in the order that was asked for."""

    items: list[Result]
    next_cursor: NextCursor


class KeyPage(_Answer):
    """Keys, newest first."""

    items: list[Key]
    next_cursor: NextCursor


class AuditPage(_Answer):
    """Audit entries, newest first."""

    items: list[AuditEntry]
    next_cursor: NextCursor
