"""Accounts that people ask for.

Laws:

1. Asking tells nothing: whether an address has an account, only a letter to that address says.
2. Names, titles and passwords are taken from those alone who proved an address, or who were invited.
3. Nobody can log in before an administrator has approved.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hops_platform.addresses.models import UserAddress
from hops_platform.database import Database, now
from hops_platform.errors import ConflictError, ForbiddenError, NotFoundError
from hops_platform.invitations.models import Invitation
from hops_platform.links.models import Purpose
from hops_platform.links.service import end_links, open_link, use_link
from hops_platform.mail import letters
from hops_platform.mail.addresses import folded
from hops_platform.mail.service import CHANNEL, new_name, post
from hops_platform.outbox import Task, enqueue
from hops_platform.registrations.models import Registration
from hops_platform.registrations.schemas import WaitingRegistration
from hops_platform.security.rates import Bound, count_against
from hops_platform.settings import RegistrationRule
from hops_platform.users.models import User
from hops_platform.users.service import name_is_taken

SEND = Task(CHANNEL, "registration.send")
LINK_GOOD_FOR = timedelta(days=1)
ASKED_FOR_ONE = Bound("registration", 3, timedelta(hours=1))
"""For one address, whether or not it has an account."""
ASKED_IN_A_DAY = Bound("registration in a day", 6, timedelta(days=1))
"""For one address too: it may be a stranger's, who wants no letters."""
ASKED_BY_CLIENT = Bound("registration of a client", 20, timedelta(hours=1))
ASKED_BY_ALL = Bound("registration of all", 300, timedelta(hours=1))
"""Of the whole site: whoever has many addresses to ask from makes no sender of many letters of it."""
MOST_WAITING = 500
"""Registrations that wait for an administrator."""


def check_open(rule: RegistrationRule) -> None:
    """Checks that the site takes registrations of everybody.

    Raises:
        ForbiddenError: It does not.
    """
    if rule is not RegistrationRule.APPROVAL:
        raise ForbiddenError(
            "This site takes no registrations.",
            remedy="Ask an administrator for an account, or a Data Owner for an invitation.",
        )


def ask(session: Session, address: str, *, client: str, database: Database) -> None:
    """Lets a link be sent to an address, or word that there is an account; nothing here depends on which.

    Raises:
        TooOftenError: It was asked for too often, of this client, for this address or by all together.
    """
    count_against(database, ASKED_BY_CLIENT, client)
    count_against(database, ASKED_FOR_ONE, folded(address))
    count_against(database, ASKED_IN_A_DAY, folded(address))
    # Last: what was refused before takes no place of others.
    count_against(database, ASKED_BY_ALL, "")
    payload = {"address": address, "until": (now() + LINK_GOOD_FOR).isoformat()}
    enqueue(session, SEND, entity=new_name(), payload=payload)


def check_link(database: Database, token: str) -> None:
    """Looks whether a link is good, before a password is hashed for whoever made one up.

    Raises:
        NotFoundError: It is not good.
    """
    with database.session(writes=False) as session:
        open_link(session, Purpose.REGISTRATION, token)


def finish(session: Session, token: str, *, name: str, title: str, password_hash: str, message: str) -> None:
    """Lets the account of whoever proved an address wait for approval.

    Raises:
        ConflictError: The name is taken, the address has an account, or too many wait; the link stays good.
        NotFoundError: The link is not good.
    """
    opened = use_link(session, Purpose.REGISTRATION, token)
    wait_for_approval(
        session,
        name=name,
        title=title,
        password_hash=password_hash,
        message=message,
        address=opened.address,
        invitation_id=None,
    )
    end_links(session, Purpose.REGISTRATION, opened.subject)


def wait_for_approval(
    session: Session,
    *,
    name: str,
    title: str,
    password_hash: str,
    message: str,
    address: str | None,
    invitation_id: uuid.UUID | None,
) -> None:
    """Lets an account wait for an administrator.

    Raises:
        ConflictError: The name is taken, the address has an account or waits for one, or too many wait, of all or by
            this invitation.
    """
    _check_name(session, name)
    if session.scalar(select(Registration.id).where(Registration.name == name)) is not None:
        raise name_is_taken(name)
    if address is not None:
        _check_address(session, address)
    if invitation_id is not None:
        _check_uses(session, invitation_id)
    if (session.scalar(select(func.count()).select_from(Registration)) or 0) >= MOST_WAITING:
        raise ConflictError("Too many accounts wait for approval.", remedy="Try again in some days.")
    session.add(
        Registration(
            name=name,
            title=title,
            password_hash=password_hash,
            message=message,
            address=address,
            folded=folded(address) if address is not None else None,
            invitation_id=invitation_id,
        )
    )
    session.flush()


def take(session: Session, identifier: uuid.UUID) -> Registration:
    """A registration, which waits no longer: of two administrators one decides.

    Raises:
        NotFoundError: There is none; it may have been decided on.
    """
    row = session.scalar(select(Registration).where(Registration.id == identifier).with_for_update())
    if row is None:
        raise NotFoundError("There is no such registration; it may have been decided on.")
    session.delete(row)
    session.flush()
    return row


def tell_approved(session: Session, row: Registration, *, site: str) -> None:
    """Tells whoever wanted the account that it is there."""
    if row.address is not None:
        post(session, letters.registration_approved(to=row.address, name=new_name(), user=row.name, site=site))


def decline(session: Session, identifier: uuid.UUID, reason: str) -> Registration:
    """Declines a registration, and tells why.

    Raises:
        NotFoundError: There is none; it may have been decided on.
    """
    row = take(session, identifier)
    if row.address is not None:
        post(session, letters.registration_declined(to=row.address, name=new_name(), reason=reason))
    return row


def show(session: Session, rows: Sequence[Registration]) -> list[WaitingRegistration]:
    """Registrations on the wire."""
    invited = {row.invitation_id for row in rows if row.invitation_id is not None}
    projects = {
        row.id: row.project.name for row in session.scalars(select(Invitation).where(Invitation.id.in_(invited)))
    }
    return [
        WaitingRegistration(
            id=row.id,
            name=row.name,
            title=row.title,
            address=row.address,
            message=row.message,
            project=projects.get(row.invitation_id) if row.invitation_id is not None else None,
            created_at=row.created_at,
        )
        for row in rows
    ]


def _check_name(session: Session, name: str) -> None:
    if session.scalar(select(User.id).where(User.name == name)) is not None:
        raise name_is_taken(name)


def _check_uses(session: Session, invitation_id: uuid.UUID) -> None:
    """One link fills no list: of those who wait it lets in as many as it says. Its row is locked by who calls."""
    left = session.scalar(select(Invitation.uses_left).where(Invitation.id == invitation_id)) or 0
    of_it = select(func.count()).select_from(Registration).where(Registration.invitation_id == invitation_id)
    if (session.scalar(of_it) or 0) >= left:
        raise ConflictError(
            "As many accounts as this invitation lets in wait for approval already.",
            remedy="Ask whoever invited you for another one, or wait for an administrator.",
        )


def _check_address(session: Session, address: str) -> None:
    known = select(UserAddress.user_id).where(UserAddress.folded == folded(address))
    if session.scalar(known) is not None:
        raise ConflictError("This address has an account already.", remedy="Log in, or ask for a new password.")
    if session.scalar(select(Registration.id).where(Registration.folded == folded(address))) is not None:
        raise ConflictError("An account for this address waits already.", remedy="An administrator decides on it.")
