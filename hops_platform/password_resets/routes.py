from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from hops_contract.slugs import MAX_SLUG_LENGTH
from hops_platform.audit.actions import Action
from hops_platform.audit.requests import Client, Known, records
from hops_platform.database import now
from hops_platform.http import DatabaseSession, PartsOf
from hops_platform.links.service import address_of_link
from hops_platform.password_resets import service
from hops_platform.password_resets.schemas import (
    NewPasswordByLink,
    ResetAnswer,
    ResetDone,
    ResetLink,
    ResetRequest,
)
from hops_platform.security.guard import GuessesCounted, Public, Requires
from hops_platform.security.permissions import Permission
from hops_platform.users.models import find_user

router = APIRouter(tags=["password resets"])
ON_ITS_WAY = "If there is such a user with a mail address, a link is on its way there."


@router.post(
    "/password-resets",
    status_code=202,
    dependencies=[Depends(Public(Permission.PASSWORD_RESETS_ASK)), records(Action.PASSWORD_RESET_ASK)],
)
def ask_for_password_reset(
    request: ResetRequest, session: DatabaseSession, parts: PartsOf, client: Client
) -> ResetAnswer:
    """Sends a link by which a forgotten password is replaced. The answer is the same for every name."""
    service.ask(
        session,
        request.who,
        client=client,
        database=parts.database,
        sealer=parts.sealer,
        mail=parts.engines.mailer.sends,
    )
    return ResetAnswer(detail=ON_ITS_WAY)


@router.post(
    "/password-resets:finish",
    dependencies=[Depends(Public(Permission.PASSWORD_RESETS_FINISH)), records(Action.PASSWORD_RESET_FINISH)],
)
def finish_password_reset(
    request: NewPasswordByLink, session: DatabaseSession, parts: PartsOf, counted: GuessesCounted, known: Known
) -> ResetDone:
    """Replaces a forgotten password. All log-ins and tokens of before end; API keys only where that is asked for."""
    token = request.token.get_secret_value()
    with counted():
        service.check_link(parts.database, token)
        user = service.finish(
            session,
            token,
            request.password.get_secret_value(),
            end_keys=request.end_keys,
            mail=parts.engines.mailer.sends,
        )
    known.thing, known.details["keys_end"] = user, request.end_keys
    known.record_now(session)
    session.commit()
    parts.engines.logins.end_all(user)
    return ResetDone(user=user)


# Without idempotency keys: what such requests answered is kept, and this answer must not be.
@router.post("/users/{user}/password-reset-link", dependencies=[records(Action.PASSWORD_RESET_LINK, "user")])
def give_password_reset_link(
    user: Annotated[str, Path(max_length=MAX_SLUG_LENGTH, examples=["ada"])],
    _caller: Annotated[object, Depends(Requires(Permission.PASSWORD_RESETS_GIVE))],
    session: DatabaseSession,
    parts: PartsOf,
) -> ResetLink:
    """A link by which a user chooses a new password, for an administrator to hand over; shown this once."""
    token = service.make_by_hand(session, find_user(session, user))
    link = address_of_link(parts.settings.pages_url, "reset-password", token)
    return ResetLink(link=link, expires_at=now() + service.BY_HAND)
