from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from hops_platform.audit.chain import Entry, Link
from hops_platform.audit.events import MAX_ADDRESS, MAX_DETAILS, MAX_KIND, MAX_NAME, MAX_REASON
from hops_platform.database import Base, UtcDateTime

_HASH = 64


class AuditEvent(Base):
    """One row of the audit. It names people and projects and refers to none, so that it stays when they go.

    The database refuses to change or to delete one (the migration's triggers).
    """

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_project_id_number", "project_id", "number"),
        Index("ix_audit_events_actor_number", "actor", "number"),
    )

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    moment: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(MAX_NAME))
    actor_kind: Mapped[str] = mapped_column(String(MAX_KIND))
    action: Mapped[str] = mapped_column(String(MAX_NAME))
    project: Mapped[str | None] = mapped_column(String(MAX_NAME))
    project_id: Mapped[uuid.UUID | None]
    thing_kind: Mapped[str] = mapped_column(String(MAX_KIND))
    thing: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(MAX_ADDRESS))
    request_id: Mapped[str] = mapped_column(String(MAX_KIND))
    outcome: Mapped[str] = mapped_column(String(MAX_KIND))
    reason: Mapped[str] = mapped_column(String(MAX_REASON))
    details: Mapped[str] = mapped_column(String(MAX_DETAILS))
    previous_hash: Mapped[str] = mapped_column(String(_HASH))
    own_hash: Mapped[str] = mapped_column(String(_HASH))

    @classmethod
    def of(cls, link: Link) -> AuditEvent:
        """The row of a link."""
        entry = link.entry
        return cls(
            number=entry.number,
            moment=entry.moment,
            actor=entry.actor,
            actor_kind=entry.actor_kind,
            action=entry.action,
            project=entry.project,
            project_id=entry.project_id,
            thing_kind=entry.thing_kind,
            thing=entry.thing,
            source=entry.source,
            request_id=entry.request_id,
            outcome=entry.outcome,
            reason=entry.reason,
            details=entry.details,
            previous_hash=link.previous_hash,
            own_hash=link.own_hash,
        )

    def link(self) -> Link:
        """The link that this row keeps."""
        return Link(
            Entry(
                number=self.number,
                moment=self.moment,
                actor=self.actor,
                actor_kind=self.actor_kind,
                action=self.action,
                project=self.project,
                project_id=self.project_id,
                thing_kind=self.thing_kind,
                thing=self.thing,
                source=self.source,
                request_id=self.request_id,
                outcome=self.outcome,
                reason=self.reason,
                details=self.details,
            ),
            self.previous_hash,
            self.own_hash,
        )
