"""Idempotency keys: a creation that is sent twice happens once, and answers the same both times."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel
from sqlalchemy import JSON, ForeignKey, String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from hops_platform.database import Base, UtcDateTime, now
from hops_platform.errors import ConflictError

MAX_KEY_LENGTH = 100
_REPEATED = "hops.idempotency.repeated"
_KEPT = timedelta(days=1)


class IdempotencyKey(Base):
    """What a creation with this key answered. Passwords take no part in it."""

    __tablename__ = "idempotency_keys"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(MAX_KEY_LENGTH), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    answer: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)


def create_once(
    session: Session,
    *,
    user_id: uuid.UUID,
    key: str | None,
    route: str,
    request: BaseModel,
    create: Callable[[], BaseModel],
) -> dict[str, Any]:
    """What ``create`` answers, or what it answered to the same key before.

    Raises:
        ConflictError: The key was used for another request.
    """
    if key is None:
        return create().model_dump(mode="json")
    fingerprint = hashlib.sha256(f"{route}\n{request.model_dump_json(exclude={'password'})}".encode()).hexdigest()
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < now() - _KEPT))
    known = session.get(IdempotencyKey, (user_id, key))
    if known is not None:
        if known.fingerprint != fingerprint:
            raise ConflictError(
                "This idempotency key was used for another request.", remedy="Send a new key with a new request."
            )
        session.info[_REPEATED] = True
        return known.answer
    answer = create().model_dump(mode="json")
    session.add(IdempotencyKey(user_id=user_id, key=key, fingerprint=fingerprint, answer=answer))
    return answer


def is_repeated(session: Session) -> bool:
    """Whether what was asked for in this session had been done before, and was only answered again."""
    return bool(session.info.get(_REPEATED))
