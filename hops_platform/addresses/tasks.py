"""Sending the link that proves an address."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from hops_platform.addresses.service import CONFIRM, CONFIRMED_WITHIN
from hops_platform.links.models import Purpose
from hops_platform.links.service import address_of_link, make_link
from hops_platform.mail import letters
from hops_platform.mail.service import new_name
from hops_platform.mail.tasks import is_late
from hops_platform.outbox import Handler, Task
from hops_platform.parts import Parts
from hops_platform.users.models import User


def send_confirmation(parts: Parts, payload: Mapping[str, Any]) -> None:
    """Makes the link and sends it; each try makes another one, so that none of them stands in a queue."""
    if not parts.engines.mailer.sends or is_late(payload):
        return
    address = payload["address"]
    with parts.database.session() as session:
        user = session.get(User, uuid.UUID(payload["user"]), with_for_update=True)
        # Asked for with a password of before, perhaps by somebody else.
        if user is None or payload.get("log_ins") != user.tokens_valid_from.isoformat():
            return
        token = make_link(session, Purpose.ADDRESS, subject=str(user.id), address=address, lifetime=CONFIRMED_WITHIN)
        name = user.name
    link = address_of_link(parts.settings.pages_url, "confirm-address", token)
    letter = letters.address_to_confirm(to=address, name=new_name(), user=name, link=link, lifetime=CONFIRMED_WITHIN)
    parts.engines.mailer.send(letter)


TASKS: Mapping[Task, Handler[Parts]] = {CONFIRM: send_confirmation}
