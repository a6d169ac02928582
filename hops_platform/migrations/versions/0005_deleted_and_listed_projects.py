"""Deleted projects that can be restored, listed ones, and requests to join them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hops_platform.database import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not in batch mode: on SQLite that makes the table anew, and dropping the old one would delete, by their foreign
    # keys, all memberships and datasets.
    op.add_column("projects", sa.Column("listed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("projects", sa.Column("deleted_at", UtcDateTime(), nullable=True))
    op.create_index(op.f("ix_projects_deleted_at"), "projects", ["deleted_at"])
    op.create_table(
        "former_memberships",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_former_memberships_project_id_projects"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_former_memberships_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project_id", "user_id", name=op.f("pk_former_memberships")),
    )
    op.create_index(op.f("ix_former_memberships_user_id"), "former_memberships", ["user_id"])
    op.create_table(
        "join_requests",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("declined_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_join_requests_project_id_projects"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_join_requests_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project_id", "user_id", name=op.f("pk_join_requests")),
    )
    op.create_index(op.f("ix_join_requests_user_id"), "join_requests", ["user_id"])


def downgrade() -> None:
    op.drop_table("join_requests")
    op.drop_table("former_memberships")
    op.drop_index(op.f("ix_projects_deleted_at"), "projects")
    op.drop_column("projects", "deleted_at")
    op.drop_column("projects", "listed")
