"""The leave of a call for what it does with files and takes long: looked up anew, as if the call came now."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from hops_platform.database import Database
from hops_platform.datasets.service import Use, place_in
from hops_platform.engines.places import Place
from hops_platform.security.authentication import ProjectAccess, may_still
from hops_platform.security.leave import no_longer
from hops_platform.security.permissions import Permission


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """A place as a call names it.

    Attributes:
        dataset: The name of a dataset of the project, or of one that is shared with it.
        path: Where in it.
        use: What for.
    """

    dataset: str
    path: str
    use: Use

    def within(self, session: Session, access: ProjectAccess) -> Place:
        """The place; see :func:`~hops_platform.datasets.service.place_in`."""
        return place_in(session, access, self.dataset, self.path, use=self.use)


def check_still(database: Database, access: ProjectAccess, permission: Permission, *places: NamedPlace) -> None:
    """Checks that a call of a while ago would still be let in.

    Args:
        database: Looked at in a transaction of its own.
        access: What the call was let in with.
        permission: What it needs.
        places: What it works with.

    Raises:
        ForbiddenError: The caller may no longer do this, or a share no longer allows it.
        NotFoundError: A dataset is gone, or is no longer shared.
    """
    with database.session(writes=False) as looking:
        if not may_still(looking, access.caller, permission, access.project):
            raise no_longer()
        for named in places:
            named.within(looking, access)
