"""People of other realms: LDAP, Kerberos, OpenID Connect."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hops_platform.database import UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "realm_accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("realm", sa.String(30), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("proven_at", UtcDateTime(), nullable=False),
        sa.Column("gone_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_realm_accounts_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_realm_accounts")),
        sa.UniqueConstraint("realm", "subject", name=op.f("uq_realm_accounts_realm_subject")),
        sa.UniqueConstraint("user_id", name=op.f("uq_realm_accounts_user_id")),
    )


def downgrade() -> None:
    op.drop_table("realm_accounts")
