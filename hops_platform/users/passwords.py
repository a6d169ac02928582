"""Passwords that are kept here, who has none, and what ends with an old one."""

from __future__ import annotations

from sqlalchemy.orm import Session

from hops_contract.principal import PrincipalKind
from hops_platform.certificates.models import Reason
from hops_platform.certificates.service import revoke_of_user
from hops_platform.database import Database, now
from hops_platform.errors import ConflictError, ForbiddenError, InvalidRequestError
from hops_platform.links.models import Purpose
from hops_platform.links.service import end_links
from hops_platform.realms.models import NO_PASSWORD, account_of
from hops_platform.second_factor.checking import has_second_factor
from hops_platform.security.authentication import Caller
from hops_platform.security.passwords import hash_password
from hops_platform.security.throttling import forget_failures
from hops_platform.security.tokens import SignedToken, Signer
from hops_platform.users.log_ins import check_password
from hops_platform.users.models import User, find_user


def change_password(
    session: Session, caller: Caller, *, database: Database, old: str, new: str, signer: Signer
) -> SignedToken:
    """Changes the caller's own password; all older log-ins end. Answers a token of the new one.

    Raises:
        ForbiddenError: A project-user's token can't do it.
        WrongCredentialsError: The old password is wrong.
        InvalidRequestError: Both are the same.
    """
    if caller.principal.kind is not PrincipalKind.USER:
        raise ForbiddenError("Only the user can change the password.")
    name = caller.person.name
    check_kept_here(session, caller.person)
    # The check writes by itself; this transaction must not hold the database meanwhile.
    session.commit()
    check_password(database, username=name, password=old)
    if old == new:
        raise InvalidRequestError("The new password is the old one.", remedy="Choose another.")
    password_hash = hash_password(new)
    user = find_user(session, name)
    user.password_hash = password_hash
    user.must_change_password = False
    end_log_ins(session, user)
    return signer.sign_user(user.name, admin=user.admin)


def set_password(session: Session, user: User, password: str, *, must_change: bool) -> None:
    """Gives ``user`` another password; all older log-ins end, and a lock-out too.

    Raises:
        ConflictError: The user is of a realm, which keeps the password.
    """
    check_kept_here(session, user)
    user.password_hash = hash_password(password)
    user.must_change_password = must_change
    end_log_ins(session, user)
    forget_failures(session, user.name)


def set_forgotten_password(session: Session, user: User, password_hash: str, *, end_keys: bool) -> None:
    """Gives one who proved to be ``user`` by a link another password; all older log-ins end.

    A lock-out ends only where the password alone lets in: else whoever reads the mail could guess codes without end.

    Raises:
        ConflictError: The password is kept by a realm.
    """
    check_kept_here(session, user)
    user.password_hash = password_hash
    user.must_change_password = False
    end_log_ins(session, user, end_keys=end_keys)
    if not has_second_factor(session, user):
        forget_failures(session, user.name)
    session.flush()


def give_to_realm(session: Session, user: User) -> None:
    """Takes the password of ``user`` away, whom a realm lets in from now on; all older log-ins end."""
    user.password_hash, user.must_change_password = NO_PASSWORD, False
    end_log_ins(session, user)
    forget_failures(session, user.name)


def check_kept_here(session: Session, user: User) -> None:
    """Checks that it is this platform that keeps the password of ``user``.

    Raises:
        ConflictError: A realm does.
    """
    realm = realm_of(session, user)
    if realm is not None:
        raise ConflictError(
            f"The password of {user.name!r} is not kept here but in the realm {realm!r}.",
            remedy="Change it there; the log-in page says where that is, if the site has told it.",
        )


def realm_of(session: Session, user: User) -> str | None:
    """The realm that keeps the password of ``user``; ``None`` where it is kept here."""
    account = account_of(session, user)
    return account.realm if account is not None else None


def end_log_ins(session: Session, user: User, *, end_keys: bool = True) -> None:
    """Whoever has a token, a certificate or a link of before may be somebody else."""
    user.keys_valid_from = None if end_keys else user.keys_valid_from or user.tokens_valid_from
    user.tokens_valid_from = now()
    revoke_of_user(session, user.name, reason=Reason.KEY_COMPROMISE)
    # An address that was asked for with the old password would let its owner ask for the next one.
    for purpose in (Purpose.ADDRESS, Purpose.PASSWORD_RESET):
        end_links(session, purpose, str(user.id))
