"""Setting a second factor up, and taking it away."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from hops_platform.database import Database, now
from hops_platform.engines.realms import SiteRealm
from hops_platform.errors import ConflictError, InvalidRequestError, NotFoundError
from hops_platform.realms.service import prove_again
from hops_platform.second_factor.checking import has_second_factor, lock_second_factor, purpose_of, step_of_code
from hops_platform.second_factor.codes import (
    digest_of,
    generate_recovery_codes,
    generate_secret,
    qr_code,
    setup_address,
)
from hops_platform.second_factor.models import RecoveryCode, SecondFactor
from hops_platform.second_factor.schemas import RecoveryCodes, SecondFactorAnswer, SetUp
from hops_platform.security.authentication import Caller
from hops_platform.security.sealing import Sealer
from hops_platform.users.models import User
from hops_platform.users.service import check_second_factor

SITE = "HopsLab"


def show(session: Session, user: User, *, required: bool) -> SecondFactorAnswer:
    """Whether ``user`` has a second factor, and how many recovery codes are left."""
    left = session.scalar(select(func.count()).select_from(RecoveryCode).where(RecoveryCode.user_id == user.id)) or 0
    factor = session.get(SecondFactor, user.id)
    return SecondFactorAnswer(
        on=has_second_factor(session, user),
        since=factor.confirmed_at if factor is not None else None,
        recovery_codes_left=left,
        required=required,
    )


def begin(
    session: Session,
    caller: Caller,
    password: str,
    *,
    database: Database,
    realms: Mapping[str, SiteRealm],
    sealer: Sealer,
) -> SetUp:
    """A new secret for the caller, shown this once; it counts when it was confirmed.

    The password is asked for, or a log-in that is not long ago, so that nobody who only found an open browser can lock
    its owner out.

    Raises:
        ConflictError: The caller has a second factor already.
        LockedOutError: Too many attempts failed.
        WrongCredentialsError: The password is wrong.
    """
    user = caller.person
    _check_off(session, user)
    # The check writes by itself; this transaction must not hold the database meanwhile.
    session.commit()
    prove_again(database, realms, username=user.name, password=password)
    factor = lock_second_factor(session, user)
    secret = generate_secret()
    sealed = sealer.seal(secret.encode(), purpose=purpose_of(user.id))
    if factor is None:
        session.add(SecondFactor(user_id=user.id, sealed_secret=sealed))
    else:
        _check_off(session, user)
        factor.sealed_secret, factor.last_step, factor.created_at = sealed, 0, now()
    session.flush()
    address = setup_address(secret, user=user.name, site=SITE)
    return SetUp(secret=secret, address=address, qr_code=qr_code(address))


def confirm(session: Session, user: User, code: str, *, sealer: Sealer) -> RecoveryCodes:
    """Makes the second factor count, with a code of the secret that was shown; answers the recovery codes.

    A wrong code is not counted among failed log-ins: whoever is here was shown the secret, and has nothing to guess.

    Raises:
        ConflictError: The caller has a second factor already, or has not begun.
        InvalidRequestError: The code is wrong.
    """
    factor = lock_second_factor(session, user)
    if factor is None:
        raise ConflictError("No second factor was begun.", remedy="Begin first (POST me/second-factor).")
    if factor.confirmed_at is not None:
        raise _already_on()
    moment = now()
    step = step_of_code(factor, code, sealer=sealer, moment=moment)
    if step is None:
        raise InvalidRequestError(
            "The code is not right.",
            remedy="Type the one that the app shows now; if it is refused again, set the clock of the device.",
        )
    factor.last_step, factor.confirmed_at = step, moment
    return _new_recovery_codes(session, user)


def turn_off(
    session: Session,
    caller: Caller,
    *,
    password: str,
    code: str,
    database: Database,
    realms: Mapping[str, SiteRealm],
    sealer: Sealer,
) -> None:
    """Takes the caller's second factor away, for whoever knows the password and has a code.

    Raises:
        ConflictError: There is none.
        LockedOutError: Too many attempts failed.
        WrongCodeError: The code is wrong, or was used.
        WrongCredentialsError: The password is wrong.
    """
    _prove_again(session, caller, password=password, code=code, database=database, realms=realms, sealer=sealer)
    _remove(session, caller.person)


def renew_recovery_codes(
    session: Session,
    caller: Caller,
    *,
    password: str,
    code: str,
    database: Database,
    realms: Mapping[str, SiteRealm],
    sealer: Sealer,
) -> RecoveryCodes:
    """New recovery codes in place of all earlier ones.

    Raises:
        ConflictError: There is no second factor.
        LockedOutError: Too many attempts failed.
        WrongCodeError: The code is wrong, or was used.
        WrongCredentialsError: The password is wrong.
    """
    _prove_again(session, caller, password=password, code=code, database=database, realms=realms, sealer=sealer)
    return _new_recovery_codes(session, caller.person)


def reset(session: Session, administrator: Caller, user: User) -> None:
    """Takes a user's second factor away, who lost it.

    Raises:
        ConflictError: It is the administrator's own, which needs password and code.
        NotFoundError: The user has none.
    """
    if administrator.person.id == user.id:
        raise ConflictError(
            "Your own second factor is turned off with your password and a code.",
            remedy="Turn it off on the page 'Security', or ask another administrator.",
        )
    remove_if_any(session, user)


def remove_if_any(session: Session, user: User) -> None:
    """Takes a user's second factor away; for whoever owns the machine too.

    Raises:
        NotFoundError: There is none.
    """
    if session.get(SecondFactor, user.id) is None:
        raise NotFoundError(f"The user {user.name!r} has no second factor.")
    _remove(session, user)


def _prove_again(
    session: Session,
    caller: Caller,
    *,
    password: str,
    code: str,
    database: Database,
    realms: Mapping[str, SiteRealm],
    sealer: Sealer,
) -> None:
    user = caller.person
    if not has_second_factor(session, user):
        raise ConflictError("You have no second factor.", remedy="Set one up first.")
    session.commit()
    prove_again(database, realms, username=user.name, password=password)
    check_second_factor(database, user, code=code, sealer=sealer)


def _check_off(session: Session, user: User) -> None:
    if has_second_factor(session, user):
        raise _already_on()


def _already_on() -> ConflictError:
    return ConflictError("You have a second factor already.", remedy="Turn it off first to set up another one.")


def _new_recovery_codes(session: Session, user: User) -> RecoveryCodes:
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    codes = generate_recovery_codes()
    session.add_all(RecoveryCode(user_id=user.id, digest=digest_of(code)) for code in codes)
    session.flush()
    return RecoveryCodes(recovery_codes=codes)


def _remove(session: Session, user: User) -> None:
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    session.execute(delete(SecondFactor).where(SecondFactor.user_id == user.id))
