"""Mail addresses, one-time links, invitations, registrations and security keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hops_platform.database import UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def _reference(table: str, column: str, to: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{to}")
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=name, ondelete=ondelete)


def upgrade() -> None:
    # Added as it is: where SQLite made the table anew, what refers to it would go with the old one.
    op.add_column("users", sa.Column("keys_valid_from", UtcDateTime(), nullable=True))
    op.create_table(
        "user_addresses",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("folded", sa.String(254), nullable=False),
        sa.Column("confirmed_at", UtcDateTime(), nullable=False),
        _reference("user_addresses", "user_id", "users"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_user_addresses")),
        sa.UniqueConstraint("folded", name=op.f("uq_user_addresses_folded")),
    )
    op.create_table(
        "one_time_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_links")),
        sa.UniqueConstraint("digest", name=op.f("uq_one_time_links_digest")),
    )
    op.create_index(op.f("ix_one_time_links_expires_at"), "one_time_links", ["expires_at"])
    op.create_index(op.f("ix_one_time_links_purpose_subject"), "one_time_links", ["purpose", "subject"])
    op.create_table(
        "rates",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rates")),
    )
    op.create_index(op.f("ix_rates_since"), "rates", ["since"])
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("inviter_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("address", sa.String(254), nullable=True),
        sa.Column("folded", sa.String(254), nullable=True),
        sa.Column("uses_left", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        _reference("invitations", "project_id", "projects"),
        _reference("invitations", "inviter_id", "users"),
        _reference("invitations", "user_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
    )
    for column in ("project_id", "inviter_id", "user_id", "folded", "expires_at"):
        op.create_index(op.f(f"ix_invitations_{column}"), "invitations", [column])
    op.create_table(
        "registrations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(30), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("address", sa.String(254), nullable=True),
        sa.Column("folded", sa.String(254), nullable=True),
        sa.Column("invitation_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        _reference("registrations", "invitation_id", "invitations", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registrations")),
        sa.UniqueConstraint("name", name=op.f("uq_registrations_name")),
        sa.UniqueConstraint("folded", name=op.f("uq_registrations_folded")),
    )
    op.create_index(op.f("ix_registrations_invitation_id"), "registrations", ["invitation_id"])
    op.create_table(
        "security_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(1023), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("transports", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
        _reference("security_keys", "user_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_keys")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_security_keys_credential_id")),
        sa.UniqueConstraint("user_id", "name", name=op.f("uq_security_keys_user_id_name")),
    )
    op.create_index(op.f("ix_security_keys_user_id"), "security_keys", ["user_id"])
    op.create_table(
        "key_challenges",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        _reference("key_challenges", "user_id", "users"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_key_challenges")),
    )
    op.create_index(op.f("ix_key_challenges_user_id"), "key_challenges", ["user_id"])
    op.create_index(op.f("ix_key_challenges_expires_at"), "key_challenges", ["expires_at"])


def downgrade() -> None:
    for table in (
        "key_challenges",
        "security_keys",
        "registrations",
        "invitations",
        "rates",
        "one_time_links",
        "user_addresses",
    ):
        op.drop_table(table)
    op.drop_column("users", "keys_valid_from")
