"""Holding what was typed against a user's second factor."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from hops_platform.second_factor.codes import digest_of, matching_step, tidy
from hops_platform.second_factor.models import RecoveryCode, SecondFactor
from hops_platform.security.sealing import Sealer
from hops_platform.security_keys.models import SecurityKey
from hops_platform.users.models import User


def purpose_of(user_id: uuid.UUID) -> str:
    """What a user's secret is sealed for; in another's row it can't be opened."""
    return f"second-factor {user_id}"


def has_second_factor(session: Session, user: User) -> bool:
    """Whether more than the password is asked of ``user``: a code, or a security key."""
    keys = select(SecurityKey.user_id).where(SecurityKey.user_id == user.id)
    return has_app(session, user) or session.scalar(keys.limit(1)) is not None


def has_app(session: Session, user: User) -> bool:
    """Whether ``user`` has an authenticator app."""
    confirmed = SecondFactor.confirmed_at.is_not(None)
    return session.scalar(select(SecondFactor.user_id).where(SecondFactor.user_id == user.id, confirmed)) is not None


def lock_second_factor(session: Session, user: User) -> SecondFactor | None:
    """The user's row, locked: of two who send one code at the same moment one is let in."""
    return session.get(SecondFactor, user.id, with_for_update=True, populate_existing=True)


def use_code(session: Session, user: User, code: str, *, sealer: Sealer, moment: datetime) -> bool:
    """Whether ``code`` is good for ``user``; from then on it is not good again.

    Args:
        session: The database; it must be one that writes.
        user: Whose code it is said to be.
        code: A code of the authenticator app, or a recovery code.
        sealer: Opens the secret.
        moment: Now.
    """
    factor = lock_second_factor(session, user)
    if factor is not None and factor.confirmed_at is not None:
        step = step_of_code(factor, code, sealer=sealer, moment=moment)
        if step is not None:
            factor.last_step = step
            return True
    # Who has only security keys has these too.
    used = session.execute(
        delete(RecoveryCode)
        .where(RecoveryCode.user_id == user.id, RecoveryCode.digest == digest_of(code))
        .returning(RecoveryCode.user_id)
    )
    return used.first() is not None


def step_of_code(factor: SecondFactor, code: str, *, sealer: Sealer, moment: datetime) -> int | None:
    """The time step of a code of the authenticator app; ``None`` if it is none, or of one that was used."""
    secret = sealer.open(factor.sealed_secret, purpose=purpose_of(factor.user_id)).decode()
    typed = tidy(code)
    if not (typed.isascii() and typed.isdigit()):
        return None
    return matching_step(secret, typed, moment=moment, after=factor.last_step)
