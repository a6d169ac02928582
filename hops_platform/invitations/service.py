"""Invitations into projects.

Laws:

1. Nobody gives what they have not: an invitation is good while its inviter is an active Data Owner of the project. With
   the inviter's removal, or another role, it goes; that is looked at again when it is accepted.
2. Who invites an address learns nothing of whose it is, and who opens a link that is not good learns nothing at all.
3. A link is made when it is sent, or shown once: what opens it stands nowhere.
4. Who has declined is left alone by that project for :data:`LEFT_ALONE`: the row stays so long, with no use left.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, and_, delete, func, or_, select
from sqlalchemy.orm import Session, aliased

from hops_contract.principal import ProjectRole
from hops_platform.addresses.service import address_of, set_address
from hops_platform.database import now
from hops_platform.errors import ConflictError, ForbiddenError, NotFoundError
from hops_platform.invitations.models import Invitation, Kind
from hops_platform.invitations.schemas import (
    InvitationAnswer,
    MyInvitation,
    NewInvitation,
    NewInvitationAnswer,
    OpenedInvitation,
)
from hops_platform.links.models import Purpose
from hops_platform.links.service import end_links, make_link, open_link
from hops_platform.mail.addresses import folded
from hops_platform.mail.service import CHANNEL, new_name
from hops_platform.outbox import Task, enqueue
from hops_platform.projects.models import Membership, Project
from hops_platform.projects.schemas import MemberAnswer, NewMember
from hops_platform.projects.service import add_member
from hops_platform.security.rates import Bound
from hops_platform.users.models import User
from hops_platform.users.service import add_user

SEND = Task(CHANNEL, "invitation.send")
MOST_IN_PROJECT = 200
"""Invitations of one project that can be accepted at the same moment."""
LEFT_ALONE = timedelta(days=7)
"""They can still ask to join, and use a link that somebody hands to them."""
SENT_BY_ONE = Bound("letter to invite", 50, timedelta(days=1))
SENT_TO_ONE = Bound("letter to one who is invited", 10, timedelta(days=1))
"""Whoever invites; who is told that an address has been written to by others would learn of it, so nobody is."""
_NOT_GOOD = "This invitation is not good, or no longer."
_ASK_AGAIN = "Ask whoever invited you for another one."


@dataclass(frozen=True, slots=True)
class Good:
    """An invitation that can be accepted, and the address that its link was sent to, if it was."""

    invitation: Invitation
    proven_address: str


def invitations_to(project: Project) -> Select[Invitation]:
    """The query of a project's invitations that can be accepted."""
    return _good().where(Invitation.project_id == project.id)


def invitations_of(session: Session, person: User) -> Select[Invitation]:
    """The query of the invitations of a user, or of their proven address, into projects that they are not in."""
    address = address_of(session, person)
    mine = Invitation.user_id == person.id
    if address is not None:
        mine = or_(mine, Invitation.folded == address.folded)
    member = select(Membership.project_id).where(Membership.user_id == person.id)
    return _good().where(mine, Invitation.project_id.not_in(member))


def invite(
    session: Session, project: Project, inviter: Membership, request: NewInvitation, *, mail: bool
) -> tuple[NewInvitationAnswer, str | None]:
    """Makes an invitation; answers it, and the token of its link where that has to be handed over.

    Raises:
        ConflictError: The user is a member, or is invited already; or the project has too many invitations.
        ForbiddenError: The role is more than the inviter has.
        NotFoundError: There is no such active user, or the project was deleted at the same moment.
    """
    if inviter.role is not ProjectRole.DATA_OWNER:
        raise ForbiddenError("Only a Data Owner invites.")
    # Held, as where a member is added; of requests at the same moment one after the other counts.
    held = select(Project.id).where(Project.id == project.id, Project.deleted_at.is_(None)).with_for_update()
    if session.scalar(held) is None:
        raise NotFoundError(f"There is no project {project.name!r} any more.")
    _forget_ended(session)
    user = _invitee(session, project, request.user) if request.user is not None else None
    _check_room(session, project, user, request.address)
    moment = now()
    row = Invitation(
        project=project,
        inviter=inviter.user,
        kind_name=request.kind.value,
        role_name=request.role.value,
        user=user,
        address=request.address,
        folded=folded(request.address) if request.address is not None else None,
        uses_left=request.uses,
        created_at=moment,
        expires_at=moment + timedelta(days=request.days),
    )
    session.add(row)
    session.flush()
    token = None
    if row.kind is Kind.ADDRESS and mail:
        payload = {"invitation": str(row.id), "until": row.expires_at.isoformat()}
        # Not as one of the project's: a letter that waits for the mail server keeps no name of a deleted project taken.
        enqueue(session, SEND, entity=new_name(), payload=payload)
    elif row.kind is not Kind.USER:
        token = make_link(session, Purpose.INVITATION, subject=str(row.id), lifetime=row.expires_at - moment)
    return NewInvitationAnswer(**show(row).model_dump(), link=None), token


def revoke(session: Session, project: Project, identifier: uuid.UUID) -> Invitation:
    """Takes an invitation back.

    Raises:
        NotFoundError: The project has none of this key.
    """
    row = session.scalar(
        select(Invitation).where(
            Invitation.id == identifier, Invitation.project_id == project.id, Invitation.uses_left > 0
        )
    )
    if row is None:
        raise NotFoundError("The project has no such invitation; it may have been accepted.")
    _end(session, row)
    return row


def accept_mine(session: Session, person: User, identifier: uuid.UUID) -> tuple[Invitation, MemberAnswer]:
    """Makes a user, who is invited by name or address, a member.

    Raises:
        ConflictError: They are a member already.
        NotFoundError: There is no such invitation of theirs.
    """
    row = _find_mine(session, person, identifier)
    return row, _accept(session, row, person)


def decline_mine(session: Session, person: User, identifier: uuid.UUID) -> Invitation:
    """Declines an invitation; another one of the same project is refused for a while.

    Raises:
        NotFoundError: There is no such invitation of theirs.
    """
    row = _find_mine(session, person, identifier)
    end_links(session, Purpose.INVITATION, str(row.id))
    row.uses_left, row.expires_at = 0, now() + LEFT_ALONE
    session.flush()
    return row


def find_by_link(session: Session, token: str, *, to_use: bool = False) -> Good:
    """The invitation of a link.

    Args:
        session: The database.
        token: What stands in the link.
        to_use: Whether it is about to be accepted: then it is locked, so that it lets in as many as it says.

    Raises:
        NotFoundError: The link is not good, or its invitation was withdrawn.
    """
    opened = open_link(session, Purpose.INVITATION, token)
    query = _good().where(Invitation.id == uuid.UUID(opened.subject))
    row = session.scalar(query.with_for_update(of=Invitation) if to_use else query)
    if row is None:
        raise NotFoundError(_NOT_GOOD, remedy=_ASK_AGAIN)
    return Good(row, opened.address)


def show_opened(good: Good, *, registers: bool, approval: bool) -> OpenedInvitation:
    """What whoever has a link sees."""
    row = good.invitation
    return OpenedInvitation(
        project=row.project.name,
        title=row.project.title,
        role=row.role,
        inviter=row.inviter.name,
        expires_at=row.expires_at,
        registers=registers,
        approval=approval,
    )


def accept_by_link(session: Session, person: User, token: str) -> tuple[Invitation, MemberAnswer]:
    """Makes a user who has a link a member.

    Raises:
        ConflictError: They are a member already.
        ForbiddenError: It was sent to an address, and they have proven another one.
        NotFoundError: The link is not good.
    """
    row = find_by_link(session, token, to_use=True).invitation
    address = address_of(session, person)
    if row.folded is not None and address is not None and address.folded != row.folded:
        raise ForbiddenError(
            "This invitation was sent to another address than yours.",
            remedy="Log in as the user whose address it is, or ask for an invitation of your user name.",
        )
    return row, _accept(session, row, person)


def register(session: Session, good: Good, *, name: str, title: str, password_hash: str) -> tuple[User, MemberAnswer]:
    """Makes an account for one who is invited, and a member of it.

    Raises:
        ConflictError: The name is taken, or the address is another user's.
    """
    user = add_user(session, name=name, title=title, password_hash=password_hash, must_change_password=False)
    if good.proven_address:
        set_address(session, user, good.proven_address)
    return user, _accept(session, good.invitation, user)


def accept_at_approval(session: Session, identifier: uuid.UUID | None, user: User) -> Invitation | None:
    """Makes one whose account was approved a member, if the invitation by which they came is good still."""
    row = session.scalar(_good().where(Invitation.id == identifier).with_for_update(of=Invitation))
    if row is not None:
        _accept(session, row, user)
    return row


def find_to_send(session: Session, identifier: uuid.UUID) -> Invitation | None:
    """An invitation of an address that is to be sent; ``None`` if it was withdrawn meanwhile."""
    return session.scalar(_good().where(Invitation.id == identifier, Invitation.address.is_not(None)))


def show(row: Invitation) -> InvitationAnswer:
    """An invitation on the wire."""
    return InvitationAnswer(
        id=row.id,
        kind=row.kind,
        user=row.user.name if row.user is not None else None,
        address=row.address,
        role=row.role,
        inviter=row.inviter.name,
        uses_left=row.uses_left,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


def show_mine(row: Invitation) -> MyInvitation:
    """An invitation on the wire, as who is invited sees it."""
    return MyInvitation(
        id=row.id,
        project=row.project.name,
        title=row.project.title,
        role=row.role,
        inviter=row.inviter.name,
        expires_at=row.expires_at,
    )


def _good() -> Select[Invitation]:
    """The query of the invitations that can be accepted at this moment."""
    inviter = aliased(User)
    return (
        select(Invitation)
        .join(Project, Project.id == Invitation.project_id)
        .join(inviter, and_(inviter.id == Invitation.inviter_id, inviter.active.is_(True)))
        .join(
            Membership,
            and_(
                Membership.project_id == Invitation.project_id,
                Membership.user_id == Invitation.inviter_id,
                Membership.role_name == ProjectRole.DATA_OWNER.value,
            ),
        )
        .where(
            Project.deleted_at.is_(None),
            # It gets nobody new while it is archived; then they are good again.
            Project.archived_at.is_(None),
            Invitation.expires_at > now(),
            Invitation.uses_left > 0,
        )
    )


def _invitee(session: Session, project: Project, name: str) -> User:
    user = session.scalar(select(User).where(User.name == name, User.active.is_(True)))
    if user is None:
        raise NotFoundError(f"There is no user {name!r}.", remedy="Invite a mail address, or make a link.")
    if session.get(Membership, (project.id, user.id)) is not None:
        raise ConflictError(f"{name!r} is a member already.", remedy="Change the role instead.")
    return user


def _check_room(session: Session, project: Project, user: User | None, address: str | None) -> None:
    same = None
    if user is not None:
        same = Invitation.user_id == user.id
    elif address is not None:
        same = Invitation.folded == folded(address)
    if same is not None and session.scalar(invitations_to(project).where(same)) is not None:
        raise ConflictError("They are invited already.", remedy="Revoke that invitation to make another one.")
    mine = Invitation.project_id == project.id
    declined = None
    if same is not None:
        declined = session.scalar(select(Invitation.expires_at).where(mine, same, Invitation.uses_left == 0))
    if declined is not None:
        raise ConflictError(
            "They have declined an invitation into this project.",
            remedy=f"Invite them again from {declined:%d %B %Y} on. Until then they can ask to join by themselves.",
        )
    waiting = session.scalar(select(func.count()).select_from(Invitation).where(mine, Invitation.uses_left > 0))
    if (waiting or 0) >= MOST_IN_PROJECT:
        raise ConflictError(
            f"The project has {waiting} invitations; {MOST_IN_PROJECT} are the most at once.",
            remedy="Revoke some, or wait until they are accepted.",
        )


def _find_mine(session: Session, person: User, identifier: uuid.UUID) -> Invitation:
    query = invitations_of(session, person).where(Invitation.id == identifier)
    row = session.scalar(query.with_for_update(of=Invitation))
    if row is None:
        raise NotFoundError(_NOT_GOOD, remedy=_ASK_AGAIN)
    return row


def _accept(session: Session, row: Invitation, person: User) -> MemberAnswer:
    member = add_member(session, row.project, NewMember(user=person.name, role=row.role))
    row.uses_left -= 1
    if row.uses_left == 0:
        _end(session, row)
    # Who is in needs no other invitation into it.
    mine = Invitation.user_id == person.id
    address = address_of(session, person)
    if address is not None:
        mine = or_(mine, Invitation.folded == address.folded)
    session.execute(delete(Invitation).where(Invitation.project_id == row.project_id, mine))
    session.flush()
    return member


def _end(session: Session, row: Invitation) -> None:
    end_links(session, Purpose.INVITATION, str(row.id))
    session.delete(row)
    session.flush()


def _forget_ended(session: Session) -> None:
    session.execute(delete(Invitation).where(Invitation.expires_at <= now()))
