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

import hmac
import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hops_contract.realms import username_of
from hops_platform.database import Database, now
from hops_platform.engines.realms import GivenPassword, Proof, ProofKind, Proven, RealmIdentity, SiteRealm
from hops_platform.errors import (
    ConflictError,
    EngineRefusedError,
    EngineUnavailableError,
    ForbiddenError,
    MalformedRequestError,
    NotFoundError,
    PlatformError,
    UnauthenticatedError,
    WrongCredentialsError,
)
from hops_platform.paging import Page, decode_cursor, encode_cursor
from hops_platform.realms.attempts import attempts_with
from hops_platform.realms.models import MAX_EMAIL_LENGTH, RealmAccount, account_of
from hops_platform.realms.schemas import AdmissionRequest, RealmAccountAnswer
from hops_platform.second_factor.schemas import Proof as ProofOfPerson
from hops_platform.security.authentication import Caller
from hops_platform.security.sealing import Sealer
from hops_platform.security.throttling import check_not_locked, forget_failures
from hops_platform.security.tokens import SignedToken, Signer
from hops_platform.security_keys.ceremonies import RelyingParty
from hops_platform.users import service as users
from hops_platform.users.models import MAX_TITLE_LENGTH, User
from hops_platform.users.schemas import UserEdit

LOG = logging.getLogger("hops.realms")
Note = Callable[[Session, User, Mapping[str, bool]], None]
"""Is told of a user that a log-in made (nothing changed), or changed (what, and into what)."""
RECENT = timedelta(minutes=15)
"""So long a log-in stands for the password that a realm does not ask for."""
_NO_PASSWORD, _BY_TOKEN = "", ""
_SAME_MOMENT = timedelta(milliseconds=1)
"""Tokens hold moments as numbers with a fraction."""
_AT_A_TIME = 100
_FEW = 2
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

    Uses transactions of its own, as :func:`~hops_platform.users.service.log_in` does; none is open while the realm is
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
    proven = _ask(database, site, proof)
    begun_in = (browser or _BY_TOKEN) if proven.asked_just_now else None
    try:
        entered = _enter(database, site, proven.identity, begun_in, note)
    except IntegrityError:
        # The same person, or somebody with the same name, came for the first time at the same moment.
        entered = _enter(database, site, proven.identity, begun_in, note)
    if isinstance(entered, PlatformError):
        raise entered
    user, begun_at = entered
    users.check_second_factor(database, user, code=code, sealer=sealer, party=party, proven_at=begun_at)
    token = signer.sign_user(user.name, admin=user.admin, chain=begun_at)
    return RealmLogIn(token=token, user=user.name, answer=proven.answer)


def is_session_of_log_in(account: RealmAccount, caller: Caller) -> bool:
    """Whether ``caller`` calls in the session of the account's last log-in, in which the realm asked who it is."""
    if account.proven_in is None:
        return False
    if caller.browser is not None:
        return hmac.compare_digest(account.proven_in, caller.browser)
    same = caller.chain is not None and abs(caller.chain - account.proven_at) <= _SAME_MOMENT
    return account.proven_in == _BY_TOKEN and same


def find_realm(realms: Mapping[str, SiteRealm], name: str) -> SiteRealm:
    """The realm of this name.

    Raises:
        NotFoundError: There is none.
    """
    if name not in realms:
        raise NotFoundError(f"There is no realm {name!r}.", remedy="Choose one that the log-in page shows.")
    return realms[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prover:
    """Makes sure that it is the user who is there, and not somebody who found an open browser.

    Attributes:
        database: The database; each proof has transactions of its own.
        realms: Who knows the passwords that are not kept here.
        sealer: Seals and opens challenges.
        party: This site, as security keys know it.
    """

    database: Database
    realms: Mapping[str, SiteRealm]
    sealer: Sealer
    party: RelyingParty | None

    def check(self, caller: Caller, proof: ProofOfPerson) -> None:
        """Checks that it is the user who calls, who is logged in, once more.

        By the password, or by this session's log-in, not long ago, where the realm has none; and by the second factor
        where there is one.

        Raises:
            ForbiddenError: This session is none of a log-in of lately.
            LockedOutError: Too many attempts failed.
            SecondFactorNeededError: The password is right, and the second factor is needed.
            UnauthenticatedError: The challenge is another's, was made up, or took too long.
            WrongCodeError: The code is wrong, or was used; or the key's answer is.
            WrongCredentialsError: The password is wrong.
        """
        user = caller.person
        code = proof.code.get_secret_value() if proof.code is not None else None
        if proof.challenge is None:
            self.check_password(caller, proof.password.get_secret_value() if proof.password is not None else "")
            users.check_second_factor(self.database, user, code=code, sealer=self.sealer, party=self.party)
            return
        challenge = proof.challenge.get_secret_value()
        if users.name_in_challenge(challenge, sealer=self.sealer) != user.name:
            raise UnauthenticatedError("This was not begun here, or took too long.", remedy="Begin again.")
        users.finish(
            self.database,
            challenge=challenge,
            code=code or "",
            answer=proof.assertion,
            sealer=self.sealer,
            party=self.party,
        )

    def check_password(self, caller: Caller, password: str) -> None:
        """Checks the password of the user who calls, or this session's log-in where the realm has none.

        Raises:
            ForbiddenError: This session is none of a log-in of lately.
            LockedOutError: Too many attempts failed.
            WrongCredentialsError: The password is wrong.
        """
        user = caller.person
        with self.database.session(writes=False) as session:
            account = account_of(session, users.find_user(session, user.name))
        if account is None:
            users.check_password(self.database, username=user.name, password=password)
            return
        site = find_realm(self.realms, account.realm)
        if site.engine.proof is ProofKind.PASSWORD:
            proven = _ask(self.database, site, GivenPassword(username=account.username, password=password))
            if proven.identity.subject != account.subject:
                raise WrongCredentialsError("The password is wrong.", remedy=f"It is the one of {site.title}.")
        elif account.proven_at < now() - RECENT or not is_session_of_log_in(account, caller):
            raise ForbiddenError(
                f"{site.title} has not asked you in the last {RECENT.seconds // 60} minutes, here, who you are.",
                remedy="Log in again with it, here, and do this then. The pages Account and Security lead there.",
            )


def end_those_gone(session: Session, site: SiteRealm, gone: list[uuid.UUID]) -> list[str]:
    """Deactivates the users of accounts that a realm does not know any more; answers their names."""
    ended = []
    for identifier in gone:
        account = session.get(RealmAccount, identifier, with_for_update=True)
        user = session.get(User, account.user_id) if account is not None and account.user_id is not None else None
        if account is None or user is None or not user.active:
            continue
        try:
            users.edit_user(session, user, UserEdit(active=False))
        except ConflictError:
            LOG.warning("%s is gone from %s, and stays: the last administrator.", user.name, site.name)
            continue
        account.gone_at = now()
        ended.append(user.name)
    return ended


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
        user = users.find_user(session, request.user)
        if user.admin or account_of(session, user) is not None:
            raise ConflictError(
                f"{request.user!r} is an administrator, or is somebody of a realm already.",
                remedy="Choose another name; an administrator has to be none before.",
            )
        users.give_to_realm(session, user)
    else:
        user = _new_user(session, request.user, account.title)
    account.user_id = user.id
    session.flush()
    return show(session, account)


def remove(session: Session, identifier: uuid.UUID) -> str:
    """Forgets somebody who waits; they can come again. Answers the realm's name for them.

    Raises:
        ConflictError: They are a user.
        NotFoundError: There is no such account.
    """
    account = _find_account(session, identifier)
    if account.user_id is not None:
        raise ConflictError("They are a user.", remedy="Deactivate the user instead.")
    session.delete(account)
    return account.username


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


def _ask(database: Database, site: SiteRealm, proof: Proof) -> Proven:
    if not isinstance(proof, GivenPassword):
        # There is nothing to guess.
        return site.engine.authenticate(proof)
    attempts = attempts_with(site.name, proof.username)
    with database.session(writes=False) as session:
        check_not_locked(session, attempts)
    try:
        proven = site.engine.authenticate(proof)
    except WrongCredentialsError:
        users.count_failure(database, attempts)
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
            users.edit_user(session, user, UserEdit(active=True))
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
        account.user_id = _new_user(session, name, account.title).id
        return None
    session.flush()
    if taken:
        return ForbiddenError(f"Somebody else is called {name!r} here.", remedy=_ADMINISTRATORS_HELP)
    why = "An administrator has to let you in first." if name else "No user name can be made of what you are called."
    return ForbiddenError(why, remedy=_ADMINISTRATORS_HELP)


def _new_user(session: Session, name: str, title: str) -> User:
    if session.scalar(select(User.id).where(User.name == name)) is not None:
        raise ConflictError(f"There is a user {name!r} already.", remedy="Choose another name.")
    user = User(name=name, title=title, password_hash=_NO_PASSWORD, admin=False)
    session.add(user)
    session.flush()
    return user


def _follow_groups(session: Session, user: User, identity: RealmIdentity, note: Note) -> None:
    """Where the realm's groups say who administrates and audits, they say it at each log-in."""
    changed = {
        flag: wanted
        for flag, wanted in (("admin", identity.admin), ("auditor", identity.auditor))
        if wanted is not None and getattr(user, flag) != wanted
    }
    try:
        if changed:
            users.edit_user(session, user, UserEdit.model_validate(changed))
            note(session, user, changed)
    except ConflictError:
        LOG.warning("%s is in no administrators' group, and stays one: the last.", user.name)


def _find_account(session: Session, identifier: uuid.UUID) -> RealmAccount:
    account = session.get(RealmAccount, identifier, with_for_update=True)
    if account is None:
        raise NotFoundError("There is nobody with this id.")
    return account
