"""Making the certificate of one who has joined."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import select

from hops_platform.certificates.service import ISSUE, certificate_of
from hops_platform.errors import NotFoundError
from hops_platform.outbox import Handler, Task
from hops_platform.parts import Parts
from hops_platform.projects.models import Membership, Project
from hops_platform.users.models import User


def issue(parts: Parts, payload: Mapping[str, Any]) -> None:
    """Makes the member's certificate; does nothing for one who has gone meanwhile."""
    with parts.database.session() as session:
        membership = session.scalar(
            select(Membership)
            .join(User, User.id == Membership.user_id)
            .join(Project, Project.id == Membership.project_id)
            .where(Project.name == payload["project"], User.name == payload["user"])
        )
        if membership is not None:
            with suppress(NotFoundError):
                certificate_of(session, membership, parts.sealer)


TASKS: Mapping[Task, Handler[Parts]] = {ISSUE: issue}
