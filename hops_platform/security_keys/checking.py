"""Holding a security key's answer against those of a user. A challenge is one user's, for one thing, and good once."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from hops_platform.database import now
from hops_platform.security_keys.ceremonies import (
    KnownKey,
    RelyingParty,
    ask_to_answer,
    challenge_in,
    check_answer,
    decode,
    encode,
)
from hops_platform.security_keys.models import KeyChallenge, SecurityKey
from hops_platform.users.models import User

LIFETIME = timedelta(minutes=5)
_RANDOM_BYTES = 32


class Ceremony(StrEnum):
    """What a challenge is for."""

    LOG_IN = "log-in"
    REGISTER = "register"


def keys_of(session: Session, user: User) -> list[SecurityKey]:
    """The keys of a user, in the order in which they were registered."""
    return list(session.scalars(select(SecurityKey).where(SecurityKey.user_id == user.id).order_by(SecurityKey.id)))


def known(keys: list[SecurityKey]) -> list[KnownKey]:
    """Keys, as far as browsers have to know them."""
    return [KnownKey(key.credential_id, key.transports) for key in keys]


def new_challenge(session: Session, user: User, ceremony: Ceremony) -> bytes:
    """A new challenge for ``user``."""
    moment = now()
    session.execute(delete(KeyChallenge).where(KeyChallenge.expires_at <= moment))
    challenge = secrets.token_bytes(_RANDOM_BYTES)
    row = KeyChallenge(digest=_digest(challenge), user_id=user.id, purpose=ceremony.value, expires_at=moment + LIFETIME)
    session.add(row)
    session.flush()
    return challenge


def take_challenge(session: Session, user: User, ceremony: Ceremony, challenge: bytes) -> bool:
    """Whether a challenge was given to ``user`` for this, lately, and not used; from then on it is used."""
    taken = session.execute(
        delete(KeyChallenge)
        .where(
            KeyChallenge.digest == _digest(challenge),
            KeyChallenge.user_id == user.id,
            KeyChallenge.purpose == ceremony.value,
            KeyChallenge.expires_at > now(),
        )
        .returning(KeyChallenge.digest)
    )
    return taken.first() is not None


def ask_user(session: Session, user: User, party: RelyingParty | None) -> tuple[dict[str, Any], str] | None:
    """What to ask one of a user's keys at a log-in, and the challenge; ``None`` where there is no key to ask."""
    keys = keys_of(session, user) if party is not None else []
    if party is None or not keys:
        return None
    challenge = new_challenge(session, user, Ceremony.LOG_IN)
    return ask_to_answer(party, challenge, known=known(keys)), encode(challenge)


def use_key(
    session: Session, user: User, answer: Mapping[str, Any], *, challenge: str, party: RelyingParty | None
) -> bool:
    """Whether a key of ``user`` has answered the challenge of this log-in.

    Args:
        session: The database; it must be one that writes.
        user: Whose key it is said to be.
        answer: What the browser sent, in WebAuthn's JSON.
        challenge: The challenge of this log-in; empty if no key was asked.
        party: This site.
    """
    asked = decode(challenge)
    if party is None or not asked or not take_challenge(session, user, Ceremony.LOG_IN, asked):
        return False
    key = _find(session, user, answer)
    if key is None or challenge_in(answer["response"]["clientDataJSON"]) != asked:
        return False
    count = check_answer(party, asked, answer, public_key=key.public_key, sign_count=key.sign_count)
    if count is None:
        return False
    key.sign_count, key.last_used_at = count, now()
    return True


def _find(session: Session, user: User, answer: Mapping[str, Any]) -> SecurityKey | None:
    try:
        credential_id = decode(answer["id"])
    except ValueError:
        return None
    return session.scalar(
        select(SecurityKey)
        .where(SecurityKey.user_id == user.id, SecurityKey.credential_id == credential_id)
        .with_for_update()
    )


def _digest(challenge: bytes) -> str:
    return hashlib.sha256(challenge).hexdigest()
