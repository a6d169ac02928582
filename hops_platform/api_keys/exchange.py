"""A key for a token: for services that take tokens alone, above all the session service."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from hops_platform.api_keys.service import bounds_of, find_good_key
from hops_platform.api_keys.use import KeysInUse
from hops_platform.database import now
from hops_platform.errors import (
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
)
from hops_platform.projects.models import Membership, Project
from hops_platform.second_factor.checking import has_second_factor
from hops_platform.security.readiness import check_ready
from hops_platform.security.scopes import Scope
from hops_platform.security.tokens import SignedToken, Signer


def exchange_key(
    session: Session,
    key: str,
    *,
    project: str | None,
    signer: Signer,
    in_use: KeysInUse,
    second_factor_required: bool,
) -> tuple[SignedToken, str]:
    """A project-user's token for a key, and the user's name; this service refuses the token as soon as the key.

    Args:
        session: The database.
        key: The key.
        project: In which project; may be left out for a key of one project.
        signer: Signs the token.
        in_use: Is told that the key was used.
        second_factor_required: Whether the site asks everybody for a second factor.

    Raises:
        ForbiddenError: The key has not the scope that it needs.
        InvalidRequestError: No project is told.
        NotFoundError: The user is no member of the project, or the key is for another one.
        PasswordChangeNeededError: The user has to choose a password first.
        SecondFactorSetUpNeededError: The user has to set up a second factor first.
        UnauthenticatedError: The key was made up or revoked, or has ended.
    """
    row = find_good_key(session, key)
    bounds, user = bounds_of(row), row.user
    in_use.note(key, user=user.name, identifier=row.id, moment=now())
    if Scope.SESSIONS_RUN not in bounds.scopes:
        raise ForbiddenError(
            f"A token is given for keys with the scope {Scope.SESSIONS_RUN.value}; this one has it not.",
            remedy="Send the key itself as 'Authorization: Bearer …', or make one with that scope.",
        )
    check_ready(
        must_change_password=user.must_change_password,
        lacks_second_factor=second_factor_required and not has_second_factor(session, user),
    )
    name = project or bounds.project
    if name is None:
        raise InvalidRequestError("This key is for no single project.", remedy="Tell the project: {'project': …}.")
    membership = None
    if bounds.project in (None, name):
        membership = session.scalar(
            select(Membership)
            .join(Project, Project.id == Membership.project_id)
            .where(Project.name == name, Project.deleted_at.is_(None), Membership.user_id == user.id)
        )
    if membership is None:
        raise NotFoundError(f"There is no project {name!r} that you can see with this key.")
    signed = signer.sign_project_user(
        user.name, project=name, role=membership.role, key=str(row.id), until=row.expires_at
    )
    return signed, user.name
