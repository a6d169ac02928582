"""A page of somebody's projects looks in fewer places, which lie far apart where there are many projects."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hops_platform.database import UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # It holds all that a list needs of a membership.
    op.create_index(
        op.f("ix_memberships_user_id_project_name_project_id_role"),
        "memberships",
        ["user_id", "project_name", "project_id", "role"],
    )
    op.drop_index(op.f("ix_memberships_user_id_project_name"), "memberships")
    _rebuild_environments(with_rowid=False)
    op.drop_index(op.f("ix_projects_deleted_at"), "projects")
    deleted = sa.text("deleted_at IS NOT NULL")
    op.create_index(
        op.f("ix_projects_deleted_at"), "projects", ["deleted_at"], sqlite_where=deleted, postgresql_where=deleted
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_projects_deleted_at"), "projects")
    op.create_index(op.f("ix_projects_deleted_at"), "projects", ["deleted_at"])
    _rebuild_environments(with_rowid=True)
    op.create_index(op.f("ix_memberships_user_id_project_name"), "memberships", ["user_id", "project_name"])
    op.drop_index(op.f("ix_memberships_user_id_project_name_project_id_role"), "memberships")


def _rebuild_environments(*, with_rowid: bool) -> None:
    """Has SQLite find a row by its key, and not by the number that stands beside the key in an index."""
    if op.get_bind().dialect.name != "sqlite":
        return
    # No other table refers to this one, so that nothing else goes with the old one.
    op.create_table(
        "environments_anew",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_environments_project_id_projects"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_environments")),
        sqlite_with_rowid=with_rowid,
    )
    op.execute(
        "INSERT INTO environments_anew (project_id, state, error, updated_at) "
        "SELECT project_id, state, error, updated_at FROM environments ORDER BY project_id"
    )
    op.drop_table("environments")
    op.rename_table("environments_anew", "environments")
