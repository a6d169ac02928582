"""What administrators see of the outbox."""

from __future__ import annotations

import uuid

from sqlalchemy import case, select, tuple_
from sqlalchemy.orm import Session

from hops_platform.database import now
from hops_platform.errors import MalformedRequestError, NotFoundError
from hops_platform.operations.schemas import DeliveryAnswer
from hops_platform.outbox import STUCK_AFTER, Delivery
from hops_platform.paging import Page, decode_cursor, encode_cursor


def list_deliveries(session: Session, *, limit: int, after: str | None) -> Page[DeliveryAnswer]:
    """What is still to be done: the stuck ones first, then by age."""
    rank = case((Delivery.attempts >= STUCK_AFTER, 0), else_=1)
    query = select(Delivery).order_by(rank, Delivery.id).limit(limit + 1)
    if after is not None:
        position, _, identifier = decode_cursor(after).partition("/")
        try:
            key = (int(position), uuid.UUID(identifier))
        except ValueError as error:
            raise MalformedRequestError("The value of 'after' is not a position in this list.") from error
        query = query.where(tuple_(rank, Delivery.id) > tuple_(*key))
    rows = list(session.scalars(query))
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = encode_cursor(f"{0 if last.attempts >= STUCK_AFTER else 1}/{last.id}")
    return Page(items=[show_delivery(row) for row in rows[:limit]], next=following)


def retry_delivery(session: Session, identifier: uuid.UUID) -> DeliveryAnswer:
    """Makes a delivery due now.

    Raises:
        NotFoundError: There is none; it may have been done.
    """
    delivery = session.get(Delivery, identifier)
    if delivery is None:
        raise NotFoundError("There is no such delivery; it may have been done meanwhile.")
    delivery.due_at = now()
    return show_delivery(delivery)


def show_delivery(delivery: Delivery) -> DeliveryAnswer:
    """A delivery on the wire."""
    return DeliveryAnswer(
        id=delivery.id,
        channel=delivery.channel,
        topic=delivery.topic,
        entity=delivery.entity,
        project=delivery.project,
        stuck=delivery.attempts >= STUCK_AFTER,
        attempts=delivery.attempts,
        due_at=delivery.due_at,
        last_error=delivery.last_error,
        created_at=delivery.created_at,
    )
