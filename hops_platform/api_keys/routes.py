from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from hops_contract.slugs import MAX_SLUG_LENGTH
from hops_platform.api_keys import service
from hops_platform.api_keys.models import ApiKey
from hops_platform.api_keys.schemas import ApiKeyAnswer, NewApiKey, NewApiKeyAnswer
from hops_platform.audit.actions import Action
from hops_platform.audit.requests import Known, records
from hops_platform.http import After, DatabaseSession, Limit, in_one_step
from hops_platform.paging import DEFAULT_LIMIT, Page, fetch_page
from hops_platform.security.authentication import Caller
from hops_platform.security.guard import Requires
from hops_platform.security.permissions import Permission
from hops_platform.users.models import User, find_user

router = APIRouter(tags=["API keys"])
KeyName = Annotated[str, Path(max_length=MAX_SLUG_LENGTH, pattern=r"^[^\x00]*$", examples=["nightly-report"])]
UserName = Annotated[str, Path(max_length=MAX_SLUG_LENGTH, examples=["ada"])]


@router.get("/me/api-keys")
@in_one_step
def list_my_api_keys(
    caller: Annotated[Caller, Depends(Requires(Permission.API_KEYS_LIST))],
    session: DatabaseSession,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
) -> Page[ApiKeyAnswer]:
    """My API keys by name, those that have ended included."""
    return _page(session, caller.person, limit=limit, after=after)


# Without an idempotency key: what such a request answered is kept, and this answer must not be.
@router.post("/me/api-keys", status_code=201, dependencies=[records(Action.API_KEY_CREATE)])
def create_my_api_key(
    request: NewApiKey,
    caller: Annotated[Caller, Depends(Requires(Permission.API_KEYS_CREATE))],
    session: DatabaseSession,
    known: Known,
) -> NewApiKeyAnswer:
    """Makes an API key, which is shown in this answer and never again. Its name is the caller's own for it."""
    known.thing = request.name
    return service.create_key(session, caller.person, request)


@router.delete("/me/api-keys/{name}", status_code=204, dependencies=[records(Action.API_KEY_REVOKE, "name")])
def revoke_my_api_key(
    name: KeyName,
    caller: Annotated[Caller, Depends(Requires(Permission.API_KEYS_REVOKE))],
    session: DatabaseSession,
) -> None:
    """Revokes one of my API keys; the next call with it is refused."""
    service.revoke_key(session, caller.person, name)


@router.get("/users/{user}/api-keys", dependencies=[Depends(Requires(Permission.API_KEYS_OVERSEE))])
@in_one_step
def list_api_keys_of_user(
    user: UserName, session: DatabaseSession, limit: Limit = DEFAULT_LIMIT, after: After = None
) -> Page[ApiKeyAnswer]:
    """The API keys of a user, for administrators."""
    return _page(session, find_user(session, user), limit=limit, after=after)


@router.delete(
    "/users/{user}/api-keys/{name}",
    status_code=204,
    dependencies=[Depends(Requires(Permission.API_KEYS_WITHDRAW)), records(Action.API_KEY_REVOKE, "user", "name")],
)
def revoke_api_key_of_user(user: UserName, name: KeyName, session: DatabaseSession) -> None:
    """Revokes an API key of a user, for administrators."""
    service.revoke_key(session, find_user(session, user), name)


def _page(session: DatabaseSession, user: User, *, limit: int, after: str | None) -> Page[ApiKeyAnswer]:
    rows, following = fetch_page(session, service.keys_of(user), key=ApiKey.name, limit=limit, after=after)
    return Page(items=[service.show_key(session, row[0]) for row in rows], next=following)
