"""Log-in by a realm, and who somebody of a realm is here.

Laws:

1. Somebody is known by realm and subject. Neither a name nor an e-mail address makes anybody a user that is there:
   whose name is taken waits for an administrator.
2. What a realm has proven is proof enough for a password, not for a second factor.
3. A realm that does not answer says nothing: nobody is let in by it, and nobody deactivated.
4. Where a realm has no password to ask for again, a log-in proves who it is for some minutes: in the session that it
   began, and no other, and only if the realm asked the person then.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hops_contract.realms import username_of
from hops_platform.database import Database, now
from hops_platform.engines.realms import GivenPassword, Proof, Proven, RealmIdentity, SiteRealm
from hops_platform.errors import ConflictError, ForbiddenError, NotFoundError, PlatformError, WrongCredentialsError
from hops_platform.realms.attempts import attempts_with
from hops_platform.realms.models import BY_TOKEN, MAX_EMAIL_LENGTH, NO_PASSWORD, RealmAccount
from hops_platform.security.sealing import Sealer
from hops_platform.security.throttling import check_not_locked, forget_failures
from hops_platform.security.tokens import SignedToken, Signer
from hops_platform.security_keys.ceremonies import RelyingParty
from hops_platform.users.log_ins import check_second_factor, count_failure
from hops_platform.users.models import MAX_TITLE_LENGTH, User
from hops_platform.users.schemas import UserEdit
from hops_platform.users.service import add_user, edit_user

LOG = logging.getLogger("hops.realms")
Note = Callable[[Session, User, Mapping[str, bool]], None]
"""Is told of a user that a log-in made (nothing changed), or changed (what, and into what)."""
_ADMINISTRATORS_HELP = "Ask an administrator of this site, who sees you on the list of those who wait."


@dataclass(frozen=True, slots=True, kw_only=True)
class RealmLogIn:
    """A log-in by a realm.

    Attributes:
        token: For the user.
        user: Who somebody is here.
        answer: What proves to them who the platform is; empty where the realm has no such thing.
    """

    token: SignedToken
    user: str
    answer: bytes


def log_in(
    database: Database,
    site: SiteRealm,
    proof: Proof,
    *,
    note: Note,
    code: str | None,
    browser: str | None,
    signer: Signer,
    sealer: Sealer,
    party: RelyingParty | None = None,
) -> RealmLogIn:
    """A token for whoever proves to a realm who they are; makes the user at the first log-in where that is the rule.

    Args:
        database: Where all rows stand.
        site: The realm.
        proof: What it is asked about.
        note: Is told what a log-in does besides, in the transaction that does it.
        code: Of the second factor, if one was sent.
        browser: The mark of the browser's session, where it is the Hub that asks for one.
        signer: Signs the token.
        sealer: Seals the challenge.
        party: This site, as security keys know it.

    Uses transactions of its own, as :func:`~hops_platform.users.log_ins.log_in` does; none is open while the realm is
    asked.

    Raises:
        EngineRefusedError: The realm is not set up as it has to be.
        EngineUnavailableError: It does not answer.
        ForbiddenError: It is somebody who is no user here (yet), is deactivated, or may not log in here.
        LockedOutError: Too many attempts failed.
        SecondFactorNeededError: The proof is good, and a code is needed.
        WrongCodeError: The code is wrong, or was used.
        WrongCredentialsError: It proves nothing.
    """
    proven = ask(database, site, proof)
    begun_in = (browser or BY_TOKEN) if proven.asked_just_now else None
    try:
        entered = _enter(database, site, proven.identity, begun_in, note)
    except IntegrityError:
        # The same person, or somebody with the same name, came for the first time at the same moment.
        entered = _enter(database, site, proven.identity, begun_in, note)
    if isinstance(entered, PlatformError):
        raise entered
    user, begun_at = entered
    check_second_factor(database, user, code=code, sealer=sealer, party=party, proven_at=begun_at)
    token = signer.sign_user(user.name, admin=user.admin, chain=begun_at)
    return RealmLogIn(token=token, user=user.name, answer=proven.answer)


def find_realm(realms: Mapping[str, SiteRealm], name: str) -> SiteRealm:
    """The realm of this name.

    Raises:
        NotFoundError: There is none.
    """
    if name not in realms:
        raise NotFoundError(f"There is no realm {name!r}.", remedy="Choose one that the log-in page shows.")
    return realms[name]


def ask(database: Database, site: SiteRealm, proof: Proof) -> Proven:
    """What a realm says to a proof; wrong passwords are counted.

    Raises:
        LockedOutError: Too many attempts failed.
        PlatformError: As :meth:`~hops_platform.engines.realms.Realm.authenticate`.
    """
    if not isinstance(proof, GivenPassword):
        # There is nothing to guess.
        return site.engine.authenticate(proof)
    attempts = attempts_with(site.name, proof.username)
    with database.session(writes=False) as session:
        check_not_locked(session, attempts)
    try:
        proven = site.engine.authenticate(proof)
    except WrongCredentialsError:
        count_failure(database, attempts)
        raise
    with database.session() as session:
        # Attempts that ran beside this one may have locked the name meanwhile. Codes are counted apart.
        check_not_locked(session, attempts)
        forget_failures(session, attempts)
    return proven


def _enter(
    database: Database, site: SiteRealm, identity: RealmIdentity, begun_in: str | None, note: Note
) -> tuple[User, datetime] | PlatformError:
    """The user and when the log-in began, or why there is none: returned, since that somebody waits is kept."""
    with database.session() as session:
        account = session.scalar(
            select(RealmAccount)
            .where(RealmAccount.realm == site.name, RealmAccount.subject == identity.subject)
            .with_for_update()
        )
        if account is None:
            account = RealmAccount(realm=site.name, subject=identity.subject)
            session.add(account)
        account.username = identity.username
        account.proven_at, account.proven_in = now(), begun_in
        account.email, account.title = identity.email[:MAX_EMAIL_LENGTH], identity.title[:MAX_TITLE_LENGTH]
        if account.user_id is None:
            refusal = _make_user(session, site, account)
            if refusal is not None:
                return refusal
            note(session, session.get_one(User, account.user_id), {})
        user = session.get_one(User, account.user_id)
        if account.gone_at is not None:
            edit_user(session, user, UserEdit(active=True))
            note(session, user, {"active": True})
        if not user.active:
            return ForbiddenError("This user is deactivated.", remedy="Ask an administrator of this site.")
        _follow_groups(session, user, identity, note)
        # After all that ends the log-ins of before: this is none of them.
        account.proven_at = now()
        return user, account.proven_at


def _make_user(session: Session, site: SiteRealm, account: RealmAccount) -> PlatformError | None:
    name = username_of(account.username)
    taken = bool(name) and session.scalar(select(User.id).where(User.name == name)) is not None
    if name and not taken and not site.approval:
        account.user_id = add_user(
            session, name=name, title=account.title, password_hash=NO_PASSWORD, must_change_password=False
        ).id
        return None
    session.flush()
    if taken:
        return ForbiddenError(f"Somebody else is called {name!r} here.", remedy=_ADMINISTRATORS_HELP)
    why = "An administrator has to let you in first." if name else "No user name can be made of what you are called."
    return ForbiddenError(why, remedy=_ADMINISTRATORS_HELP)


def _follow_groups(session: Session, user: User, identity: RealmIdentity, note: Note) -> None:
    """Where the realm's groups say who administrates and audits, they say it at each log-in."""
    changed = {
        flag: wanted
        for flag, wanted in (("admin", identity.admin), ("auditor", identity.auditor))
        if wanted is not None and getattr(user, flag) != wanted
    }
    try:
        if changed:
            edit_user(session, user, UserEdit.model_validate(changed))
            note(session, user, changed)
    except ConflictError:
        LOG.warning("%s is in no administrators' group, and stays one: the last.", user.name)
