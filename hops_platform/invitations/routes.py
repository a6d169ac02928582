from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Path

from hops_platform.audit.actions import Action
from hops_platform.audit.circumstances import Circumstances
from hops_platform.audit.requests import Known, records
from hops_platform.errors import ForbiddenError
from hops_platform.http import After, DatabaseSession, Limit, PartsOf, in_one_step
from hops_platform.invitations import service
from hops_platform.invitations.models import Invitation, Kind
from hops_platform.invitations.schemas import (
    InvitationAnswer,
    InvitationLink,
    MyInvitation,
    NewInvitation,
    NewInvitationAnswer,
    OpenedInvitation,
    Registered,
    RegistrationByInvitation,
)
from hops_platform.links.service import address_of_link
from hops_platform.paging import DEFAULT_LIMIT, Page, fetch_page_by_id
from hops_platform.projects.schemas import MemberAnswer
from hops_platform.registrations.service import wait_for_approval
from hops_platform.security.authentication import Caller, ProjectAccess
from hops_platform.security.guard import GuessesCounted, Public, Requires, RequiresInProject
from hops_platform.security.passwords import hash_password
from hops_platform.security.permissions import Permission
from hops_platform.security.rates import count_against
from hops_platform.settings import RegistrationRule

router = APIRouter(tags=["invitations"])
Identifier = Annotated[uuid.UUID, Path(examples=["01969b1e-6f00-7000-8000-000000000000"])]
_LINK = "link"
"""In the audit, for an invitation of whoever has its link: that names nobody."""
Accepts = Annotated[Caller, Depends(Requires(Permission.INVITATIONS_ACCEPT))]


@router.get("/projects/{project}/invitations")
@in_one_step
def list_invitations(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.INVITATIONS_READ))],
    session: DatabaseSession,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
) -> Page[InvitationAnswer]:
    """The invitations into a project that can be accepted, in the order in which they were made."""
    query = service.invitations_to(access.project)
    rows, following = fetch_page_by_id(session, query, key=Invitation.id, limit=limit, after=after)
    return Page(items=[service.show(row[0]) for row in rows], next=following)


# Without idempotency keys: what such requests answered is kept, and a link must not be. Of a user or an address there
# is one invitation at a time anyhow.
@router.post("/projects/{project}/invitations", status_code=201, dependencies=[records(Action.INVITATION_MAKE)])
def invite(
    request: NewInvitation,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.INVITATIONS_MAKE))],
    session: DatabaseSession,
    parts: PartsOf,
    known: Known,
) -> NewInvitationAnswer:
    """Invites a user, a mail address, or whoever has the link that the answer shows this once."""
    mail = parts.engines.mailer.sends
    if request.kind is Kind.ADDRESS and mail:
        # The counting writes by itself; this transaction must not hold the database meanwhile.
        session.commit()
        count_against(parts.database, service.SENT_BY_ONE, str(access.caller.person.id))
    made, token = service.invite(session, access.project, access.member, request, mail=mail)
    known.thing = made.user or made.address or _LINK
    known.details.update(kind=made.kind.value, role=made.role.value, uses=made.uses_left, invitation=str(made.id))
    if token is not None:
        made.link = address_of_link(parts.settings.pages_url, "invitation", token)
    return made


@router.delete(
    "/projects/{project}/invitations/{invitation}",
    status_code=204,
    dependencies=[records(Action.INVITATION_REVOKE, "invitation")],
)
def revoke_invitation(
    invitation: Identifier,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.INVITATIONS_REVOKE))],
    session: DatabaseSession,
    known: Known,
) -> None:
    """Takes an invitation back; its link is good no more."""
    row = service.revoke(session, access.project, invitation)
    known.thing = (row.user.name if row.user is not None else row.address) or _LINK
    known.details["invitation"] = str(row.id)


@router.get("/me/invitations")
@in_one_step
def list_my_invitations(
    caller: Annotated[Caller, Depends(Requires(Permission.INVITATIONS_LIST))],
    session: DatabaseSession,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
) -> Page[MyInvitation]:
    """The projects that I am invited into, by my name or my mail address."""
    query = service.invitations_of(session, caller.person)
    rows, following = fetch_page_by_id(session, query, key=Invitation.id, limit=limit, after=after)
    return Page(items=[service.show_mine(row[0]) for row in rows], next=following)


@router.post("/me/invitations/{invitation}:accept", status_code=201, dependencies=[records(Action.INVITATION_ACCEPT)])
def accept_invitation(invitation: Identifier, caller: Accepts, session: DatabaseSession, known: Known) -> MemberAnswer:
    """Accepts an invitation of mine."""
    row, member = service.accept_mine(session, caller.person, invitation)
    _note(known, row, member)
    return member


@router.post("/me/invitations/{invitation}:decline", status_code=204, dependencies=[records(Action.INVITATION_DECLINE)])
def decline_invitation(invitation: Identifier, caller: Accepts, session: DatabaseSession, known: Known) -> None:
    """Declines an invitation of mine; it goes, and nobody is told but the audit."""
    row = service.decline_mine(session, caller.person, invitation)
    known.within(row.project.name, row.project_id)
    known.thing = caller.person.name


@router.post("/invitations:open", dependencies=[Depends(Public(Permission.INVITATIONS_OPEN))])
def open_invitation(
    request: InvitationLink, session: DatabaseSession, parts: PartsOf, counted: GuessesCounted
) -> OpenedInvitation:
    """What a link invites into; it stays good. Asked with a body, so that no log has the link."""
    with counted():
        good = service.find_by_link(session, request.token.get_secret_value())
    rule = parts.settings.registration
    return service.show_opened(
        good, registers=rule is not RegistrationRule.OFF, approval=rule is RegistrationRule.APPROVAL
    )


@router.post("/invitations:accept", status_code=201, dependencies=[records(Action.INVITATION_ACCEPT)])
def accept_invitation_link(
    request: InvitationLink, caller: Accepts, session: DatabaseSession, counted: GuessesCounted, known: Known
) -> MemberAnswer:
    """Accepts an invitation that I have the link of."""
    with counted():
        row, member = service.accept_by_link(session, caller.person, request.token.get_secret_value())
    _note(known, row, member)
    return member


@router.post(
    "/invitations:register",
    status_code=201,
    dependencies=[Depends(Public(Permission.INVITATIONS_REGISTER)), records(Action.INVITATION_REGISTER)],
)
def register_by_invitation(
    request: RegistrationByInvitation, session: DatabaseSession, parts: PartsOf, counted: GuessesCounted, known: Known
) -> Registered:
    """Makes an account with an invitation's link, where the site allows that; a member at once, or when approved."""
    rule, token = parts.settings.registration, request.token.get_secret_value()
    with counted():
        with parts.database.session(writes=False) as looking:
            service.find_by_link(looking, token)
        if rule is RegistrationRule.OFF:
            raise ForbiddenError(
                "At this site accounts are made by administrators.",
                remedy="Ask one for an account, log in, and open the link again.",
            )
        password_hash = hash_password(request.password.get_secret_value())
        good = service.find_by_link(session, token, to_use=True)
    _note_project(known, good.invitation)
    known.thing, known.details["waiting"] = request.name, rule is RegistrationRule.APPROVAL
    if rule is RegistrationRule.APPROVAL:
        wait_for_approval(
            session,
            name=request.name,
            title=request.title,
            password_hash=password_hash,
            message=request.message,
            address=good.proven_address or None,
            invitation_id=good.invitation.id,
        )
        return Registered(user=request.name, waiting=True)
    user, member = service.register(session, good, name=request.name, title=request.title, password_hash=password_hash)
    known.details["role"] = member.role.value
    return Registered(user=user.name, waiting=False)


def _note(known: Circumstances, row: Invitation, member: MemberAnswer) -> None:
    _note_project(known, row)
    known.thing, known.details["role"] = member.user, member.role.value
    known.details["inviter"] = row.inviter.name


def _note_project(known: Circumstances, row: Invitation) -> None:
    known.within(row.project.name, row.project_id)
