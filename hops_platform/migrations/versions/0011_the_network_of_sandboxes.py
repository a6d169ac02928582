"""What the code of a project reaches of the network."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not in batch mode: on SQLite that makes the table anew, and dropping the old one would delete, by their foreign
    # keys, all memberships and datasets.
    op.add_column("projects", sa.Column("network", sa.String(16), nullable=False, server_default="platform"))


def downgrade() -> None:
    op.drop_column("projects", "network")
