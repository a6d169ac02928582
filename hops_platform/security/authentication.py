"""From a proof of identity to a caller, and from a caller and a project to what may be done there.

Users and memberships are looked up at every call, so a change acts at once, whatever an old token says.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import and_, bindparam, select
from sqlalchemy.orm import Session, lazyload

from hops_contract.principal import Principal, PrincipalKind
from hops_contract.slugs import is_slug
from hops_contract.tokens import LEEWAY_S, InvalidTokenError
from hops_platform.api_keys.service import KeyBounds, bounds_of, find_good_key, find_good_key_of_token
from hops_platform.api_keys.use import KeysInUse
from hops_platform.errors import (
    ForbiddenError,
    NotFoundError,
    NotVisibleError,
    PlatformError,
    ProjectArchivedError,
    ServiceOffError,
    UnauthenticatedError,
)
from hops_platform.projects.models import Membership, Project
from hops_platform.second_factor.checking import has_second_factor
from hops_platform.security.permissions import Permission
from hops_platform.security.policy import (
    ARCHIVED_CEILING,
    BEFORE_PASSWORD_CHANGE,
    BEFORE_SECOND_FACTOR,
    permissions_of,
)
from hops_platform.security.readiness import check_ready
from hops_platform.security.scopes import OF_EVERY_KEY
from hops_platform.security.services import SERVICES, needed_by
from hops_platform.security.tokens import Signer, VerifiedToken
from hops_platform.users.models import User

HUB = "hub"
LOG_IN = "Log in (POST tokens) and send the token as 'Authorization: Bearer …'."
START_AGAIN = "Start the notebook server again from the project's page."
RENEWABLE_AFTER_END = timedelta(hours=72)
"""How long after its end a project-user's token is still renewed: a laptop that is closed on Friday evening and opened
on Monday finds its notebook servers and Spark sessions alive. See docs/decisions/0006-a-token-is-renewed-late.md."""
# Made once, since nearly every request asks them.
_USER_BY_NAME = select(User).where(User.name == bindparam("name"))
_IN_PROJECT = (
    select(Project, Membership)
    .outerjoin(Membership, and_(Membership.project_id == Project.id, Membership.user_id == bindparam("user")))
    .where(Project.name == bindparam("project"), Project.deleted_at.is_(None))
    # Both are in the session already.
    .options(lazyload(Membership.user), lazyload(Membership.project))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls, with the user's row as it is now.

    Attributes:
        principal: What was proven.
        user: The user's row; ``None`` for a service.
        chain: When the chain of renewals of the token began; ``None`` without a token.
        browser: The mark of the browser's session at the Hub; ``None`` for no browser's call.
        key: What bounds the call, if it is made with an API key or a token that was given for one.
        lacks_second_factor: Whether the site asks for a second factor, and the user has none.
    """

    principal: Principal
    user: User | None
    chain: datetime | None = None
    browser: str | None = None
    key: KeyBounds | None = None
    lacks_second_factor: bool = False

    @property
    def person(self) -> User:
        """The user's row.

        Raises:
            ForbiddenError: The caller is a service.
        """
        if self.user is None:
            raise ForbiddenError("A service has no account of its own.")
        return self.user

    @property
    def administrates(self) -> bool:
        """Whether the caller has an administrator's powers in this call, to change things too."""
        return self._is_administrator and (self.key is None or self.key.administrates)

    @property
    def oversees(self) -> bool:
        """Whether the caller sees what administrators see; what else a key is for its scopes say."""
        return self._is_administrator and (self.key is None or self.key.oversees)

    @property
    def _is_administrator(self) -> bool:
        return self.user is not None and self.user.admin and self.principal.kind is PrincipalKind.USER

    @property
    def audits(self) -> bool:
        """Whether the caller has an auditor's powers in this call."""
        is_auditor = self.user is not None and self.user.auditor and self.principal.kind is PrincipalKind.USER
        return is_auditor and (self.key is None or self.key.oversees)

    @property
    def only_project(self) -> str | None:
        """The one project that the caller is bound to; ``None`` if to none."""
        return self.key.project if self.key is not None and self.key.project is not None else self.principal.project


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectAccess:
    """A caller before a project that it may see."""

    caller: Caller
    project: Project
    membership: Membership | None

    @property
    def member(self) -> Membership:
        """The caller's membership.

        Raises:
            ForbiddenError: The caller is not a member.
        """
        if self.membership is None:
            raise ForbiddenError(f"You are not a member of the project {self.project.name!r}.")
        return self.membership


def authenticate_bearer(
    session: Session, token: str, *, signer: Signer, hub_credential: str, renews: bool = False
) -> Caller:
    """The caller who sends ``token``.

    Args:
        session: The database.
        token: What was sent.
        signer: Who signed it.
        hub_credential: The Hub's own secret.
        renews: Whether it is sent to be renewed, and nothing else: then a project-user's may have expired a while ago.

    Raises:
        UnauthenticatedError: The token proves nothing (any more).
    """
    if hmac.compare_digest(token.encode(), hub_credential.encode()):
        return Caller(principal=Principal(kind=PrincipalKind.SERVICE, user=HUB), user=None)
    try:
        # Expired ones are read too, because what their owner can do depends on their kind.
        verified = signer.verify(token, even_expired=True)
    except InvalidTokenError as error:
        # Its kind can't be believed, so both ways are told.
        raise UnauthenticatedError("The token is not valid.", remedy=f"{LOG_IN} In Lab: {START_AGAIN}") from error
    _check_not_expired(verified, renews=renews)
    principal = verified.principal
    if principal.kind is PrincipalKind.SERVICE:
        # These are what this service shows to others; nobody calls it with one.
        raise UnauthenticatedError("A service's token can't be used here.")
    user = _active_user(session, principal.user)
    outdated = _is_outdated(verified.chain, user.tokens_valid_from)
    if outdated and principal.kind is PrincipalKind.PROJECT_USER:
        raise UnauthenticatedError("Your password was changed.", remedy=START_AGAIN)
    if outdated:
        raise UnauthenticatedError("The password was changed after this token was given out.", remedy=LOG_IN)
    if principal.kind is PrincipalKind.PROJECT_USER:
        _check_not_ended(session, principal, user, verified.chain)
    bounds = None
    if verified.key is not None:
        bounds = bounds_of(find_good_key_of_token(session, verified.key, user=user.name))
    return Caller(principal=principal, user=user, chain=verified.chain, key=bounds)


def authenticate_key(session: Session, key: str, *, in_use: KeysInUse) -> Caller:
    """The caller who sends an API key: its user, within its scopes.

    Raises:
        UnauthenticatedError: It was made up or revoked, or has ended.
    """
    try:
        row = find_good_key(session, key)
    except UnauthenticatedError:
        in_use.forget(key)
        raise
    bounds, user = bounds_of(row), row.user
    in_use.note(key, user=user.name, identifier=row.id, moment=datetime.now(UTC))
    admin = user.admin and bounds.administrates
    principal = Principal(kind=PrincipalKind.USER, user=user.name, admin=admin, expires=row.expires_at)
    return Caller(principal=principal, user=user, key=bounds)


def held_to_second_factor(session: Session, caller: Caller, *, required: bool) -> Caller:
    """``caller``, who may do next to nothing without a second factor where the site asks for one."""
    if not required or caller.user is None or has_second_factor(session, caller.user):
        return caller
    return replace(caller, lacks_second_factor=True)


def authenticate_holder(membership: Membership | None) -> Caller:
    """The project-user whose certificate a connection has proven to hold the key of.

    Args:
        membership: Whose it is; ``None`` for nobody's.

    Raises:
        UnauthenticatedError: It is none of a member, or no longer.
    """
    if membership is None:
        raise UnauthenticatedError(
            "The certificate is no member's, or was revoked.",
            remedy="Start the notebook server again, or export a new one (POST projects/…/certificate:export).",
        )
    user = membership.user
    principal = Principal(
        kind=PrincipalKind.PROJECT_USER, user=user.name, project=membership.project.name, role=membership.role
    )
    return Caller(principal=principal, user=user)


def authenticate_browser(session: Session, name: str, *, mark: str) -> Caller:
    """The caller whose browser the Hub has logged in as ``name``.

    Args:
        session: The database.
        name: The user.
        mark: Of the browser's session at the Hub.

    Raises:
        UnauthenticatedError: There is no such active user.
    """
    user = _active_user(session, name)
    principal = Principal(kind=PrincipalKind.USER, user=user.name, admin=user.admin)
    return Caller(principal=principal, user=user, browser=mark)


def authorize(caller: Caller, permission: Permission) -> None:
    """Checks a permission that belongs to no project.

    Raises:
        ForbiddenError: The caller has it not.
        PasswordChangeNeededError: It has it only after changing its password.
    """
    allowed = permissions_of(caller.principal.kind, admin=caller.oversees, auditor=caller.audits)
    key = caller.key
    by_key = key is not None and caller.principal.kind is PrincipalKind.USER
    if by_key and key is not None and key.project is not None and permission not in OF_EVERY_KEY:
        raise ForbiddenError(f"This API key is for the project {key.project!r} alone.")
    _check(caller, permission, allowed)


def authorize_in_project(session: Session, caller: Caller, project: str, permission: Permission) -> ProjectAccess:
    """Checks a permission in ``project``.

    Raises:
        NotFoundError: There is no such project, or the caller may not see it.
        ForbiddenError: The caller has the permission not.
        PasswordChangeNeededError: It has it only after changing its password.
        ProjectArchivedError: Nobody has it while the project is archived.
        ServiceOffError: Nobody has it while a service of the project is switched off.
    """
    principal, user = caller.principal, caller.user
    absent = NotVisibleError(
        f"There is no project {project!r} that you can see.", remedy="Ask one of its Data Owners to add you."
    )
    if not is_slug(project):
        raise NotFoundError("There is no project of that name.")
    if caller.only_project not in (None, project):
        raise absent
    found = session.execute(_IN_PROJECT, {"project": project, "user": None if user is None else user.id}).first()
    if found is None:
        raise absent
    row, membership = found
    admin = caller.oversees
    if membership is None and not admin and principal.kind is not PrincipalKind.SERVICE:
        raise absent
    allowed = permissions_of(principal.kind, admin=admin, membership=membership.role if membership else None)
    _check(caller, permission, allowed)
    _check_open(row, permission)
    return ProjectAccess(caller=caller, project=row, membership=membership)


def may_still(session: Session, before: Caller, permission: Permission, project: Project | None = None) -> bool:
    """Whether a caller of a while ago may still do what takes long, looked up anew.

    Args:
        session: A new one: what the call read at its beginning stays in its own.
        before: Who called.
        permission: What it needs.
        project: Where; ``None``: it belongs to no project.
    """
    try:
        user = _active_user(session, before.principal.user)
        if before.chain is not None and _is_outdated(before.chain, user.tokens_valid_from):
            return False
        key = before.key
        if key is not None:
            key = bounds_of(find_good_key_of_token(session, str(key.identifier), user=user.name))
        now_caller = Caller(principal=before.principal, user=user, chain=before.chain, key=key)
        if project is None:
            authorize(now_caller, permission)
            return True
        # Another project may have the name by now.
        return authorize_in_project(session, now_caller, project.name, permission).project.id == project.id
    except PlatformError:
        return False


def _is_outdated(chain: datetime, valid_from: datetime) -> bool:
    return chain < valid_from - timedelta(milliseconds=1)


def _check_not_ended(session: Session, principal: Principal, user: User, chain: datetime) -> None:
    valid_from = session.scalar(
        select(Membership.tokens_valid_from)
        .join(Project, Project.id == Membership.project_id)
        .where(Project.name == principal.project, Membership.user_id == user.id)
    )
    if valid_from is not None and _is_outdated(chain, valid_from):
        raise UnauthenticatedError(
            "Your certificate was replaced, or you were added to the project anew, after this token was given out.",
            remedy=START_AGAIN,
        )


def _check_not_expired(verified: VerifiedToken, *, renews: bool) -> None:
    since = datetime.now(UTC) - verified.expires
    if since < timedelta(seconds=LEEWAY_S):
        return
    if verified.principal.kind is not PrincipalKind.PROJECT_USER:
        raise UnauthenticatedError("The token has expired.", remedy=LOG_IN)
    if not renews:
        raise UnauthenticatedError(
            "The token has expired.", remedy=f"It is renewed by itself; if this stays so: {START_AGAIN}"
        )
    if since > RENEWABLE_AFTER_END:
        hours = RENEWABLE_AFTER_END // timedelta(hours=1)
        raise UnauthenticatedError(f"The token expired more than {hours} hours ago.", remedy=START_AGAIN)


def _check(caller: Caller, permission: Permission, allowed: frozenset[Permission]) -> None:
    if permission not in allowed:
        raise ForbiddenError(f"This needs the permission {permission.value}, which you have not here.")
    if caller.key is not None and permission not in caller.key.permissions:
        raise ForbiddenError(
            f"This needs the permission {permission.value}, which is in no scope of this API key.",
            remedy="Make a key with a scope that has it. Some things are for people alone, and no key has them.",
        )
    must_change = caller.user is not None and caller.user.must_change_password
    # Code is no way to set one up: its token ends, and its sessions with it.
    sets_one_up = caller.principal.kind is PrincipalKind.USER and permission in BEFORE_SECOND_FACTOR
    check_ready(
        must_change_password=must_change and permission not in BEFORE_PASSWORD_CHANGE,
        lacks_second_factor=caller.lacks_second_factor and not sets_one_up,
    )


def _check_open(project: Project, permission: Permission) -> None:
    """Checks what the state of a project keeps everybody from."""
    if project.archived_at is not None and permission not in ARCHIVED_CEILING:
        raise archived(project)
    off = needed_by(permission) & set(project.services_off)
    for service in sorted(off):
        entry = SERVICES[service]
        raise ServiceOffError(
            f"{entry.title}: switched off in the project {project.name!r}, {entry.off}.",
            remedy="A Data Owner of the project can switch it on, on the project's page.",
        )


def archived(project: Project) -> ProjectArchivedError:
    """The answer to who wants to begin or change something in an archived project."""
    return ProjectArchivedError(
        f"The project {project.name!r} is archived: it can be read, and nothing in it is begun or changed.",
        remedy="A Data Owner of it can take that back, on the project's page.",
    )


def permissions_in(access: ProjectAccess) -> frozenset[Permission]:
    """All permissions that a caller has in a project, as far as a key bounds them, whatever the project's state."""
    caller, membership = access.caller, access.membership
    allowed = permissions_of(
        caller.principal.kind, admin=caller.oversees, membership=membership.role if membership else None
    )
    return allowed if caller.key is None else allowed & caller.key.permissions


def _active_user(session: Session, name: str) -> User:
    user = session.scalar(_USER_BY_NAME, {"name": name})
    if user is None or not user.active:
        raise UnauthenticatedError("This user can't log in (any more).", remedy="Ask an administrator.")
    return user
