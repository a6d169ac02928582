"""Sending invitations to mail addresses."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from typing import Any

from hops_platform.database import now
from hops_platform.errors import TooOftenError
from hops_platform.invitations.service import SEND, SENT_TO_ONE, find_to_send
from hops_platform.links.models import Purpose
from hops_platform.links.service import address_of_link, make_link
from hops_platform.mail import letters
from hops_platform.mail.addresses import folded
from hops_platform.mail.service import new_name
from hops_platform.mail.tasks import is_late
from hops_platform.outbox import Handler, Task
from hops_platform.parts import Parts
from hops_platform.security.rates import check_against, count_against

LOG = logging.getLogger("hops.invitations")


def send_invitation(parts: Parts, payload: Mapping[str, Any]) -> None:
    """Makes the link and sends it, unless the invitation was withdrawn meanwhile, or the address got so many today."""
    if not parts.engines.mailer.sends or is_late(payload):
        return
    with parts.database.session() as session:
        row = find_to_send(session, uuid.UUID(payload["invitation"]))
        if row is None or row.address is None:
            return
        address, inviter, project, lifetime = row.address, row.inviter.name, row.project.name, row.expires_at - now()
        token = make_link(session, Purpose.INVITATION, subject=str(row.id), address=address, lifetime=lifetime)
    try:
        check_against(parts.database, SENT_TO_ONE, folded(address))
    except TooOftenError:
        LOG.warning("An invitation was not sent: its address has got as many letters today as it may.")
        return
    link = address_of_link(parts.settings.pages_url, "invitation", token)
    letter = letters.invitation(
        to=address, name=new_name(), inviter=inviter, project=project, link=link, lifetime=lifetime
    )
    parts.engines.mailer.send(letter)
    # One that could not be sent is sent again, and counts once.
    count_against(parts.database, SENT_TO_ONE, folded(address))


TASKS: Mapping[Task, Handler[Parts]] = {SEND: send_invitation}
