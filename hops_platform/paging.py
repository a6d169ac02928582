"""Keyset paging: a page is what comes after a key, so it stays right while rows come and go."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field
from sqlalchemy import Integer, Select, bindparam
from sqlalchemy.orm import InstrumentedAttribute, Session

from hops_platform.errors import MalformedRequestError
from hops_platform.gathering import gather, gathering

MAX_LIMIT = 100
DEFAULT_LIMIT = 50
MAX_CURSOR_LENGTH = 400

_MOST, _AFTER = "page_most", "page_after"

Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next: str | None = Field(default=None, description="Give this as `after` for the next page; null at the end.")


def encode_cursor(key: str) -> str:
    """The cursor that stands after the row with ``key``."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """The key that a cursor stands for.

    Raises:
        MalformedRequestError: The cursor was not made by :func:`encode_cursor`.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError) as error:
        raise MalformedRequestError(
            "The value of 'after' is not a position in this list.", remedy="Use the 'next' of the page before."
        ) from error
    if "\x00" in key:
        raise MalformedRequestError("The value of 'after' is not a position in this list.")
    return key


def decode_id(cursor: str) -> uuid.UUID:
    """The identifier that a cursor stands for.

    Raises:
        MalformedRequestError: It stands for none.
    """
    try:
        return uuid.UUID(decode_cursor(cursor))
    except ValueError as error:
        raise MalformedRequestError(
            "The value of 'after' is not a position in this list.", remedy="Use the 'next' of the page before."
        ) from error


def fetch_page(
    session: Session,
    query: Select[*tuple[Any, ...]],
    *,
    key: InstrumentedAttribute[str],
    limit: int,
    after: str | None,
) -> tuple[Sequence[Any], str | None]:
    """Rows of ``query`` in the order of ``key`` after the cursor, and the next cursor.

    ``key`` must be unique among the rows of the query. The query's first column is ``key``, or the model that has it.
    """
    if after is not None:
        query = query.where(key > decode_cursor(after))
    rows = session.execute(query.order_by(key).limit(limit + 1)).all()
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1][0]
    return rows[:limit], encode_cursor(last if isinstance(last, str) else getattr(last, key.key))


class GatheredList:
    """A list of which the database puts a page together; see :mod:`hops_platform.gathering`.

    Its statements are made once: making one takes longer than SQLite needs to answer it.

    Args:
        query: Its rows, with :func:`sqlalchemy.bindparam` for what differs from request to request.
        key: As for :func:`fetch_page`; the first column of ``query``.
    """

    def __init__(self, query: Select[*tuple[Any, ...]], *, key: InstrumentedAttribute[str]) -> None:
        ordered = query.order_by(key).limit(bindparam(_MOST, type_=Integer))
        self._first = gathering(ordered)
        self._following = gathering(ordered.where(key > bindparam(_AFTER)))

    def fetch(
        self, session: Session, *, limit: int, after: str | None, **values: Any
    ) -> tuple[list[list[Any]], str | None]:
        """A page as :func:`fetch_page` gives it, with each row a list of what JSON has.

        Raises:
            MalformedRequestError: The cursor is none.
        """
        most = {_MOST: limit + 1, **values}
        if after is None:
            rows = gather(session, self._first, most)
        else:
            rows = gather(session, self._following, {_AFTER: decode_cursor(after), **most})
        if len(rows) <= limit:
            return rows, None
        return rows[:limit], encode_cursor(rows[limit - 1][0])


def fetch_page_by_id(
    session: Session,
    query: Select[*tuple[Any, ...]],
    *,
    key: InstrumentedAttribute[uuid.UUID],
    limit: int,
    after: str | None,
) -> tuple[Sequence[Any], str | None]:
    """As :func:`fetch_page`, in the order in which rows were made: later keys are larger.

    Raises:
        MalformedRequestError: The cursor is none of this list.
    """
    if after is not None:
        query = query.where(key > decode_id(after))
    rows = session.execute(query.order_by(key).limit(limit + 1)).all()
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], encode_cursor(str(getattr(rows[limit - 1][0], key.key)))
