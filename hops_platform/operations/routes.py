from __future__ import annotations

import uuid
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from sqlalchemy import text

from hops_platform.http import After, DatabaseSession, Limit, PartsOf
from hops_platform.operations import service
from hops_platform.operations.schemas import DeliveryAnswer, Health
from hops_platform.paging import DEFAULT_LIMIT, Page
from hops_platform.security.guard import Public, Requires
from hops_platform.security.permissions import Permission

router = APIRouter(tags=["operations"])
well_known = APIRouter(tags=["operations"])
DeliveryId = Annotated[uuid.UUID, Path(examples=["01969b1e-6f00-7000-8000-000000000000"])]


@router.get("/health", dependencies=[Depends(Public(Permission.HEALTH_READ))])
def read_health(session: DatabaseSession) -> Health:
    """Whether the service and its database answer."""
    session.execute(text("SELECT 1"))
    return Health(status="ok", version=_version())


@router.get("/outbox", dependencies=[Depends(Requires(Permission.OUTBOX_READ))])
def list_outbox(session: DatabaseSession, limit: Limit = DEFAULT_LIMIT, after: After = None) -> Page[DeliveryAnswer]:
    """What is still to be done elsewhere; the stuck first."""
    return service.list_deliveries(session, limit=limit, after=after)


@router.post("/outbox/{delivery}:retry", dependencies=[Depends(Requires(Permission.OUTBOX_RETRY))])
def retry_delivery(delivery: DeliveryId, session: DatabaseSession) -> DeliveryAnswer:
    """Tries a delivery again now instead of later."""
    return service.retry_delivery(session, delivery)


@well_known.get("/.well-known/jwks.json", include_in_schema=False, dependencies=[Depends(Public(Permission.KEYS_READ))])
def read_keys(parts: PartsOf) -> dict[str, Any]:
    """The public keys with which other services verify tokens."""
    return parts.signer.key_set()


def _version() -> str:
    try:
        return version("hopslab")
    except PackageNotFoundError:
        return "0"
