"""Archived projects and their services, what happens in projects, and what they use."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hops_platform.database import UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def _of_project(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_project_id_projects")
    return sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=name, ondelete="CASCADE")


def upgrade() -> None:
    # Not in batch mode, which would make the table of projects anew and delete what refers to it.
    op.add_column("projects", sa.Column("archived_at", UtcDateTime(), nullable=True))
    op.add_column("projects", sa.Column("services_off", sa.JSON(), nullable=False, server_default=sa.text("'[]'")))
    op.create_table(
        "site_limits",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("limits", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_limits")),
    )
    op.create_table(
        "storage_use",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("counted_bytes", sa.BigInteger(), nullable=False),
        sa.Column("counted_at", UtcDateTime(), nullable=True),
        sa.Column("took_s", sa.Float(), nullable=False),
        sa.Column("added_bytes", sa.BigInteger(), nullable=False),
        sa.Column("full_since", UtcDateTime(), nullable=True),
        _of_project("storage_use"),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_storage_use")),
    )
    op.create_index(op.f("ix_storage_use_counted_at"), "storage_use", ["counted_at"])
    # Counted soon, since they never were.
    op.execute(
        "INSERT INTO storage_use (project_id, counted_bytes, took_s, added_bytes) SELECT id, 0, 0, 0 FROM projects"
    )
    op.create_table(
        "activities",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("moment", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("thing", sa.String(200), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("elsewhere", sa.Boolean(), nullable=False, server_default=sa.false()),
        _of_project("activities"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activities")),
    )
    op.create_index(op.f("ix_activities_project_id_id"), "activities", ["project_id", "id"])
    op.create_index(op.f("ix_activities_moment"), "activities", ["moment"])


def downgrade() -> None:
    for table in ("activities", "storage_use", "site_limits"):
        op.drop_table(table)
    op.drop_column("projects", "services_off")
    op.drop_column("projects", "archived_at")
