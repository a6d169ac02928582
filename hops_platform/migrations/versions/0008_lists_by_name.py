"""A page of projects costs the same however many there are: somebody's by name, and the listed ones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not in batch mode, as before (0005).
    op.add_column("memberships", sa.Column("project_name", sa.String(30), nullable=False, server_default=sa.text("''")))
    op.execute(
        "UPDATE memberships SET project_name = (SELECT name FROM projects WHERE projects.id = memberships.project_id)"
    )
    op.create_index(op.f("ix_memberships_user_id_project_name"), "memberships", ["user_id", "project_name"])
    op.drop_index(op.f("ix_memberships_user_id"), "memberships")
    op.create_index(op.f("ix_projects_listed_name"), "projects", ["listed", "name"])


def downgrade() -> None:
    op.drop_index(op.f("ix_projects_listed_name"), "projects")
    op.create_index(op.f("ix_memberships_user_id"), "memberships", ["user_id"])
    op.drop_index(op.f("ix_memberships_user_id_project_name"), "memberships")
    op.drop_column("memberships", "project_name")
