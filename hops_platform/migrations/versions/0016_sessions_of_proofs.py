"""In which session somebody of a realm proved who they are; of what was proven before, that is not known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not in batch mode, which would make the table anew on SQLite.
    op.add_column("realm_accounts", sa.Column("proven_in", sa.String(64), nullable=True))


def downgrade() -> None:
    op.drop_column("realm_accounts", "proven_in")
