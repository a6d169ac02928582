"""Since when a member's tokens count in a project: those of before a replaced certificate, or a membership, do not."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hops_platform.database import UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not in batch mode, which would make the table anew on SQLite.
    op.add_column("memberships", sa.Column("tokens_valid_from", UtcDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("memberships", "tokens_valid_from")
