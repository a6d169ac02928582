"""The audit, whose rows can't be changed; and who may read all of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hops_platform.database import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_SQLITE = """
CREATE TRIGGER audit_events_no_{what} BEFORE {what} ON audit_events
BEGIN SELECT RAISE(ABORT, 'rows of audit_events are never changed'); END
"""
_REFUSE = """
CREATE FUNCTION audit_events_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'rows of audit_events are never changed'; END $$
"""
_NO_CHANGE = """
CREATE TRIGGER audit_events_no_change BEFORE UPDATE OR DELETE ON audit_events
FOR EACH ROW EXECUTE FUNCTION audit_events_refuse()
"""
_NO_TRUNCATE = """
CREATE TRIGGER audit_events_no_truncate BEFORE TRUNCATE ON audit_events
FOR EACH STATEMENT EXECUTE FUNCTION audit_events_refuse()
"""


def upgrade() -> None:
    # Not in batch mode, which would make the table of users anew and delete what refers to it.
    op.add_column("users", sa.Column("auditor", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "audit_events",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("moment", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("actor_kind", sa.String(32), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("project", sa.String(64), nullable=True),
        sa.Column("project_id", sa.Uuid(), nullable=True),
        sa.Column("thing_kind", sa.String(32), nullable=False),
        sa.Column("thing", sa.Text(), nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("request_id", sa.String(32), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("details", sa.String(1000), nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("own_hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_events")),
    )
    op.create_index("ix_audit_events_project_id_number", "audit_events", ["project_id", "number"])
    op.create_index("ix_audit_events_actor_number", "audit_events", ["actor", "number"])
    if op.get_bind().dialect.name == "postgresql":
        statements: tuple[str, ...] = (_REFUSE, _NO_CHANGE, _NO_TRUNCATE)
    else:
        statements = (_SQLITE.format(what="UPDATE"), _SQLITE.format(what="DELETE"))
    for statement in statements:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("audit_events")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_events_refuse()")
    op.drop_column("users", "auditor")
