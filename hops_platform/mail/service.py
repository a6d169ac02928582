"""Posting letters: they are written into the outbox, and sent when the mail server takes them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

from sqlalchemy.orm import Session

from hops_platform.database import new_id, now
from hops_platform.engines.mailer import Letter
from hops_platform.outbox import Task, enqueue

CHANNEL = "mail"
SEND = Task(CHANNEL, "letter.send")
NOTICES_FOR = timedelta(days=3)
"""What could not be sent by then is news no longer."""


def post(session: Session, letter: Letter) -> None:
    """Posts a letter that holds no secret. One that can't be sent holds up no other."""
    payload = {"letter": asdict(letter), "until": (now() + NOTICES_FOR).isoformat()}
    enqueue(session, SEND, entity=letter.name, payload=payload)


def new_name() -> str:
    """A name for a letter that is about to be written."""
    return new_id().hex
