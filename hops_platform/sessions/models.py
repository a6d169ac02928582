from __future__ import annotations

from sqlalchemy import BigInteger, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from hops_platform.database import Base

THE_SERVICE = 1
"""Key of the one row."""


class SessionsHeard(Base):
    """Up to which number what became of sessions is in the audit."""

    __tablename__ = "sessions_heard"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False, default=THE_SERVICE)
    stream: Mapped[str] = mapped_column(String(64), default="")
    number: Mapped[int] = mapped_column(BigInteger, default=0)
