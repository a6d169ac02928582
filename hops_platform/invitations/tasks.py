"""Sending invitations to mail addresses."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from hops_platform.database import now
from hops_platform.invitations.service import SEND, find_to_send
from hops_platform.links.models import Purpose
from hops_platform.links.service import address_of_link, make_link
from hops_platform.mail import letters
from hops_platform.mail.service import new_name
from hops_platform.mail.tasks import is_late
from hops_platform.outbox import Handler, Task
from hops_platform.parts import Parts


def send_invitation(parts: Parts, payload: Mapping[str, Any]) -> None:
    """Makes the link and sends it, unless the invitation was withdrawn meanwhile."""
    if not parts.engines.mailer.sends or is_late(payload):
        return
    with parts.database.session() as session:
        row = find_to_send(session, uuid.UUID(payload["invitation"]))
        if row is None or row.address is None:
            return
        address, inviter, project, lifetime = row.address, row.inviter.name, row.project.name, row.expires_at - now()
        token = make_link(session, Purpose.INVITATION, subject=str(row.id), address=address, lifetime=lifetime)
    link = address_of_link(parts.settings.pages_url, "invitation", token)
    letter = letters.invitation(
        to=address, name=new_name(), inviter=inviter, project=project, link=link, lifetime=lifetime
    )
    parts.engines.mailer.send(letter)


TASKS: Mapping[Task, Handler[Parts]] = {SEND: send_invitation}
