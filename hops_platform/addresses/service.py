"""Users' mail addresses: given by their owner, proven by a link, looked for when a password was forgotten."""

from __future__ import annotations

import uuid
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from hops_platform.addresses.models import UserAddress
from hops_platform.addresses.schemas import AddressAnswer, ConfirmedAddress
from hops_platform.database import now
from hops_platform.errors import ConflictError, NotFoundError
from hops_platform.links.models import Purpose
from hops_platform.links.service import end_links, use_link
from hops_platform.mail import letters
from hops_platform.mail.addresses import folded
from hops_platform.mail.service import CHANNEL, new_name, post
from hops_platform.outbox import Task, enqueue
from hops_platform.realms.presence import Prover
from hops_platform.security.authentication import Caller
from hops_platform.security.rates import Bound, count_against
from hops_platform.users.models import User

CONFIRM = Task(CHANNEL, "address.confirm")
CONFIRMED_WITHIN = timedelta(days=1)
ASKED = Bound("letter to prove an address", 5, timedelta(hours=1))
"""Of one user: nobody makes the platform write to many people."""


def address_of(session: Session, user: User) -> UserAddress | None:
    """The proven address of a user."""
    return session.get(UserAddress, user.id)


def user_at(session: Session, address: str) -> User | None:
    """The active user whose proven address this is."""
    row = session.scalar(select(UserAddress).where(UserAddress.folded == folded(address)))
    return row.user if row is not None and row.user.active else None


def show(session: Session, user: User, *, mail: bool) -> AddressAnswer:
    """A user's address on the wire."""
    row = address_of(session, user)
    return AddressAnswer(address=row.address if row is not None else None, mail=mail)


def ask_to_confirm(
    session: Session, caller: Caller, address: str, *, password: str, prover: Prover, mail: bool
) -> None:
    """Lets a link be sent to an address, by which it becomes the user's.

    Raises:
        ConflictError: The site has no mail.
        ForbiddenError: The realm asks for no password, and this session is none of a log-in of lately.
        LockedOutError: Too many attempts failed.
        TooOftenError: Too many letters were asked for.
        WrongCredentialsError: The password is wrong.
    """
    user = caller.person
    if not mail:
        raise ConflictError("This site has no mail.", remedy="An administrator can set it up (HOPS_MAIL_HOST).")
    # What follows writes by itself; this transaction must not hold the database meanwhile.
    session.commit()
    prover.check_password(caller, password)
    count_against(prover.database, ASKED, str(user.id))
    until = (now() + CONFIRMED_WITHIN).isoformat()
    payload = {"user": str(user.id), "address": address, "until": until, "log_ins": user.tokens_valid_from.isoformat()}
    enqueue(session, CONFIRM, entity=new_name(), payload=payload)


def confirm(session: Session, token: str) -> ConfirmedAddress:
    """Makes an address its user's, whoever is logged in: the link went to the one and names the other.

    Raises:
        ConflictError: It is another user's.
        NotFoundError: The link is not good.
    """
    opened = use_link(session, Purpose.ADDRESS, token)
    user = session.get(User, uuid.UUID(opened.subject))
    if user is None or not user.active:
        raise NotFoundError("The user of this link is not there any more.")
    set_address(session, user, opened.address)
    end_links(session, Purpose.ADDRESS, opened.subject)
    return ConfirmedAddress(user=user.name, address=opened.address)


def set_address(session: Session, user: User, address: str) -> None:
    """Gives a user a proven address; the one of before is told.

    Raises:
        ConflictError: It is another user's.
    """
    other = session.scalar(select(UserAddress).where(UserAddress.folded == folded(address)))
    if other is not None and other.user_id != user.id:
        raise ConflictError(
            "This address belongs to another user here, to whom you proved it before.",
            remedy="Take it off that account first, or use another one.",
        )
    row = address_of(session, user)
    if row is None:
        session.add(UserAddress(user_id=user.id, user=user, address=address, folded=folded(address)))
    else:
        if row.folded != folded(address):
            _tell_old(session, row)
        row.address, row.folded, row.confirmed_at = address, folded(address), now()
    session.flush()


def remove(session: Session, caller: Caller, *, password: str, prover: Prover) -> None:
    """Takes a user's address away, which is told there.

    Raises:
        ForbiddenError: The realm asks for no password, and this session is none of a log-in of lately.
        LockedOutError: Too many attempts failed.
        NotFoundError: There is none.
        WrongCredentialsError: The password is wrong.
    """
    user = caller.person
    session.commit()
    prover.check_password(caller, password)
    row = address_of(session, user)
    if row is None:
        raise NotFoundError("You have no address here.")
    _tell_old(session, row)
    # What was sent there is no proof for this user any more.
    end_links(session, Purpose.PASSWORD_RESET, str(user.id))
    session.delete(row)
    session.flush()


def tell_password_changed(session: Session, user: User, *, mail: bool) -> None:
    """Tells a user by mail, where there is an address, that the password is another one."""
    row = address_of(session, user) if mail else None
    if row is not None:
        post(session, letters.password_was_changed(to=row.address, name=new_name(), user=user.name))


def _tell_old(session: Session, row: UserAddress) -> None:
    post(session, letters.address_was_changed(to=row.address, name=new_name(), user=row.user.name))
