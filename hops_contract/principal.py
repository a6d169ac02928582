"""Who calls: the one shape that every way of authentication ends in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hops_contract.slugs import project_user


class ProjectRole(StrEnum):
    """A member's role in a project."""

    DATA_OWNER = "data_owner"
    DATA_SCIENTIST = "data_scientist"


class PrincipalKind(StrEnum):
    """What stands behind a principal."""

    USER = "user"
    """A person, everywhere they are a member."""
    PROJECT_USER = "project_user"
    """A person inside one project: a notebook server or a Spark session acts with this."""
    SERVICE = "service"
    """One of the platform's own services."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """An authenticated caller.

    Attributes:
        kind: What stands behind it.
        user: The user's name, or the service's.
        project: The project that it is bound to; only for a project-user.
        role: The role in that project at the time of signing; only for a project-user.
        admin: Whether the user is an administrator of the platform; always false for a project-user.
        token_id: ``jti`` of the token, for revocation and audit.
        expires: When the proof of identity ends.
    """

    kind: PrincipalKind
    user: str
    project: str | None = None
    role: ProjectRole | None = None
    admin: bool = False
    token_id: str = ""
    expires: datetime | None = None

    @property
    def project_user(self) -> str:
        """``project__user``.

        Raises:
            ValueError: The principal is not bound to a project.
        """
        if self.project is None:
            raise ValueError("This principal is not bound to a project.")
        return project_user(self.project, self.user)
