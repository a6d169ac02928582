"""API keys: made, listed, revoked, and held against what is sent."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, delete, or_, select, update
from sqlalchemy.orm import Session

from hops_platform.api_keys.models import ApiKey
from hops_platform.api_keys.proofs import digest_of, generate_key, shown_of
from hops_platform.api_keys.schemas import ApiKeyAnswer, KeyState, NewApiKey, NewApiKeyAnswer
from hops_platform.database import now
from hops_platform.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    UnauthenticatedError,
)
from hops_platform.projects.models import Membership, Project
from hops_platform.security.permissions import Permission
from hops_platform.security.scopes import SITE_SCOPES, Scope, known_scopes, permissions_of_scopes
from hops_platform.users.models import User

MOST_KEYS = 20
"""Of one user, those that have ended included."""
MAKE_ANOTHER = "Make another one on the page 'Security'."


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyBounds:
    """What a call is bounded by that is made with a key, or with a token that was given for one.

    Attributes:
        identifier: The key's row.
        name: Its user's name for it.
        scopes: What it was made for.
        project: The one project that it was made for, if it was.
        until: When it ends.
    """

    identifier: uuid.UUID
    name: str
    scopes: frozenset[Scope]
    project: str | None
    until: datetime

    @property
    def permissions(self) -> frozenset[Permission]:
        """All that it can be used for, if its user may do it."""
        return permissions_of_scopes(self.scopes)

    @property
    def administrates(self) -> bool:
        """Whether an administrator is one by this key too, and may change what others made."""
        return Scope.SITE_WRITE in self.scopes

    @property
    def oversees(self) -> bool:
        """Whether an administrator, or an auditor, sees by this key what they see without."""
        return bool(self.scopes & SITE_SCOPES)


def create_key(session: Session, user: User, request: NewApiKey) -> NewApiKeyAnswer:
    """Makes a key; the answer is the only place where it ever stands.

    Raises:
        ConflictError: The name is taken, or the user has as many as one may have.
        InvalidRequestError: The scopes are not for this user, or not for one project.
        NotFoundError: The user is no member of the project.
    """
    # Of requests at the same moment one after the other counts.
    session.scalar(select(User.id).where(User.id == user.id).with_for_update())
    names = set(session.scalars(select(ApiKey.name).where(ApiKey.user_id == user.id)))
    if request.name in names:
        raise ConflictError(f"You have a key {request.name!r} already.", remedy="Choose another name, or revoke it.")
    if len(names) >= MOST_KEYS:
        raise ConflictError(
            f"You have {len(names)} keys; {MOST_KEYS} are the most.", remedy="Revoke one that is no longer used."
        )
    _check_scopes(user, request)
    key, moment = generate_key(), now()
    row = ApiKey(
        user=user,
        name=request.name,
        shown=shown_of(key),
        digest=digest_of(key),
        scope_names=sorted(request.scopes),
        project=_project_of(session, user, request.project) if request.project is not None else None,
        created_at=moment,
        expires_at=moment + timedelta(days=request.days),
    )
    session.add(row)
    session.flush()
    return NewApiKeyAnswer(**show_key(session, row).model_dump(), key=key)


def keys_of(user: User) -> Select[ApiKey]:
    """The query of a user's keys."""
    return select(ApiKey).where(ApiKey.user_id == user.id)


def revoke_key(session: Session, user: User, name: str) -> None:
    """Revokes a user's key; the next call with it is refused.

    Raises:
        NotFoundError: The user has none of this name.
    """
    revoked = session.execute(delete(ApiKey).where(ApiKey.user_id == user.id, ApiKey.name == name).returning(ApiKey.id))
    if revoked.first() is None:
        raise NotFoundError("There is no such API key.")


def show_key(session: Session, key: ApiKey) -> ApiKeyAnswer:
    """A key on the wire, without what proves anything."""
    ended = why_ended(session, key)
    return ApiKeyAnswer(
        name=key.name,
        shown=key.shown,
        scopes=sorted(known_scopes(key.scope_names)),
        project=key.project.name if key.project is not None else None,
        state=KeyState.GOOD if ended is None else KeyState.ENDED,
        reason=ended,
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
    )


def why_ended(session: Session, key: ApiKey) -> str | None:
    """The sentence that says why a key is no longer good; ``None`` while it is."""
    if key.expires_at <= now():
        return "The API key has expired."
    if not key.user.active:
        return "This user can't log in (any more)."
    if key.created_at < (key.user.keys_valid_from or key.user.tokens_valid_from):
        return "The password was changed after this API key was made."
    return None if key.project is None else _why_ended_in(session, key, key.project)


def find_good_key(session: Session, key: str) -> ApiKey:
    """The row of a key that is good.

    Raises:
        UnauthenticatedError: It was made up or revoked, or has ended.
    """
    return _checked(session, session.scalar(select(ApiKey).where(ApiKey.digest == digest_of(key))))


def find_good_key_of_token(session: Session, identifier: str, *, user: str) -> ApiKey:
    """The row of the key for which a token was given; with the key ends the token.

    Raises:
        UnauthenticatedError: It was revoked or has ended.
    """
    row = session.get(ApiKey, uuid.UUID(identifier))
    return _checked(session, row if row is not None and row.user.name == user else None)


def bounds_of(key: ApiKey) -> KeyBounds:
    """What calls with ``key`` are bounded by."""
    return KeyBounds(
        identifier=key.id,
        name=key.name,
        scopes=known_scopes(key.scope_names),
        project=key.project.name if key.project is not None else None,
        until=key.expires_at,
    )


def write_uses(session: Session, uses: Mapping[uuid.UUID, datetime]) -> None:
    """Writes when keys were last used; a later moment that another process wrote stays."""
    for identifier, moment in sorted(uses.items()):
        earlier = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < moment)
        session.execute(update(ApiKey).where(ApiKey.id == identifier, earlier).values(last_used_at=moment))


def _checked(session: Session, key: ApiKey | None) -> ApiKey:
    if key is None:
        raise UnauthenticatedError("The API key is not valid (any more).", remedy=MAKE_ANOTHER)
    if (ended := why_ended(session, key)) is not None:
        raise UnauthenticatedError(ended, remedy=MAKE_ANOTHER)
    return key


def _check_scopes(user: User, request: NewApiKey) -> None:
    site = sorted(SITE_SCOPES.intersection(request.scopes))
    if site and request.project is not None:
        raise InvalidRequestError(
            f"The scope {site[0].value} is for no single project.", remedy="Leave one of them out."
        )
    if user.admin or (user.auditor and site == [Scope.SITE_READ]):
        return
    if site:
        raise InvalidRequestError(f"The scope {site[-1].value} is for administrators.", remedy="Leave it out.")


def _project_of(session: Session, user: User, name: str) -> Project:
    project = session.scalar(
        select(Project)
        .join(Membership, Membership.project_id == Project.id)
        .where(Project.name == name, Project.deleted_at.is_(None), Membership.user_id == user.id)
    )
    if project is None:
        raise NotFoundError(
            f"There is no project {name!r} that you are a member of.", remedy="Choose one of your projects."
        )
    return project


def _why_ended_in(session: Session, key: ApiKey, project: Project) -> str | None:
    membership = session.get(Membership, (project.id, key.user_id))
    # Of before the membership: its user was removed in between, and what was taken shall not come back by itself.
    if project.deleted_at is not None or membership is None or key.created_at < membership.created_at:
        return "The API key was made for a project that its user is no longer a member of."
    # A restored project has its members since when they joined; what ended with it does not come back either.
    if membership.tokens_valid_from is not None and key.created_at < membership.tokens_valid_from:
        return "The API key was made before its project was deleted and restored, or its user's certificate replaced."
    return None
