"""What was decided of alerts outlives the process: who was told, who was not, and why."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import JSON

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("integration", sa.Text(), nullable=True),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("page", sa.String(length=40), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("why", JSON(), nullable=False),
        sa.Column("details", JSON(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('notified', 'withheld', 'opened', 'again', 'woken', 'not_reached', "
            "'waiting', 'ended', 'closed', 'unpaged')"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("decisions_by_time", "decisions", ["at"])
    op.create_index("decisions_by_page", "decisions", ["page", "id"])
    op.create_table(
        "decided_alerts",
        sa.Column("decision_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("alert", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=True),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("decision_id", "place"),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"]),
        sqlite_with_rowid=False,
    )
    op.create_index("decided_alerts_by_alert", "decided_alerts", ["alert", "decision_id"])
    op.create_table(
        "firings",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("alert", sa.Text(), nullable=False),
        sa.Column("from_at", sa.BigInteger(), nullable=False),
        sa.Column("to_at", sa.BigInteger(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("rule_group", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", "alert", "from_at"),
        sqlite_with_rowid=False,
    )
    op.create_index("firings_open", "firings", ["to_at"])
    op.create_table(
        "notification_log",
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("firing", JSON(), nullable=False),
        sa.Column("resolved", JSON(), nullable=False),
        sa.PrimaryKeyConstraint("group_key", "receiver", "kind", "place"),
        sqlite_with_rowid=False,
    )
