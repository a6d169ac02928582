"""People of realms: who they are here, who waits, and who is gone."""

from __future__ import annotations

import logging
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from hops_platform.database import Database, now
from hops_platform.engines.realms import SiteRealm
from hops_platform.errors import (
    ConflictError,
    EngineRefusedError,
    EngineUnavailableError,
    MalformedRequestError,
    NotFoundError,
)
from hops_platform.paging import Page, decode_cursor, encode_cursor
from hops_platform.realms.models import NO_PASSWORD, RealmAccount, account_of
from hops_platform.realms.schemas import AdmissionRequest, RealmAccountAnswer
from hops_platform.users.models import User, find_user
from hops_platform.users.passwords import give_to_realm
from hops_platform.users.schemas import UserEdit
from hops_platform.users.service import add_user, edit_user

LOG = logging.getLogger("hops.realms")
_AT_A_TIME = 100
_FEW = 2


def list_accounts(session: Session, *, waiting: bool, limit: int, after: str | None) -> Page[RealmAccountAnswer]:
    """People of realms in the order in which they first came; those who wait alone, or all."""
    query = select(RealmAccount).order_by(RealmAccount.id).limit(limit + 1)
    if waiting:
        query = query.where(RealmAccount.user_id.is_(None))
    if after is not None:
        try:
            query = query.where(RealmAccount.id > uuid.UUID(decode_cursor(after)))
        except ValueError as error:
            raise MalformedRequestError("The value of 'after' is not a position in this list.") from error
    rows = list(session.scalars(query))
    following = encode_cursor(str(rows[limit - 1].id)) if len(rows) > limit else None
    return Page(items=[show(session, row) for row in rows[:limit]], next=following)


def admit(session: Session, identifier: uuid.UUID, request: AdmissionRequest) -> RealmAccountAnswer:
    """Makes somebody of a realm a user: a new one, or, if it is said so, one that is there.

    Raises:
        ConflictError: They are somebody already, the name is taken, or the user is an administrator or of a realm.
        NotFoundError: There is no such account, or no such user.
    """
    account = _find_account(session, identifier)
    user = session.get(User, account.user_id) if account.user_id is not None else None
    if user is not None:
        if user.name == request.user:
            return show(session, account)
        raise ConflictError(f"They are {user.name!r} already.")
    if request.existing:
        user = find_user(session, request.user)
        if user.admin or account_of(session, user) is not None:
            raise ConflictError(
                f"{request.user!r} is an administrator, or is somebody of a realm already.",
                remedy="Choose another name; an administrator has to be none before.",
            )
        give_to_realm(session, user)
    else:
        user = add_user(
            session, name=request.user, title=account.title, password_hash=NO_PASSWORD, must_change_password=False
        )
    account.user_id = user.id
    session.flush()
    return show(session, account)


def remove(session: Session, identifier: uuid.UUID) -> tuple[str, str]:
    """Forgets somebody who waits; they can come again. Answers the realm's name for them, and the realm.

    Raises:
        ConflictError: They are a user.
        NotFoundError: There is no such account.
    """
    account = _find_account(session, identifier)
    if account.user_id is not None:
        raise ConflictError("They are a user.", remedy="Deactivate the user instead.")
    session.delete(account)
    return account.username, account.realm


def show(session: Session, account: RealmAccount) -> RealmAccountAnswer:
    """Somebody of a realm on the wire."""
    user = session.get(User, account.user_id) if account.user_id is not None else None
    return RealmAccountAnswer(
        id=account.id,
        realm=account.realm,
        username=account.username,
        email=account.email,
        title=account.title,
        user=user.name if user is not None else None,
        created_at=account.created_at,
        proven_at=account.proven_at,
        gone_at=account.gone_at,
    )


def find_those_gone(database: Database, site: SiteRealm) -> list[uuid.UUID]:
    """The accounts of active users whom a realm does not know any more; no transaction is open while it is asked.

    A realm that knows none of several is not believed: then it shows the platform nobody, rather than having nobody.
    """
    with database.session(writes=False) as session:
        known = {
            account.subject: account.id
            for account in session.scalars(
                select(RealmAccount)
                .join(User, User.id == RealmAccount.user_id)
                .where(RealmAccount.realm == site.name, User.active.is_(True))
            )
        }
    subjects = sorted(known)
    gone: list[str] = []
    try:
        for start in range(0, len(subjects), _AT_A_TIME):
            standing = site.engine.standing(subjects[start : start + _AT_A_TIME])
            if standing is None:
                return []
            gone += [subject for subject, stands in standing.items() if not stands]
    except (EngineUnavailableError, EngineRefusedError) as error:
        LOG.warning("Whether people of %s are still there is not known: %s", site.name, error.detail)
        return []
    if len(gone) == len(subjects) >= _FEW:
        LOG.error("%s knows none of %d people any more, which is not believed.", site.name, len(subjects))
        return []
    return [known[subject] for subject in gone]


def end_those_gone(session: Session, site: SiteRealm, gone: list[uuid.UUID]) -> list[str]:
    """Deactivates the users of accounts that a realm does not know any more; answers their names."""
    ended = []
    for identifier in gone:
        account = session.get(RealmAccount, identifier, with_for_update=True)
        user = session.get(User, account.user_id) if account is not None and account.user_id is not None else None
        if account is None or user is None or not user.active:
            continue
        try:
            edit_user(session, user, UserEdit(active=False))
        except ConflictError:
            LOG.warning("%s is gone from %s, and stays: the last administrator.", user.name, site.name)
            continue
        account.gone_at = now()
        ended.append(user.name)
    return ended


def _find_account(session: Session, identifier: uuid.UUID) -> RealmAccount:
    account = session.get(RealmAccount, identifier, with_for_update=True)
    if account is None:
        raise NotFoundError("There is nobody with this id.")
    return account
