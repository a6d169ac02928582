from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from hops_contract.slugs import MAX_SLUG_LENGTH
from hops_platform.audit.actions import Action
from hops_platform.audit.requests import CALLER, records
from hops_platform.http import DatabaseSession, PartsOf
from hops_platform.realms.proving import ProverOf
from hops_platform.second_factor import service
from hops_platform.second_factor.schemas import (
    Confirmation,
    Proof,
    RecoveryCodes,
    SecondFactorAnswer,
    SetUp,
)
from hops_platform.security.authentication import Caller
from hops_platform.security.guard import Requires
from hops_platform.security.permissions import Permission
from hops_platform.users.models import find_user

router = APIRouter(tags=["second factor"])
Mine = Annotated[Caller, Depends(Requires(Permission.ME_SECOND_FACTOR))]


@router.get("/me/second-factor")
def read_second_factor(caller: Mine, session: DatabaseSession, parts: PartsOf) -> SecondFactorAnswer:
    """Whether I have a second factor, and how many recovery codes are left."""
    return service.show(session, caller.person, required=parts.settings.second_factor_required)


# Without idempotency keys: what such requests answered is kept, and these answers must not be.
@router.post("/me/second-factor", dependencies=[records(Action.SECOND_FACTOR_BEGIN, CALLER)])
def begin_second_factor(
    request: Proof, caller: Mine, session: DatabaseSession, prover: ProverOf, parts: PartsOf
) -> SetUp:
    """Begins a second factor: the secret for an authenticator app, shown this once. One that was only begun ends."""
    return service.begin(session, caller, request, prover=prover, sealer=parts.sealer)


@router.post("/me/second-factor:confirm", dependencies=[records(Action.SECOND_FACTOR_CONFIRM, CALLER)])
def confirm_second_factor(
    request: Confirmation, caller: Mine, session: DatabaseSession, parts: PartsOf
) -> RecoveryCodes:
    """Makes the second factor count, with a code of the app. The answer holds the recovery codes, shown this once."""
    return service.confirm(session, caller.person, request.code.get_secret_value(), sealer=parts.sealer)


@router.post(
    "/me/second-factor:turn-off", status_code=204, dependencies=[records(Action.SECOND_FACTOR_TURN_OFF, CALLER)]
)
def turn_off_second_factor(request: Proof, caller: Mine, session: DatabaseSession, prover: ProverOf) -> None:
    """Turns my authenticator app off, for whoever proves again who they are."""
    service.turn_off(session, caller, request, prover=prover)


@router.post("/me/second-factor:renew-recovery-codes", dependencies=[records(Action.SECOND_FACTOR_RENEW_CODES, CALLER)])
def renew_recovery_codes(request: Proof, caller: Mine, session: DatabaseSession, prover: ProverOf) -> RecoveryCodes:
    """New recovery codes in place of all earlier ones, with a proof as well; shown this once."""
    return service.renew_recovery_codes(session, caller, request, prover=prover)


@router.delete(
    "/users/{user}/second-factor", status_code=204, dependencies=[records(Action.SECOND_FACTOR_RESET, "user")]
)
def reset_second_factor(
    user: Annotated[str, Path(max_length=MAX_SLUG_LENGTH, examples=["ada"])],
    caller: Annotated[Caller, Depends(Requires(Permission.SECOND_FACTOR_RESET))],
    session: DatabaseSession,
) -> None:
    """Takes the second factor of a user away who lost it, for administrators."""
    service.reset(session, caller, find_user(session, user))
