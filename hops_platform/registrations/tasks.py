"""Sending the link by which whoever wants an account goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hops_platform.addresses.service import user_at
from hops_platform.links.models import Purpose
from hops_platform.links.service import address_of_link, make_link
from hops_platform.mail import letters
from hops_platform.mail.addresses import folded
from hops_platform.mail.service import new_name
from hops_platform.mail.tasks import is_late
from hops_platform.outbox import Handler, Task
from hops_platform.parts import Parts
from hops_platform.registrations.service import LINK_GOOD_FOR, SEND


def send_registration(parts: Parts, payload: Mapping[str, Any]) -> None:
    """Makes the link and sends it; whoever has an account is told so instead."""
    if not parts.engines.mailer.sends or is_late(payload):
        return
    address = payload["address"]
    with parts.database.session() as session:
        user = user_at(session, address)
        token = ""
        if user is None:
            # All of one address end together; the subject is what they have in common.
            subject = folded(address)[:64]
            token = make_link(session, Purpose.REGISTRATION, subject=subject, address=address, lifetime=LINK_GOOD_FOR)
    if user is not None:
        letter = letters.registered_already(to=address, name=new_name(), user=user.name)
    else:
        link = address_of_link(parts.settings.pages_url, "register", token)
        letter = letters.registration_to_finish(to=address, name=new_name(), link=link, lifetime=LINK_GOOD_FOR)
    parts.engines.mailer.send(letter)


TASKS: Mapping[Task, Handler[Parts]] = {SEND: send_registration}
