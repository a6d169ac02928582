"""Sending what was posted."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hops_platform.database import now
from hops_platform.engines.mailer import Letter
from hops_platform.mail.service import SEND
from hops_platform.outbox import Handler, Task
from hops_platform.parts import Parts

LOG = logging.getLogger("hops.mail")


def send(parts: Parts, payload: Mapping[str, Any]) -> None:
    """Hands a letter to the mail server; one that is of no use any more, or of a site without mail, is dropped."""
    if parts.engines.mailer.sends and not is_late(payload):
        parts.engines.mailer.send(Letter(**payload["letter"]))


def is_late(payload: Mapping[str, Any]) -> bool:
    """Whether what is to be sent is of no use any more; says so in the log, without naming anybody."""
    late = now() >= datetime.fromisoformat(payload["until"])
    if late:
        LOG.warning("A letter was not sent: the mail server did not take it in time.")
    return late


TASKS: Mapping[Task, Handler[Parts]] = {SEND: send}
