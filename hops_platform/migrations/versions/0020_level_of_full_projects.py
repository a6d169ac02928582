"""How much a full project had when it was found full: notebooks are saved for some while beyond that."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("storage_use", sa.Column("full_bytes", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("storage_use", "full_bytes")
