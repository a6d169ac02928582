"""Rights of calls that take long, looked up anew as if the call came now."""

from __future__ import annotations

from hops_platform.database import Database
from hops_platform.errors import ForbiddenError
from hops_platform.projects.models import Project
from hops_platform.security.authentication import Caller, may_still
from hops_platform.security.permissions import Permission


def check_right(database: Database, caller: Caller, permission: Permission, project: Project | None = None) -> None:
    """Checks that a caller of a while ago would still be let in.

    Args:
        database: Looked at in a transaction of its own.
        caller: Who called.
        permission: What the call needs.
        project: Where; ``None``: it belongs to no project.

    Raises:
        ForbiddenError: The right has ended.
    """
    with database.session(writes=False) as looking:
        if not may_still(looking, caller, permission, project):
            raise no_longer()


def no_longer() -> ForbiddenError:
    """The problem of a call whose right ended before its work did."""
    return ForbiddenError(
        "Your right to do this ended before it was done; nothing of it appears.",
        remedy="Ask a Data Owner of the project.",
    )
