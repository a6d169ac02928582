"""What a full project had when it was found full, from where on notebooks are saved still; and what homes have."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("storage_use", sa.Column("full_bytes", sa.BigInteger(), nullable=True))
    # Homes counted for nothing until now: the next count puts them in.
    op.add_column("storage_use", sa.Column("homes_bytes", sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("storage_use", "homes_bytes")
    op.drop_column("storage_use", "full_bytes")
