from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from sqlalchemy import select

from hops_platform.addresses.service import set_address
from hops_platform.audit.actions import Action
from hops_platform.audit.requests import Client, Known, records
from hops_platform.http import After, DatabaseSession, Limit, PartsOf, in_one_step
from hops_platform.invitations.service import accept_at_approval
from hops_platform.paging import DEFAULT_LIMIT, Page, fetch_page_by_id
from hops_platform.registrations import service
from hops_platform.registrations.models import Registration
from hops_platform.registrations.schemas import (
    Approved,
    Declining,
    RegistrationAnswer,
    RegistrationRequest,
    RegistrationToFinish,
    WaitingRegistration,
)
from hops_platform.security.guard import GuessesCounted, Public, Requires
from hops_platform.security.passwords import hash_password
from hops_platform.security.permissions import Permission
from hops_platform.users.service import add_user

router = APIRouter(tags=["registrations"])
Identifier = Annotated[uuid.UUID, Path(examples=["01969b1e-6f00-7000-8000-000000000000"])]
ON_ITS_WAY = "A link is on its way to this address."


@router.post(
    "/registrations",
    status_code=202,
    dependencies=[Depends(Public(Permission.REGISTRATIONS_ASK)), records(Action.REGISTRATION_ASK)],
)
def ask_for_account(
    request: RegistrationRequest, session: DatabaseSession, parts: PartsOf, client: Client
) -> RegistrationAnswer:
    """Sends a link by which a registration goes on. The answer is the same for every address."""
    service.check_open(parts.settings.registration)
    service.ask(session, request.address, client=client, database=parts.database)
    return RegistrationAnswer(detail=ON_ITS_WAY)


@router.post(
    "/registrations:finish",
    status_code=204,
    dependencies=[Depends(Public(Permission.REGISTRATIONS_FINISH)), records(Action.REGISTRATION_FINISH)],
)
def finish_registration(
    request: RegistrationToFinish, session: DatabaseSession, parts: PartsOf, counted: GuessesCounted, known: Known
) -> None:
    """Lets an account wait for an administrator's approval, which is told by mail."""
    service.check_open(parts.settings.registration)
    token = request.token.get_secret_value()
    with counted():
        service.check_link(parts.database, token)
        password_hash = hash_password(request.password.get_secret_value())
        service.finish(
            session,
            token,
            name=request.name,
            title=request.title,
            password_hash=password_hash,
            message=request.message,
        )
    known.thing = request.name


@router.get("/registrations", dependencies=[Depends(Requires(Permission.REGISTRATIONS_LIST))])
@in_one_step
def list_registrations(
    session: DatabaseSession, limit: Limit = DEFAULT_LIMIT, after: After = None
) -> Page[WaitingRegistration]:
    """The accounts that wait for approval, in the order in which they were asked for."""
    rows, following = fetch_page_by_id(session, select(Registration), key=Registration.id, limit=limit, after=after)
    return Page(items=service.show(session, [row[0] for row in rows]), next=following)


@router.post(
    "/registrations/{registration}:approve",
    dependencies=[Depends(Requires(Permission.REGISTRATIONS_DECIDE)), records(Action.REGISTRATION_APPROVE)],
)
def approve_registration(registration: Identifier, session: DatabaseSession, parts: PartsOf, known: Known) -> Approved:
    """Makes the account, and lets it into the project that it was invited into; whoever wanted it is told by mail."""
    row = service.take(session, registration)
    user = add_user(
        session, name=row.name, title=row.title, password_hash=row.password_hash, must_change_password=False
    )
    if row.address is not None:
        set_address(session, user, row.address)
    invitation = accept_at_approval(session, row.invitation_id, user)
    known.thing = user.name
    project = invitation.project.name if invitation is not None else None
    known.details["member_of"] = project
    service.tell_approved(session, row, site=parts.settings.pages_url)
    return Approved(user=user.name, project=project)


@router.post(
    "/registrations/{registration}:decline",
    status_code=204,
    dependencies=[Depends(Requires(Permission.REGISTRATIONS_DECIDE)), records(Action.REGISTRATION_DECLINE)],
)
def decline_registration(registration: Identifier, request: Declining, session: DatabaseSession, known: Known) -> None:
    """Declines an account; whoever wanted it is told the reason by mail."""
    known.thing = service.decline(session, registration, request.reason).name
