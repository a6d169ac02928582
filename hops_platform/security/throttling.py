"""Lock-out after repeated failures: persisted, forgiven little by little, the same for names that no user has.

Whoever knows a name can lock it, so a lock is only as long as guessing needs it to be: eight guesses an hour find no
password. It does not stay either: some minutes without a failure forgive one, so it has to be renewed all the time.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from hops_platform.database import now
from hops_platform.errors import LockedOutError
from hops_platform.users.models import LoginAttempts

FREE_ATTEMPTS = 5
_FIRST_LOCK = timedelta(seconds=30)
# Longer than it takes to be forgiven one failure: each new failure after such a lock makes up for one forgiven.
_LONGEST_LOCK = timedelta(minutes=8)
_FORGIVE_ONE_AFTER = timedelta(minutes=5)
_FORGET_AFTER = timedelta(days=1)


def lock_after(failures: int) -> timedelta | None:
    """How long a name is locked after so many failures in a row; ``None`` for not at all."""
    if failures < FREE_ATTEMPTS:
        return None
    doublings: int = 2 ** min(failures - FREE_ATTEMPTS, 20)
    return min(_LONGEST_LOCK, _FIRST_LOCK * doublings)


def remaining_failures(failures: int, quiet: timedelta) -> int:
    """How many of so many failures still count when none was added for the time ``quiet``."""
    return max(0, failures - quiet // _FORGIVE_ONE_AFTER)


def check_not_locked(session: Session, name: str) -> None:
    """Refuses an attempt while ``name`` is locked.

    Raises:
        LockedOutError: It is; says when to try again.
    """
    attempts = session.get(LoginAttempts, name)
    if attempts is None or attempts.locked_until is None:
        return
    wait_s = math.ceil((attempts.locked_until - now()).total_seconds())
    if wait_s > 0:
        raise LockedOutError(
            f"Log-in with this name is locked for {wait_s} seconds after {attempts.failures} failed attempts.",
            remedy="Wait, or ask an administrator to unlock it; "
            "whoever owns the machine unlocks any name with `hopslab reset-password NAME`.",
            retry_after_s=wait_s,
        )


def record_failure(session: Session, name: str) -> None:
    """Counts a failed attempt among those not forgiven, and forgets names that were left alone for a day."""
    moment = now()
    session.execute(delete(LoginAttempts).where(LoginAttempts.last_failed_at < moment - _FORGET_AFTER))
    attempts = session.get(LoginAttempts, name, with_for_update=True)
    if attempts is None:
        attempts = LoginAttempts(name=name, failures=0)
        session.add(attempts)
    else:
        attempts.failures = remaining_failures(attempts.failures, moment - attempts.last_failed_at)
    attempts.failures += 1
    attempts.last_failed_at = moment
    attempts.locked_until = _locked_until(moment, attempts.failures)


def forget_failures(session: Session, name: str) -> None:
    """Unlocks ``name``."""
    session.execute(delete(LoginAttempts).where(LoginAttempts.name == name))


def _locked_until(moment: datetime, failures: int) -> datetime | None:
    pause = lock_after(failures)
    return moment + pause if pause else None
