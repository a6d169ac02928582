"""Versions of rows: an edit names the one that it edits, and of two edits of one version one succeeds."""

from __future__ import annotations

from typing import Any, Protocol

from sqlalchemy import inspect, update
from sqlalchemy.orm import Session

from hops_platform.errors import PreconditionFailedError


class Versioned(Protocol):
    """A row that counts its edits from 1; the number is the ETag of what the row describes."""

    version: Any


def edit_version(session: Session, row: Versioned, *, version: int, **changes: Any) -> None:
    """Changes ``row`` if it still has ``version``, and counts the edit.

    Raises:
        PreconditionFailedError: Somebody else changed it since the caller read it.
    """
    table = type(row)
    state = inspect(row)
    same = [column == value for column, value in zip(state.mapper.primary_key, state.identity, strict=True)]
    changed = session.execute(
        update(table)
        .where(*same, table.version == version)
        .values({getattr(table, name): value for name, value in changes.items()} | {table.version: version + 1})
        .execution_options(synchronize_session=False)
        .returning(table.version)
    ).all()
    if not changed:
        raise changed_meanwhile()
    session.refresh(row)


def changed_meanwhile() -> PreconditionFailedError:
    """The answer to an edit of a version that is no longer the present one."""
    return PreconditionFailedError(
        "Somebody else changed this since you read it.", remedy="Read it again, then repeat your change."
    )
