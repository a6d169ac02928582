"""What is known of a request while it is served: kept in its scope, where guards and error handlers find it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy.orm import Session

from hops_contract.principal import Principal, PrincipalKind
from hops_platform.audit.actions import Action, ActorKind
from hops_platform.audit.events import Detail

_KEY = "hops.circumstances"
_KINDS = {
    PrincipalKind.USER: ActorKind.USER,
    PrincipalKind.PROJECT_USER: ActorKind.PROJECT_USER,
    PrincipalKind.SERVICE: ActorKind.SERVICE,
}


@dataclass(slots=True, kw_only=True)
class Circumstances:
    """A request, as far as it is known by now.

    Attributes:
        request_id: Its id, in the log and in the answer.
        actor: Name of the caller, once it is proven.
        actor_kind: What stands behind the name.
        action: What the route does, which it may say more exactly.
        project: The project that it is about.
        project_id: Which of that name.
        thing: Name of what it is done to.
        by_caller: Whether it has the caller's name where it has no other.
        details: What else matters.
        write: Writes it with a transaction; only where the route declares what it does.
        recorded: Whether it is written already, or nothing was done.
        others: Other projects that it is about as well, by name and key; when it is done it is written for each,
            without where it came from.
    """

    request_id: str = field(default_factory=lambda: uuid.uuid4().hex[:16])
    actor: str = ""
    actor_kind: ActorKind = ActorKind.ANYONE
    action: Action | None = None
    project: str | None = None
    project_id: uuid.UUID | None = None
    thing: str = ""
    by_caller: bool = False
    details: dict[str, Detail] = field(default_factory=dict)
    write: Callable[[Session], None] | None = None
    recorded: bool = False
    others: list[tuple[str, uuid.UUID]] = field(default_factory=list)

    def called_by(self, principal: Principal) -> None:
        """Says who calls."""
        self.actor, self.actor_kind = principal.user, _KINDS[principal.kind]

    def record_now(self, session: Session) -> None:
        """Writes what the route does with the transaction that the route is about to commit itself."""
        if self.write is not None and not self.recorded:
            self.write(session)

    def also_in(self, project: str, project_id: uuid.UUID) -> None:
        """Says that it is about another project as well."""
        self.others.append((project, project_id))

    def within(self, project: str, project_id: uuid.UUID | None) -> None:
        """Says which project it is about."""
        self.project, self.project_id = project, project_id


def circumstances_of(scope: MutableMapping[str, Any]) -> Circumstances:
    """The circumstances of the request of an ASGI ``scope``."""
    if _KEY not in scope:
        scope[_KEY] = Circumstances()
    return cast("Circumstances", scope[_KEY])
