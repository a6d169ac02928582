from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hops_platform.database import Base, UtcDateTime, new_id, now
from hops_platform.datasets.models import Dataset
from hops_platform.projects.models import Project

MAX_PATH_LENGTH = 100
"""Of ``<project>/<dataset>``."""


class ShareState(StrEnum):
    """How far a share is."""

    OFFERED = "offered"
    """The owning project offers it; a Data Owner of the other one has to accept."""
    ASKED = "asked"
    """The other project asks for it; a Data Owner of the owning one has to accept."""
    ACCEPTED = "accepted"
    DECLINED = "declined"
    """The other project did not want it; it can't be offered again for a while."""


class ShareMode(StrEnum):
    """What the other project may do with a dataset."""

    READ = "read"
    WRITE = "write"


class Share(Base):
    """A dataset of one project in another."""

    __tablename__ = "shares"
    __table_args__ = (
        UniqueConstraint("dataset_id", "project_id"),
        Index("ix_shares_project_id_path", "project_id", "path"),
        Index("ix_shares_owner_id", "owner_id"),
        Index("ix_shares_made_by_id", "made_by_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    # The dataset itself, not its name: one that is made anew under the same name is shared with nobody.
    dataset_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("datasets.id", ondelete="CASCADE"))
    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    # <owning project>/<dataset>: neither name ever changes.
    path: Mapped[str] = mapped_column(String(MAX_PATH_LENGTH))
    state_name: Mapped[str] = mapped_column("state", String(32))
    mode_name: Mapped[str] = mapped_column("mode", String(32))
    download: Mapped[bool] = mapped_column(default=False)
    # Whether the other project took it by itself, since it was published.
    self_service: Mapped[bool] = mapped_column(default=False)
    made_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), default=None)
    # Counts edits; it is the share's ETag.
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    declined_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    dataset: Mapped[Dataset] = relationship(lazy="joined", innerjoin=True, foreign_keys=[dataset_id])
    owner: Mapped[Project] = relationship(lazy="joined", innerjoin=True, foreign_keys=[owner_id])
    project: Mapped[Project] = relationship(lazy="joined", innerjoin=True, foreign_keys=[project_id])

    @property
    def state(self) -> ShareState:
        """The state, typed."""
        return ShareState(self.state_name)

    @property
    def mode(self) -> ShareMode:
        """The mode, typed."""
        return ShareMode(self.mode_name)

    @property
    def mode_now(self) -> ShareMode:
        """What may be done with it at this moment: an archived project's datasets are for reading."""
        return self.mode if self.owner.archived_at is None else ShareMode.READ


class Publication(Base):
    """A dataset that everybody who is logged in finds, and adds to their own project."""

    __tablename__ = "publications"
    __table_args__ = (UniqueConstraint("path"),)

    dataset_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("datasets.id", ondelete="CASCADE"), primary_key=True)
    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    path: Mapped[str] = mapped_column(String(MAX_PATH_LENGTH))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    dataset: Mapped[Dataset] = relationship(lazy="joined", innerjoin=True)
    owner: Mapped[Project] = relationship(lazy="joined", innerjoin=True)
