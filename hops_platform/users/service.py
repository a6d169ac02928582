"""Users: who they are, and what administrators do."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from hops_platform.database import now
from hops_platform.errors import ConflictError
from hops_platform.projects.models import Membership
from hops_platform.projects.service import end_all_work_of
from hops_platform.realms.attempts import attempts_with
from hops_platform.realms.models import account_of
from hops_platform.second_factor.checking import has_second_factor
from hops_platform.security.authentication import Caller
from hops_platform.security.passwords import generate_password, hash_password
from hops_platform.security.throttling import forget_failures
from hops_platform.users.models import LoginAttempts, User
from hops_platform.users.passwords import end_log_ins, realm_of, set_password
from hops_platform.users.schemas import MyMembership, NewUser, UserAnswer, UserEdit

FIRST_ADMINISTRATOR = "admin"


def create_user(
    session: Session,
    *,
    name: str,
    title: str,
    password: str,
    admin: bool,
    must_change_password: bool = True,
) -> User:
    """Creates a user.

    Raises:
        ConflictError: The name is taken.
    """
    if session.scalar(select(User.id).where(User.name == name)) is not None:
        raise name_is_taken(name)
    return add_user(
        session,
        name=name,
        title=title,
        password_hash=hash_password(password),
        admin=admin,
        must_change_password=must_change_password,
    )


def add_user(
    session: Session, *, name: str, title: str, password_hash: str, admin: bool = False, must_change_password: bool
) -> User:
    """Creates a user whose password was hashed before.

    Raises:
        ConflictError: The name is taken.
    """
    if session.scalar(select(User.id).where(User.name == name)) is not None:
        raise name_is_taken(name)
    user = User(
        name=name,
        title=title,
        password_hash=password_hash,
        admin=admin,
        must_change_password=must_change_password,
    )
    session.add(user)
    session.flush()
    return user


def name_is_taken(name: str) -> ConflictError:
    """Says that another user has a name."""
    return ConflictError(f"There is a user {name!r} already.", remedy="Choose another name.")


def create_requested_user(session: Session, request: NewUser) -> UserAnswer:
    """Creates a user as an administrator asked."""
    user = create_user(
        session,
        name=request.name,
        title=request.title,
        password=request.password.get_secret_value(),
        admin=request.admin,
    )
    return show_user(session, user)


def create_first_administrator(session: Session) -> tuple[str, str] | None:
    """Name and password of the first administrator, made when there is no user at all; else ``None``."""
    if session.scalar(select(User.id).limit(1)) is not None:
        return None
    password = generate_password()
    create_user(session, name=FIRST_ADMINISTRATOR, title="Administrator", password=password, admin=True)
    return FIRST_ADMINISTRATOR, password


def edit_user(session: Session, user: User, edit: UserEdit) -> None:
    """Changes a user.

    Raises:
        ConflictError: The last active administrator would be none any more.
    """
    loses = user.admin and user.active and (edit.admin is False or edit.active is False)
    if loses and _other_administrators(session, user) == 0:
        raise ConflictError(
            f"{user.name!r} is the last active administrator.", remedy="Make somebody else administrator first."
        )
    if edit.title is not None:
        user.title = edit.title
    if edit.active is not None:
        if user.active != edit.active:
            # A token of before must not come back to life with the user. First, for the order of the locks: the user,
            # then memberships, as where a certificate is made.
            end_log_ins(session, user)
        _set_active(session, user, active=edit.active)
    if edit.admin is not None:
        user.admin = edit.admin
    if edit.auditor is not None:
        user.auditor = edit.auditor
    if edit.password is not None:
        set_password(session, user, edit.password.get_secret_value(), must_change=True)
    if edit.unlock:
        for name in _names_of_attempts(session, user):
            forget_failures(session, name)
    session.flush()


def show_user(session: Session, user: User) -> UserAnswer:
    """A user on the wire."""
    found = [session.get(LoginAttempts, name) for name in _names_of_attempts(session, user)]
    locked = [one.locked_until for one in found if one is not None and one.locked_until is not None]
    locked_until = max(locked, default=None)
    return UserAnswer(
        name=user.name,
        title=user.title,
        active=user.active,
        admin=user.admin,
        auditor=user.auditor,
        must_change_password=user.must_change_password,
        locked_until=locked_until if locked_until is not None and locked_until > now() else None,
        second_factor=has_second_factor(session, user),
        tokens_valid_from=user.tokens_valid_from,
        created_at=user.created_at,
        realm=realm_of(session, user),
    )


def first_memberships(session: Session, caller: Caller, *, limit: int) -> list[MyMembership]:
    """The caller's first projects; for a project-user only its own."""
    if caller.user is None:
        return []
    query = (
        select(Membership).where(Membership.user_id == caller.user.id).order_by(Membership.project_name).limit(limit)
    )
    if caller.only_project is not None:
        query = query.where(Membership.project_name == caller.only_project)
    return [
        MyMembership(project=row.project.name, title=row.project.title, role=row.role) for row in session.scalars(query)
    ]


def _names_of_attempts(session: Session, user: User) -> list[str]:
    """Under which names failed log-ins of ``user`` are counted: codes here, and passwords of a realm there."""
    account = account_of(session, user)
    return [user.name] if account is None else [user.name, attempts_with(account.realm, account.username)]


def _set_active(session: Session, user: User, *, active: bool) -> None:
    if user.active and not active:
        end_all_work_of(session, user)
    user.active = active
    if (account := account_of(session, user)) is not None:
        # What is decided here is not undone by whoever comes back to the realm.
        account.gone_at = None


def _other_administrators(session: Session, user: User) -> int:
    # The rows are locked in one order, so that two administrators can't demote one another at the same moment.
    administrators = session.scalars(
        select(User.id).where(User.admin.is_(True), User.active.is_(True)).order_by(User.id).with_for_update()
    ).all()
    return sum(1 for identifier in administrators if identifier != user.id)
