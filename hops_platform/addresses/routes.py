from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from hops_platform.addresses import service
from hops_platform.addresses.schemas import (
    AddressAnswer,
    AddressConfirmation,
    AddressRemoval,
    ConfirmedAddress,
    NewAddress,
)
from hops_platform.audit.actions import Action
from hops_platform.audit.requests import CALLER, Known, records
from hops_platform.http import DatabaseSession, PartsOf
from hops_platform.realms.proving import ProverOf
from hops_platform.security.authentication import Caller
from hops_platform.security.guard import GuessesCounted, Public, Requires
from hops_platform.security.permissions import Permission

router = APIRouter(tags=["addresses"])
Mine = Annotated[Caller, Depends(Requires(Permission.ME_ADDRESS))]


@router.get("/me/address")
def read_address(caller: Mine, session: DatabaseSession, parts: PartsOf) -> AddressAnswer:
    """Where mail for me goes."""
    return service.show(session, caller.person, mail=parts.engines.mailer.sends)


@router.put("/me/address", status_code=202, dependencies=[records(Action.ADDRESS_ASK, CALLER)])
def give_address(
    request: NewAddress, caller: Mine, session: DatabaseSession, prover: ProverOf, parts: PartsOf
) -> AddressAnswer:
    """Sends a link to an address; when it is opened, the address is mine. Until then the one of before stays."""
    service.ask_to_confirm(
        session,
        caller,
        request.address,
        password=request.password.get_secret_value(),
        prover=prover,
        mail=parts.engines.mailer.sends,
    )
    return service.show(session, caller.person, mail=True)


@router.post("/me/address:remove", status_code=204, dependencies=[records(Action.ADDRESS_REMOVE, CALLER)])
def remove_address(request: AddressRemoval, caller: Mine, session: DatabaseSession, prover: ProverOf) -> None:
    """Takes my address away: no mail is sent to me, and a forgotten password is an administrator's matter."""
    service.remove(session, caller, password=request.password.get_secret_value(), prover=prover)


@router.post(
    "/addresses:confirm",
    dependencies=[Depends(Public(Permission.ADDRESSES_CONFIRM)), records(Action.ADDRESS_CONFIRM)],
)
def confirm_address(
    request: AddressConfirmation, session: DatabaseSession, counted: GuessesCounted, known: Known
) -> ConfirmedAddress:
    """Proves an address with the link that was sent there."""
    with counted():
        confirmed = service.confirm(session, request.token.get_secret_value())
    known.thing = confirmed.user
    return confirmed
