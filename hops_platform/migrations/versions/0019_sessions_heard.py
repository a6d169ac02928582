"""How far what became of Spark sessions is in the audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sessions_heard",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stream", sa.String(64), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions_heard")),
    )
    # There from the beginning, so that two processes that hear at once don't both make it.
    op.execute("INSERT INTO sessions_heard (id, stream, number) VALUES (1, '', 0)")


def downgrade() -> None:
    op.drop_table("sessions_heard")
