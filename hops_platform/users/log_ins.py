"""Log-in by the platform's own passwords, second factors on top of all, and the renewal of tokens."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hops_contract.principal import PrincipalKind
from hops_contract.slugs import is_slug
from hops_platform.database import Database, now
from hops_platform.errors import SecondFactorNeededError, UnauthenticatedError, WrongCodeError, WrongCredentialsError
from hops_platform.projects.models import Membership, Project
from hops_platform.second_factor.challenges import make_challenge, open_challenge
from hops_platform.second_factor.checking import has_second_factor, use_code
from hops_platform.security.authentication import START_AGAIN, Caller
from hops_platform.security.passwords import password_matches
from hops_platform.security.sealing import Sealer
from hops_platform.security.throttling import check_not_locked, forget_failures, record_failure
from hops_platform.security.tokens import SignedToken, Signer
from hops_platform.security_keys.ceremonies import RelyingParty
from hops_platform.security_keys.checking import ask_user, keys_of, use_key
from hops_platform.security_keys.schemas import KeyAnswer
from hops_platform.users.models import LoginAttempts, User, find_user

_WRONG = "The user name or the password is wrong, or the user is not active."


def log_in(
    database: Database,
    *,
    username: str,
    password: str,
    code: str | None,
    signer: Signer,
    sealer: Sealer,
    party: RelyingParty | None,
) -> SignedToken:
    """A token for the user whose password, and code where one is asked for, this is.

    Uses transactions of its own: the failure must be kept though the request fails, and nobody waits for the
    database while a password is checked.

    Raises:
        LockedOutError: Too many attempts failed.
        SecondFactorNeededError: The password is right, and a code is needed.
        WrongCodeError: The code is wrong, or was used.
        WrongCredentialsError: The password is wrong, or there is no such active user; the same answer for both.
    """
    check_credentials(database, username=username, password=password, code=code, sealer=sealer, party=party)
    with database.session(writes=False) as session:
        user = find_user(session, username)
        return signer.sign_user(user.name, admin=user.admin)


def finish_log_in(
    database: Database,
    *,
    challenge: str,
    code: str,
    answer: KeyAnswer | None,
    signer: Signer,
    sealer: Sealer,
    party: RelyingParty | None,
) -> tuple[SignedToken, str]:
    """A token for the user who was asked for a second factor after a right password, and the user's name.

    Args:
        database: The database.
        challenge: What stands for the password.
        code: The code that was typed; it counts where no key answered.
        answer: The answer of a security key.
        signer: Signs the token.
        sealer: Opens the challenge.
        party: This site, as security keys know it.

    Raises:
        LockedOutError: Too many attempts failed.
        UnauthenticatedError: The challenge was made up, took too long, or the password was changed since.
        WrongCodeError: The code is wrong, or was used; or the key's answer is.
    """
    begun_at = open_challenge(challenge, moment=now(), sealer=sealer).begun_at
    user = finish(database, challenge=challenge, code=code, answer=answer, sealer=sealer, party=party)
    # A log-in by a realm is known by the moment of its proof.
    return signer.sign_user(user.name, admin=user.admin, chain=begun_at), user.name


def finish(
    database: Database,
    *,
    challenge: str,
    code: str,
    answer: KeyAnswer | None,
    sealer: Sealer,
    party: RelyingParty | None,
) -> User:
    """Checks what was asked for after a right password; answers whose it was.

    Raises:
        LockedOutError: Too many attempts failed.
        UnauthenticatedError: The challenge was made up, took too long, or the password was changed since.
        WrongCodeError: The code is wrong, or was used; or the key's answer is.
    """
    begun = open_challenge(challenge, moment=now(), sealer=sealer)
    with database.session(writes=False) as session:
        user = session.scalar(select(User).where(User.name == begun.user, User.active.is_(True)))
        if user is None or user.tokens_valid_from != begun.valid_from:
            raise UnauthenticatedError("This log-in has ended.", remedy="Log in again.")
    if answer is None:
        _check_code(database, username=begun.user, code=code, sealer=sealer)
    else:
        _check_key(database, username=begun.user, answer=answer, challenge=begun.key_challenge, party=party)
    return user


def check_credentials(
    database: Database,
    *,
    username: str,
    password: str,
    code: str | None,
    sealer: Sealer,
    party: RelyingParty | None = None,
) -> None:
    """Checks a password, and the code where the user has a second factor, under the one lock-out.

    Raises:
        LockedOutError: Too many attempts failed.
        SecondFactorNeededError: The password is right, and a code is needed.
        WrongCodeError: The code is wrong, or was used.
        WrongCredentialsError: The password is wrong, or there is no such active user; whatever the code.
    """
    user = check_password(database, username=username, password=password)
    check_second_factor(database, user, code=code, sealer=sealer, party=party)


def check_second_factor(
    database: Database,
    user: User,
    *,
    code: str | None,
    sealer: Sealer,
    party: RelyingParty | None = None,
    proven_at: datetime | None = None,
) -> None:
    """Asks ``user``, who has proven all else, for a second factor where they have one.

    Args:
        database: The database.
        user: Who is asked.
        code: The code that was sent along.
        sealer: Seals the challenge.
        party: This site, as security keys know it.
        proven_at: When all else was proven; ``None``: now.

    Raises:
        LockedOutError: Too many attempts failed.
        SecondFactorNeededError: A code, or a security key's answer, is needed.
        WrongCodeError: The code is wrong, or was used.
    """
    with database.session(writes=False) as session:
        if not has_second_factor(session, user):
            return
    if code is None:
        raise _second_factor_needed(database, user, sealer=sealer, party=party, proven_at=proven_at or now())
    _check_code(database, username=user.name, code=code, sealer=sealer)


def check_password(database: Database, *, username: str, password: str) -> User:
    """Checks a password under the lock-out; answers whose it is.

    Raises:
        LockedOutError: Too many attempts failed.
        WrongCredentialsError: The password is wrong, or there is no such active user.
    """
    with database.session(writes=False) as session:
        check_not_locked(session, username)
        user = session.scalar(select(User).where(User.name == username))
        # Whoever is of a realm has none.
        password_hash = (user.password_hash or None) if user is not None and user.active else None
        # Failures of one who has a second factor are forgiven by a right code alone: whoever knows the password could
        # else begin anew after each few guesses of a code.
        has_failed = session.get(LoginAttempts, username) is not None
        forgives = has_failed and user is not None and not has_second_factor(session, user)
    if password_matches(password, password_hash) and user is not None:
        if forgives:
            with database.session() as session:
                # Attempts that ran beside this one may have locked the name meanwhile.
                check_not_locked(session, username)
                forget_failures(session, username)
        return user
    count_failure(database, username)
    raise WrongCredentialsError(_WRONG, remedy="After some failed attempts the name is locked for a while.")


def count_failure(database: Database, username: str) -> None:
    """Counts a failed log-in with a name.

    Raises:
        LockedOutError: The name is locked.
    """
    try:
        _count_failure(database, username)
    except IntegrityError:
        # An attempt beside this one was the first to fail with this name, and its row is there now.
        _count_failure(database, username)


def renew_token(session: Session, caller: Caller, *, signer: Signer) -> SignedToken:
    """A new token in the caller's chain, with what holds now.

    Raises:
        UnauthenticatedError: The chain has come to its end, or the caller has no token.
    """
    principal, chain = caller.principal, caller.chain
    if chain is None:
        raise UnauthenticatedError("Only a token can be renewed.", remedy="Log in (POST tokens).")
    if signer.chain_ended(chain):
        remedy = START_AGAIN if principal.kind is PrincipalKind.PROJECT_USER else "Log in again."
        raise UnauthenticatedError("This log-in has been renewed long enough.", remedy=remedy)
    if principal.kind is PrincipalKind.PROJECT_USER:
        membership = session.scalar(
            select(Membership)
            .join(Project, Project.id == Membership.project_id)
            .where(Project.name == principal.project, Membership.user_id == caller.person.id)
        )
        if membership is None:
            raise UnauthenticatedError(
                "You are no longer a member of this project.", remedy="Ask one of its Data Owners to add you."
            )
        return signer.sign_project_user(
            principal.user,
            project=membership.project.name,
            role=membership.role,
            chain=chain,
            key=str(caller.key.identifier) if caller.key is not None else None,
            until=caller.key.until if caller.key is not None else None,
        )
    return signer.sign_user(principal.user, admin=caller.person.admin, chain=chain)


def known_name(database: Database, name: str) -> str:
    """``name`` if a user has it, else nothing: it may be a password that was typed into the wrong field."""
    if not is_slug(name):
        return ""
    with database.session(writes=False) as session:
        return session.scalar(select(User.name).where(User.name == name)) or ""


def name_in_challenge(challenge: str, *, sealer: Sealer) -> str:
    """Whom a log-in's challenge is for; nothing if it was made up or took too long."""
    try:
        return open_challenge(challenge, moment=now(), sealer=sealer).user
    except UnauthenticatedError:
        return ""


def _second_factor_needed(
    database: Database, user: User, *, sealer: Sealer, party: RelyingParty | None, proven_at: datetime
) -> SecondFactorNeededError:
    with database.session(writes=False) as session:
        has_keys = bool(keys_of(session, user))
    options, key_challenge = None, ""
    if has_keys and party is not None:
        with database.session() as session:
            asked = ask_user(session, user, party)
            options, key_challenge = asked if asked is not None else (None, "")
    return SecondFactorNeededError(
        "A code of your authenticator app is needed." if options is None else "A code or a security key is needed.",
        remedy="Send it as 'code', with the password or with this challenge; a recovery code will do too.",
        challenge=make_challenge(
            user.name,
            valid_from=user.tokens_valid_from,
            moment=proven_at,
            sealer=sealer,
            key_challenge=key_challenge,
        ),
        security_key=options,
    )


def _check_key(
    database: Database, *, username: str, answer: KeyAnswer, challenge: str, party: RelyingParty | None
) -> None:
    try:
        good = _use_key(database, username=username, answer=answer, challenge=challenge, party=party)
    except IntegrityError:
        # As with passwords: the row of the first failure is there now.
        good = _use_key(database, username=username, answer=answer, challenge=challenge, party=party)
    if not good:
        raise WrongCodeError(
            "The security key's answer is not right, or was used already.",
            remedy="Log in again. After some failed attempts the name is locked for a while.",
        )


def _use_key(
    database: Database, *, username: str, answer: KeyAnswer, challenge: str, party: RelyingParty | None
) -> bool:
    """Uses a key's answer, or counts the failure, in one transaction."""
    with database.session() as session:
        user = _locked_user(session, username)
        check_not_locked(session, username)
        good = use_key(session, user, answer.model_dump(by_alias=True), challenge=challenge, party=party)
        if good:
            forget_failures(session, username)
        else:
            record_failure(session, username)
    return good


def _locked_user(session: Session, username: str) -> User:
    """The user's row, locked: of those who try at the same moment one after the other counts."""
    user = find_user(session, username)
    session.scalar(select(User.id).where(User.id == user.id).with_for_update())
    return user


def _count_failure(database: Database, username: str) -> None:
    with database.session() as session:
        check_not_locked(session, username)
        record_failure(session, username)


def _check_code(database: Database, *, username: str, code: str, sealer: Sealer) -> None:
    try:
        good = _use_code(database, username=username, code=code, sealer=sealer)
    except IntegrityError:
        # As with passwords: the row of the first failure is there now.
        good = _use_code(database, username=username, code=code, sealer=sealer)
    if not good:
        raise WrongCodeError(
            "The code is not right, or was used already.",
            remedy="Wait for the next one. After some failed attempts the name is locked for a while.",
        )


def _use_code(database: Database, *, username: str, code: str, sealer: Sealer) -> bool:
    """Uses a code, or counts the failure, in one transaction: many at the same moment are as one after the other."""
    with database.session() as session:
        user = _locked_user(session, username)
        check_not_locked(session, username)
        good = use_code(session, user, code, sealer=sealer, moment=now())
        if good:
            forget_failures(session, username)
        else:
            record_failure(session, username)
    return good
