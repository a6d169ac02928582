"""Setting a second factor up, and taking it away."""

from __future__ import annotations

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from hops_platform.database import now
from hops_platform.errors import ConflictError, InvalidRequestError, NotFoundError
from hops_platform.realms.presence import Prover
from hops_platform.second_factor.checking import (
    has_app,
    has_second_factor,
    lock_second_factor,
    purpose_of,
    step_of_code,
)
from hops_platform.second_factor.codes import (
    digest_of,
    generate_recovery_codes,
    generate_secret,
    qr_code,
    setup_address,
)
from hops_platform.second_factor.models import RecoveryCode, SecondFactor
from hops_platform.second_factor.schemas import Proof, RecoveryCodes, SecondFactorAnswer, SetUp
from hops_platform.security.authentication import Caller
from hops_platform.security.sealing import Sealer
from hops_platform.security_keys.models import SecurityKey
from hops_platform.users.models import User

SITE = "HopsLab"


def show(session: Session, user: User, *, required: bool) -> SecondFactorAnswer:
    """Whether ``user`` has a second factor, and how many recovery codes are left."""
    left = session.scalar(select(func.count()).select_from(RecoveryCode).where(RecoveryCode.user_id == user.id)) or 0
    factor = session.get(SecondFactor, user.id)
    return SecondFactorAnswer(
        on=has_app(session, user),
        since=factor.confirmed_at if factor is not None else None,
        recovery_codes_left=left,
        required=required,
    )


def begin(session: Session, caller: Caller, proof: Proof, *, prover: Prover, sealer: Sealer) -> SetUp:
    """A new secret for the caller, shown this once; it counts when it was confirmed.

    A proof is asked for, so that nobody who only found an open browser can lock its owner out, or pass by a security
    key with an app.

    Raises:
        ConflictError: The caller has an authenticator app already.
        LockedOutError: Too many attempts failed.
        SecondFactorNeededError: The password is right, and the second factor is needed.
        WrongCodeError: The code is wrong, or was used; or the key's answer is.
        WrongCredentialsError: The password is wrong.
    """
    user = caller.person
    _check_off(session, user)
    # The check writes by itself; this transaction must not hold the database meanwhile.
    session.commit()
    prover.check(caller, proof)
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


def turn_off(session: Session, caller: Caller, proof: Proof, *, prover: Prover) -> None:
    """Takes the caller's authenticator app away, for whoever proves again who they are.

    Raises:
        ConflictError: There is none.
        LockedOutError: Too many attempts failed.
        SecondFactorNeededError: The password is right, and the second factor is needed.
        WrongCodeError: The code is wrong, or was used; or the key's answer is.
        WrongCredentialsError: The password is wrong.
    """
    if not has_app(session, caller.person):
        raise ConflictError("You have no authenticator app here.", remedy="Set one up first.")
    _prove_again(session, caller, proof, prover=prover)
    session.execute(delete(SecondFactor).where(SecondFactor.user_id == caller.person.id))
    forget_unless_needed(session, caller.person)


def renew_recovery_codes(session: Session, caller: Caller, proof: Proof, *, prover: Prover) -> RecoveryCodes:
    """New recovery codes in place of all earlier ones.

    Raises:
        ConflictError: There is no second factor.
        LockedOutError: Too many attempts failed.
        SecondFactorNeededError: The password is right, and the second factor is needed.
        WrongCodeError: The code is wrong, or was used; or the key's answer is.
        WrongCredentialsError: The password is wrong.
    """
    _prove_again(session, caller, proof, prover=prover)
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
    if session.get(SecondFactor, user.id) is None and not has_second_factor(session, user):
        raise NotFoundError(f"The user {user.name!r} has no second factor.")
    _remove(session, user)


def first_recovery_codes(session: Session, user: User) -> list[str]:
    """Recovery codes for whoever has a second factor from now on."""
    return _new_recovery_codes(session, user).recovery_codes


def forget_unless_needed(session: Session, user: User) -> None:
    """Ends the recovery codes of one who has no second factor any more."""
    if not has_second_factor(session, user):
        session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))


def _prove_again(session: Session, caller: Caller, proof: Proof, *, prover: Prover) -> None:
    user = caller.person
    if not has_second_factor(session, user):
        raise ConflictError("You have no second factor.", remedy="Set one up first.")
    session.commit()
    prover.check(caller, proof)


def _check_off(session: Session, user: User) -> None:
    if has_app(session, user):
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
    session.execute(delete(SecurityKey).where(SecurityKey.user_id == user.id))
