from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Path

from hops_platform.audit.actions import Action
from hops_platform.audit.requests import CALLER, Known, records
from hops_platform.http import DatabaseSession, PartsOf
from hops_platform.realms.proving import ProverOf
from hops_platform.second_factor.schemas import Proof
from hops_platform.security.authentication import Caller
from hops_platform.security.guard import Requires
from hops_platform.security.permissions import Permission
from hops_platform.security_keys import service
from hops_platform.security_keys.ceremonies import relying_party
from hops_platform.security_keys.schemas import AddedSecurityKey, KeyOptions, NewSecurityKey, SecurityKeys

router = APIRouter(tags=["security keys"])
Mine = Annotated[Caller, Depends(Requires(Permission.ME_SECURITY_KEYS))]


@router.get("/me/security-keys")
def list_security_keys(caller: Mine, session: DatabaseSession, parts: PartsOf) -> SecurityKeys:
    """My security keys."""
    return service.show_all(session, caller.person, party=relying_party(parts.settings.public_url))


@router.post("/me/security-keys:begin", dependencies=[records(Action.SECURITY_KEY_BEGIN, CALLER)])
def begin_security_key(request: Proof, caller: Mine, session: DatabaseSession, prover: ProverOf) -> KeyOptions:
    """What to ask a new key, for whoever proves again who they are."""
    return service.begin(session, caller, request, prover=prover)


# Without idempotency keys: what such requests answered is kept, and recovery codes must not be.
@router.post("/me/security-keys", status_code=201, dependencies=[records(Action.SECURITY_KEY_ADD, CALLER)])
def add_security_key(
    request: NewSecurityKey, caller: Mine, session: DatabaseSession, parts: PartsOf, known: Known
) -> AddedSecurityKey:
    """Registers the key that answered. With the first one the answer holds recovery codes, shown this once."""
    party = relying_party(parts.settings.public_url)
    added = service.add(session, caller.person, request, party=party)
    known.thing = added.name
    return added


@router.post(
    "/me/security-keys/{key}:remove", status_code=204, dependencies=[records(Action.SECURITY_KEY_REMOVE, "key")]
)
def remove_security_key(  # noqa: PLR0917 - the request, and parts
    key: Annotated[uuid.UUID, Path(examples=["01969b1e-6f00-7000-8000-000000000000"])],
    request: Proof,
    caller: Mine,
    session: DatabaseSession,
    prover: ProverOf,
    known: Known,
) -> None:
    """Takes one of my keys away, for whoever proves again who they are."""
    known.thing = service.name_of(session, caller.person, key)
    service.remove(session, caller, key, request, prover=prover)
