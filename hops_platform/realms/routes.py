from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from hops_platform.audit.actions import Action
from hops_platform.audit.requests import Known, records
from hops_platform.http import After, DatabaseSession, Limit, PartsOf, in_one_step
from hops_platform.paging import DEFAULT_LIMIT, Page
from hops_platform.realms import service
from hops_platform.realms.schemas import AdmissionRequest, RealmAccountAnswer
from hops_platform.security.guard import Requires
from hops_platform.security.permissions import Permission

router = APIRouter(tags=["realms"])
AccountId = Annotated[uuid.UUID, Path(examples=["01969b1e-6f00-7000-8000-000000000000"])]


@router.get("/realm-accounts", dependencies=[Depends(Requires(Permission.REALM_ACCOUNTS_LIST))])
@in_one_step
def list_realm_accounts(
    session: DatabaseSession,
    waiting: Annotated[bool, Query(description="Only those who are nobody here yet.", examples=[True])] = False,  # noqa: FBT002
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
) -> Page[RealmAccountAnswer]:
    """The people of LDAP, Kerberos and OpenID Connect who have come, in the order in which they first came."""
    return service.list_accounts(session, waiting=waiting, limit=limit, after=after)


@router.post(
    "/realm-accounts/{account}:admit",
    dependencies=[
        Depends(Requires(Permission.REALM_ACCOUNTS_ADMIT)),
        records(Action.REALM_ACCOUNT_ADMIT, "account"),
    ],
)
def admit_realm_account(
    account: AccountId, request: AdmissionRequest, session: DatabaseSession, parts: PartsOf, known: Known
) -> RealmAccountAnswer:
    """Says who somebody of a realm is here: a new user, or one that is there."""
    known.details["existing"] = request.existing
    admitted = service.admit(session, account, request)
    known.thing, known.details["realm"] = request.user, admitted.realm
    if request.existing:
        known.record_now(session)
        session.commit()
        parts.engines.logins.end_all(request.user)
    return admitted


@router.delete(
    "/realm-accounts/{account}",
    status_code=204,
    dependencies=[
        Depends(Requires(Permission.REALM_ACCOUNTS_REMOVE)),
        records(Action.REALM_ACCOUNT_REMOVE, "account"),
    ],
)
def remove_realm_account(account: AccountId, session: DatabaseSession, known: Known) -> None:
    """Takes somebody off the list of those who wait; they stand there again when they come again."""
    known.thing, known.details["realm"] = service.remove(session, account)
