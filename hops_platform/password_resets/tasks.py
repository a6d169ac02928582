"""Sending the link by which a forgotten password is replaced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hops_platform.audit.actions import Action, ActorKind
from hops_platform.audit.events import Event
from hops_platform.audit.trail import record
from hops_platform.links.models import Purpose
from hops_platform.links.service import address_of_link, make_link
from hops_platform.mail import letters
from hops_platform.mail.service import new_name
from hops_platform.mail.tasks import is_late
from hops_platform.outbox import Handler, Task
from hops_platform.parts import Parts
from hops_platform.password_resets.service import BY_MAIL, SEND, whom


def send_reset(parts: Parts, payload: Mapping[str, Any]) -> None:
    """Makes the link and sends it, if the name that was typed is somebody's with an address."""
    if not parts.engines.mailer.sends or is_late(payload):
        return
    with parts.database.session() as session:
        found = whom(session, payload["sealed"], sealer=parts.sealer)
        if found is None:
            return
        user, address = found
        token = make_link(session, Purpose.PASSWORD_RESET, subject=str(user.id), address=address, lifetime=BY_MAIL)
        name = user.name
        event = Event(action=Action.PASSWORD_RESET_SEND, actor="hops", actor_kind=ActorKind.SERVICE, thing=name)
        record(session, event)
    link = address_of_link(parts.settings.pages_url, "reset-password", token)
    letter = letters.password_reset(to=address, name=new_name(), user=name, link=link, lifetime=BY_MAIL)
    parts.engines.mailer.send(letter)


TASKS: Mapping[Task, Handler[Parts]] = {SEND: send_reset}
