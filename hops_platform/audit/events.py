"""What is to be written into the audit: an event, before it has its place in the chain."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hops_platform.audit.actions import Action, ActorKind, Outcome
from hops_platform.audit.chain import Entry
from hops_platform.database import now

MAX_NAME = 64
MAX_KIND = 32
MAX_THING = 4200
"""A dataset's name and the longest path in it."""
MAX_REASON = 500
MAX_DETAILS = 1000
MAX_ADDRESS = 64

Detail = str | int | bool | None | list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Somebody did something, or was kept from it.

    No field ever holds a secret: no password, token, key, or text that a person may have taken for a password's field.

    Attributes:
        action: What.
        outcome: What came of it.
        actor: Name of who did it; empty for nobody that is known.
        actor_kind: What stands behind the name.
        project: Name of the project, if it is about one.
        project_id: The project; looked up by its name where it is left out.
        thing: Name of what it was done to.
        thing_kind: The kind of that; the action's subject where it is left out.
        source: The network address that it came from.
        request_id: The request.
        reason: Why it was refused or failed.
        details: What else matters, in few words.
        moment: When.
    """

    action: Action
    outcome: Outcome = Outcome.DONE
    actor: str = ""
    actor_kind: ActorKind = ActorKind.ANYONE
    project: str | None = None
    project_id: uuid.UUID | None = None
    thing: str = ""
    thing_kind: str = ""
    source: str = ""
    request_id: str = ""
    reason: str = ""
    details: Mapping[str, Detail] = field(default_factory=dict)
    moment: datetime = field(default_factory=now)

    def entry(self, number: int) -> Entry:
        """This event as an entry, each field within its limit."""
        return Entry(
            number=number,
            moment=self.moment,
            actor=clip(self.actor, MAX_NAME),
            actor_kind=self.actor_kind.value,
            action=self.action.value,
            project=clip(self.project, MAX_NAME) if self.project is not None else None,
            project_id=self.project_id,
            thing_kind=clip(self.thing_kind or self.action.subject, MAX_KIND),
            thing=clip(self.thing, MAX_THING),
            source=clip(self.source, MAX_ADDRESS),
            request_id=clip(self.request_id, MAX_KIND),
            outcome=self.outcome.value,
            reason=clip(self.reason, MAX_REASON),
            details=write_details(self.details),
        )


def write_details(details: Mapping[str, Detail]) -> str:
    """Details as JSON of at most :data:`MAX_DETAILS` characters; what is longer is left out and said to be."""
    text = json.dumps(dict(details), sort_keys=True, separators=(",", ":"))
    return text if len(text) <= MAX_DETAILS else '{"left_out":true}'


def clip(text: str, most: int) -> str:
    """``text`` as every database takes it and gives it back: without NUL and broken Unicode, cut where too long."""
    clean = text.encode("utf-8", "replace").decode().replace("\x00", "�")
    return clean if len(clean) <= most else clean[: most - 1] + "…"
