"""Shares of datasets with other projects, and published datasets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hops_platform.database import UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def _reference(table: str, column: str, to: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{to}")
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=name, ondelete=ondelete)


def upgrade() -> None:
    op.create_table(
        "shares",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("path", sa.String(100), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("mode", sa.String(32), nullable=False),
        sa.Column("download", sa.Boolean(), nullable=False),
        sa.Column("self_service", sa.Boolean(), nullable=False),
        sa.Column("made_by_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("accepted_at", UtcDateTime(), nullable=True),
        sa.Column("declined_at", UtcDateTime(), nullable=True),
        _reference("shares", "dataset_id", "datasets"),
        _reference("shares", "owner_id", "projects"),
        _reference("shares", "project_id", "projects"),
        _reference("shares", "made_by_id", "users", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shares")),
        sa.UniqueConstraint("dataset_id", "project_id", name=op.f("uq_shares_dataset_id_project_id")),
    )
    op.create_index(op.f("ix_shares_project_id_path"), "shares", ["project_id", "path"])
    op.create_index(op.f("ix_shares_owner_id"), "shares", ["owner_id"])
    op.create_index(op.f("ix_shares_made_by_id"), "shares", ["made_by_id"])
    op.create_table(
        "publications",
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("path", sa.String(100), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        _reference("publications", "dataset_id", "datasets"),
        _reference("publications", "owner_id", "projects"),
        sa.PrimaryKeyConstraint("dataset_id", name=op.f("pk_publications")),
        sa.UniqueConstraint("path", name=op.f("uq_publications_path")),
    )
    op.create_index(op.f("ix_publications_owner_id"), "publications", ["owner_id"])


def downgrade() -> None:
    op.drop_table("publications")
    op.drop_table("shares")
