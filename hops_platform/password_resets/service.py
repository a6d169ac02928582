"""New passwords for those who forgot theirs.

Laws:

1. Whoever asks learns nothing: the request does the same for every name, and who has it is looked up afterwards.
2. A link lets nobody in. It sets a password; the second factor is asked for at the log-in, as always.
3. With the new password all tokens and log-ins of before end; API keys do where that is asked for.
"""

from __future__ import annotations

import base64
import uuid
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from hops_platform.addresses.service import address_of, tell_password_changed, user_at
from hops_platform.database import Database, now
from hops_platform.errors import ConflictError, NotFoundError
from hops_platform.links.models import Purpose
from hops_platform.links.service import end_links, make_link, open_link, use_link
from hops_platform.mail.addresses import folded, is_address
from hops_platform.mail.service import CHANNEL, new_name
from hops_platform.outbox import Task, enqueue
from hops_platform.security.passwords import hash_password
from hops_platform.security.rates import Bound, count_against
from hops_platform.security.sealing import Sealer
from hops_platform.users.models import User
from hops_platform.users.passwords import check_kept_here, realm_of, set_forgotten_password

SEND = Task(CHANNEL, "password-reset.send")
BY_MAIL = timedelta(hours=1)
BY_HAND = timedelta(days=1)
ASKED_FOR_ONE = Bound("password reset", 4, timedelta(hours=1))
"""For one name or address, whether or not it is anybody's."""
ASKED_BY_CLIENT = Bound("password reset of a client", 30, timedelta(hours=1))
_PURPOSE = "password-reset"


def ask(session: Session, who: str, *, client: str, database: Database, sealer: Sealer, mail: bool) -> None:
    """Lets a link be sent to the address of ``who``, if there is one; nothing here depends on that.

    Raises:
        ConflictError: The site has no mail.
        TooOftenError: It was asked for too often, of this client or for this name.
    """
    if not mail:
        raise ConflictError(
            "This site has no mail.", remedy="Ask an administrator for a link, by which you choose a new password."
        )
    typed = folded(who.strip())
    count_against(database, ASKED_BY_CLIENT, client)
    count_against(database, ASKED_FOR_ONE, typed)
    # Sealed: it may be a password that was typed into the wrong field.
    sealed = base64.b64encode(sealer.seal(typed.encode("utf-8", "replace"), purpose=_PURPOSE)).decode()
    payload = {"sealed": sealed, "until": (now() + BY_MAIL).isoformat()}
    enqueue(session, SEND, entity=new_name(), payload=payload)


def whom(session: Session, sealed: str, *, sealer: Sealer) -> tuple[User, str] | None:
    """The user who was named in :func:`ask`, and the proven address; ``None`` where there is none to write to."""
    typed = sealer.open(base64.b64decode(sealed), purpose=_PURPOSE).decode()
    if is_address(typed):
        user = user_at(session, typed)
    else:
        user = session.scalar(select(User).where(User.name == typed, User.active.is_(True)))
    if user is None or realm_of(session, user) is not None:
        return None
    address = address_of(session, user)
    return (user, address.address) if address is not None else None


def make_by_hand(session: Session, user: User) -> str:
    """A link's token for an administrator to hand over; those of before end.

    Raises:
        ConflictError: The user may not log in, or the password is kept by a realm.
    """
    check_kept_here(session, user)
    if not user.active:
        raise ConflictError(f"The user {user.name!r} is not active.", remedy="Activate the user first.")
    end_links(session, Purpose.PASSWORD_RESET, str(user.id))
    return make_link(session, Purpose.PASSWORD_RESET, subject=str(user.id), lifetime=BY_HAND)


def check_link(database: Database, token: str) -> None:
    """Looks whether a link is good, before a password is hashed for whoever made one up.

    Raises:
        NotFoundError: It is not good.
    """
    with database.session(writes=False) as session:
        open_link(session, Purpose.PASSWORD_RESET, token)


def finish(session: Session, token: str, password: str, *, end_keys: bool, mail: bool) -> str:
    """Sets the password of the user of a link; answers who that is.

    Raises:
        ConflictError: The password is kept by a realm by now.
        NotFoundError: The link is not good, or its user has another address by now.
    """
    password_hash = hash_password(password)
    opened = use_link(session, Purpose.PASSWORD_RESET, token)
    user = session.get(User, uuid.UUID(opened.subject))
    address = address_of(session, user) if user is not None else None
    moved = opened.address and (address is None or address.folded != folded(opened.address))
    if user is None or not user.active or moved:
        raise NotFoundError("This link is not good, or no longer.", remedy="Ask for another one.")
    set_forgotten_password(session, user, password_hash, end_keys=end_keys)
    end_links(session, Purpose.PASSWORD_RESET, opened.subject)
    tell_password_changed(session, user, mail=mail)
    return user.name
