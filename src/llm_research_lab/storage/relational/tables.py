"""The relational schema: every table once, for SQLite and PostgreSQL alike."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import JSON

metadata = MetaData()

ID = String(40)
"""``exp_`` and the like, then 26 characters of a ULID: sortable by creation."""

NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""Counted by the database; SQLite counts none but an INTEGER PRIMARY KEY."""

INSTANT = BigInteger
"""Milliseconds since 1970 UTC."""

DIGEST = String(64)
"""SHA-256 in hex. Columns that end in ``_picousd`` hold 10⁻¹² US dollars: exact for any price of
up to six decimals a million tokens, and sums up to nine million dollars."""

keys = Table(
    "keys",
    metadata,
    Column("id", ID, primary_key=True),
    Column("digest", DIGEST, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("user", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("revoked_at", INSTANT),
)

audit = Table(
    "audit",
    metadata,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    Column("timestamp", INSTANT, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("resource_type", Text, nullable=False),
    Column("resource_id", Text, nullable=False),
    Column("source_ip", Text, nullable=False),
    Column("user_agent", Text),
    Column("outcome", Text, nullable=False),
    Column("metadata", JSON, nullable=False),
)
Index("audit_by_user", audit.c.user_id, audit.c.id)
Index("audit_by_resource", audit.c.resource_type, audit.c.resource_id, audit.c.id)

idempotency = Table(
    "idempotency",
    metadata,
    Column("user", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", DIGEST, nullable=False),
    Column("status", Integer),
    Column("body", LargeBinary),
    Column("created_at", INSTANT, nullable=False),
)
Index("idempotency_by_age", idempotency.c.created_at)


def _versions(name: str, *own: Column[object]) -> Table:
    """Make the table of immutable versions of one kind of thing: ``owner/name@vN``."""
    return Table(
        name,
        metadata,
        Column("id", ID, primary_key=True),
        Column("owner", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("ordinal", Integer, nullable=False),
        Column("digest", DIGEST, nullable=False),
        Column("created_at", INSTANT, nullable=False),
        *own,
        UniqueConstraint("owner", "name", "ordinal"),
        UniqueConstraint("owner", "name", "digest"),
    )


datasets = _versions(
    "datasets",
    Column("schema", JSON, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("format", Text, nullable=False),
    Column("statistics", JSON, nullable=False),
)
prompts = _versions("prompts", Column("content", JSON, nullable=False))
models = _versions("models", Column("content", JSON, nullable=False))

experiments = Table(
    "experiments",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("experiment_type", Text, nullable=False),
    Column("specification", JSON, nullable=False),
    Column("dataset_id", ID, ForeignKey("datasets.id"), nullable=False),
    Column("prompt_id", ID, ForeignKey("prompts.id"), nullable=False),
    Column("model_id", ID, ForeignKey("models.id"), nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("priority", Integer, nullable=False),
    Column("samples", BigInteger, nullable=False),
    Column("cursor", BigInteger, nullable=False, default=0),  # first sample not yet in a chunk
    Column("done", BigInteger, nullable=False, default=0),  # samples with a result
    Column("failed", BigInteger, nullable=False, default=0),  # of these, with a failure
    Column("cap_picousd", BigInteger),
    Column("reserved_picousd", BigInteger, nullable=False, default=0),
    Column("spent_picousd", BigInteger, nullable=False, default=0),
    Column("calls_repeated", BigInteger, nullable=False, default=0),
    Column("created_at", INSTANT, nullable=False),
    Column("started_at", INSTANT),
    Column("finished_at", INSTANT),
    Column("served_at", INSTANT, nullable=False, default=0),  # last lease, for fairness
    Column("summary", JSON),
    Column("traceparent", Text),  # of the request that made it: its runners continue that trace
    Column("request_id", Text),  # of that request, which the experiment's log lines name
)
Index("experiments_by_status", experiments.c.status, experiments.c.priority)
Index("experiments_by_owner", experiments.c.owner, experiments.c.id)

chunks = Table(
    "chunks",
    metadata,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    Column("experiment_id", ID, ForeignKey("experiments.id"), nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    Column("state", Text, nullable=False),  # waiting, leased, done
    Column("worker", Text),
    Column("fence", BigInteger, nullable=False, default=0),
    Column("lease_expires_at", INSTANT),
    Column("losses", Integer, nullable=False, default=0),
    Column("suspect", BigInteger),  # the sample that was alone in flight when the lease was lost
    Column("suspect_losses", Integer, nullable=False, default=0),
    CheckConstraint("state IN ('waiting', 'leased', 'done')"),
)
Index("chunks_open", chunks.c.state, chunks.c.experiment_id, sqlite_where=chunks.c.state != "done")

calls = Table(
    "calls",  # calls in flight: written before the call, deleted with its result
    metadata,
    Column("experiment_id", ID, ForeignKey("experiments.id"), primary_key=True),
    Column("sample", BigInteger, primary_key=True),
    Column("chunk_id", BigInteger, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("limit_key", Text, nullable=False),
    Column("reserved_picousd", BigInteger, nullable=False),
    Column("started_at", INSTANT, nullable=False),
)

results = Table(
    "results",
    metadata,
    Column("experiment_id", ID, ForeignKey("experiments.id"), primary_key=True),
    Column("sample", BigInteger, primary_key=True),
    Column("messages", JSON, nullable=False),
    Column("answer", Text),
    Column("input_tokens", Integer),
    Column("output_tokens", Integer),
    Column("latency_ms", Float),
    Column("cost_picousd", BigInteger),
    Column("scores", JSON, nullable=False),
    Column("failure_kind", Text),
    Column("failure_message", Text),
    Column("cached", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("finished_at", INSTANT, nullable=False),
    sqlite_with_rowid=False,
)
_outcome = (results.c.experiment_id, results.c.cached, results.c.failure_kind)
Index("results_by_sample", *_outcome, results.c.sample)
Index("results_by_latency", *_outcome, results.c.latency_ms, results.c.sample)

scores = Table(
    "scores",  # the index of results.scores: for sorting, filtering and comparing
    metadata,
    Column("experiment_id", ID, primary_key=True),
    Column("metric", Text, primary_key=True),
    Column("cached", Boolean, primary_key=True),
    Column("value", Float, primary_key=True),
    Column("sample", BigInteger, primary_key=True),
    sqlite_with_rowid=False,
)

responses = Table(
    "responses",  # the response cache
    metadata,
    Column("digest", DIGEST, primary_key=True),
    Column("answer", Text, nullable=False),
    Column("input_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("latency_ms", Float, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    sqlite_with_rowid=False,
)

rates = Table(
    "rates",  # one token bucket a limit: what all runners together may still ask
    metadata,
    Column("name", Text, primary_key=True),
    Column("tokens", Float, nullable=False),
    Column("updated_at", INSTANT, nullable=False),
)

alert_states = Table(
    "alert_states",  # what each alert of a rule is now: `for` goes on after a restart
    metadata,
    Column("rule", DIGEST, primary_key=True),
    Column("alert", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("active_at", INSTANT, nullable=False),
    Column("fired_at", INSTANT),
    Column("resolved_at", INSTANT),
    Column("keep_firing_since", INSTANT),
    sqlite_with_rowid=False,
)

decisions = Table(
    "decisions",  # what was told, what was not, who was paged: each with its reasons
    metadata,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    Column("at", INSTANT, nullable=False),
    Column("kind", Text, nullable=False),
    Column("receiver", Text, nullable=False),
    Column("integration", Text),
    Column("route", Text, nullable=False),
    Column("group_key", Text, nullable=False),
    Column("page", ID),
    Column("reason", Text, nullable=False),  # the last reason's type
    Column("why", JSON, nullable=False),  # the chain of reasons in words
    Column("details", JSON, nullable=False),
    CheckConstraint(
        "kind IN ('notified', 'withheld', 'opened', 'again', 'woken', 'not_reached', 'waiting', "
        "'ended', 'closed', 'unpaged')"
    ),
)
Index("decisions_by_time", decisions.c.at)
Index("decisions_by_page", decisions.c.page, decisions.c.id)

decided_alerts = Table(
    "decided_alerts",  # the alerts that a decision was about, in the order of the message
    metadata,
    Column("decision_id", BigInteger, ForeignKey("decisions.id"), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("alert", Text, nullable=False),
    Column("starts_at", INSTANT),
    Column("ends_at", INSTANT),
    sqlite_with_rowid=False,
)
Index("decided_alerts_by_alert", decided_alerts.c.alert, decided_alerts.c.decision_id)

firings = Table(
    "firings",  # when each alert fired, from its first evaluation to its end
    metadata,
    Column("name", Text, primary_key=True),
    Column("alert", Text, primary_key=True),
    Column("from_at", INSTANT, primary_key=True),
    Column("to_at", INSTANT),
    Column("rule", Text, nullable=False),
    Column("rule_group", Text, nullable=False),
    Column("file", Text, nullable=False),
    sqlite_with_rowid=False,
)
Index("firings_open", firings.c.to_at)

notification_log = Table(
    "notification_log",  # what each receiver knows of a group: nothing is told twice
    metadata,
    Column("group_key", Text, primary_key=True),
    Column("receiver", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("at", INSTANT, nullable=False),
    Column("firing", JSON, nullable=False),
    Column("resolved", JSON, nullable=False),
    sqlite_with_rowid=False,
)
