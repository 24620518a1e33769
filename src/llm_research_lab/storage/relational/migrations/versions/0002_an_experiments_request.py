"""An experiment knows the request that made it: its log lines name it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("experiments", sa.Column("request_id", sa.Text(), nullable=True))
