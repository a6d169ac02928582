"""Registering security keys, and taking them away."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from hops_platform.errors import ConflictError, InvalidRequestError, NotFoundError
from hops_platform.realms.presence import Prover
from hops_platform.second_factor.checking import has_second_factor
from hops_platform.second_factor.schemas import Proof
from hops_platform.second_factor.service import first_recovery_codes, forget_unless_needed
from hops_platform.security.authentication import Caller
from hops_platform.security_keys.ceremonies import (
    RelyingParty,
    ask_to_make,
    challenge_in,
    check_made,
    known_transports,
)
from hops_platform.security_keys.checking import Ceremony, keys_of, known, new_challenge, take_challenge
from hops_platform.security_keys.models import SecurityKey
from hops_platform.security_keys.schemas import (
    AddedSecurityKey,
    KeyOptions,
    NewSecurityKey,
    SecurityKeyAnswer,
    SecurityKeys,
)
from hops_platform.users.models import User

MOST_KEYS = 10


def show_all(session: Session, user: User, *, party: RelyingParty | None) -> SecurityKeys:
    """A user's keys on the wire."""
    items = [show(key) for key in keys_of(session, user)]
    return SecurityKeys(items=items, origin=party.origin if party is not None else None)


def show(key: SecurityKey) -> SecurityKeyAnswer:
    """A key on the wire."""
    return SecurityKeyAnswer(id=key.id, name=key.name, created_at=key.created_at, last_used_at=key.last_used_at)


def begin(session: Session, caller: Caller, proof: Proof, *, prover: Prover) -> KeyOptions:
    """What to ask a new key, for whoever has proven again who they are.

    Raises:
        ConflictError: The site has no address at which keys work, or the caller has as many as one may have.
        LockedOutError: Too many attempts failed.
        SecondFactorNeededError: The password is right, and the second factor is needed.
        WrongCodeError: Code or key's answer is wrong.
        WrongCredentialsError: The password is wrong.
    """
    user, there = caller.person, _party(prover.party)
    _check_room(session, user)
    # What follows writes by itself; this transaction must not hold the database meanwhile.
    session.commit()
    prover.check(caller, proof)
    challenge = new_challenge(session, user, Ceremony.REGISTER)
    options = ask_to_make(there, challenge, user_id=user.id.bytes, user=user.name, known=known(keys_of(session, user)))
    return KeyOptions(options=options)


def add(session: Session, user: User, request: NewSecurityKey, *, party: RelyingParty | None) -> AddedSecurityKey:
    """Registers the key that answered; from then on it, or another second factor, is asked for at each log-in.

    Raises:
        ConflictError: The name is taken, the key is registered already, or there are too many.
        InvalidRequestError: It is no answer to what this user's key was asked, at this site, lately.
    """
    there = _party(party)
    # Of requests at the same moment one after the other counts.
    session.scalar(select(User.id).where(User.id == user.id).with_for_update())
    name = request.name.strip()
    _check_room(session, user)
    if not name or any(key.name == name for key in keys_of(session, user)):
        raise ConflictError("You have a key of this name already.", remedy="Choose another name.")
    credential = request.credential.model_dump(by_alias=True)
    challenge = challenge_in(request.credential.response.client_data_json)
    asked = bool(challenge) and take_challenge(session, user, Ceremony.REGISTER, challenge)
    made = check_made(there, challenge, credential) if asked else None
    if made is None:
        raise InvalidRequestError("This is no answer of a new key to what it was asked.", remedy="Begin again.")
    if session.scalar(select(SecurityKey.id).where(SecurityKey.credential_id == made.credential_id)) is not None:
        raise ConflictError("This key is registered already.", remedy="Take another one.")
    is_first = not has_second_factor(session, user)
    key = SecurityKey(
        user_id=user.id,
        name=name,
        credential_id=made.credential_id,
        public_key=made.public_key,
        sign_count=made.sign_count,
        transports=known_transports(request.credential.response.transports),
    )
    session.add(key)
    session.flush()
    codes = first_recovery_codes(session, user) if is_first else []
    return AddedSecurityKey(**show(key).model_dump(), recovery_codes=codes)


def name_of(session: Session, user: User, identifier: uuid.UUID) -> str:
    """What ``user`` called a key of theirs.

    Raises:
        NotFoundError: They have none of this key.
    """
    return _find(session, user, identifier).name


def remove(
    session: Session,
    caller: Caller,
    identifier: uuid.UUID,
    proof: Proof,
    *,
    prover: Prover,
) -> None:
    """Takes a key of the caller away.

    Raises:
        LockedOutError: Too many attempts failed.
        NotFoundError: The caller has none of this key.
        SecondFactorNeededError: The password is right, and the second factor is needed.
        WrongCodeError: Code or key's answer is wrong.
        WrongCredentialsError: The password is wrong.
    """
    user = caller.person
    _find(session, user, identifier)
    session.commit()
    prover.check(caller, proof)
    session.delete(_find(session, user, identifier))
    session.flush()
    forget_unless_needed(session, user)


def _find(session: Session, user: User, identifier: uuid.UUID) -> SecurityKey:
    key = session.scalar(select(SecurityKey).where(SecurityKey.id == identifier, SecurityKey.user_id == user.id))
    if key is None:
        raise NotFoundError("You have no such security key.")
    return key


def _check_room(session: Session, user: User) -> None:
    if len(keys_of(session, user)) >= MOST_KEYS:
        raise ConflictError(f"You have {MOST_KEYS} security keys, which are the most.", remedy="Remove one.")


def _party(party: RelyingParty | None) -> RelyingParty:
    if party is None:
        raise ConflictError(
            "At this site's address security keys don't work.",
            remedy="They need a name, and TLS: an administrator sets HOPS_PUBLIC_URL.",
        )
    return party
