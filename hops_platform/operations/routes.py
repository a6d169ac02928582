from __future__ import annotations

import uuid
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request

from hops_platform.audit.actions import Action
from hops_platform.audit.requests import Known, records
from hops_platform.http import After, DatabaseSession, Limit, PartsOf, in_one_step, parts_of
from hops_platform.operations import service
from hops_platform.operations.engines import show_engines
from hops_platform.operations.schemas import DeliveryAnswer, EngineAnswer, Health
from hops_platform.paging import DEFAULT_LIMIT, Page
from hops_platform.security.guard import Public, Requires
from hops_platform.security.permissions import Permission

# Health and keys stand in no line (hops_platform.security.crowd), so they take neither a thread nor a connection each.
router = APIRouter(tags=["operations"])
well_known = APIRouter(tags=["operations"])
DeliveryId = Annotated[uuid.UUID, Path(examples=["01969b1e-6f00-7000-8000-000000000000"])]


@router.get("/health", dependencies=[Depends(Public(Permission.HEALTH_READ))])
async def read_health(request: Request) -> Health:
    """Whether the service and its database answer."""
    await parts_of(request).health.check()
    return Health(status="ok", version=_version())


@router.get("/engines", dependencies=[Depends(Requires(Permission.ENGINES_READ))])
def list_engines(session: DatabaseSession, parts: PartsOf) -> list[EngineAnswer]:
    """The parts of the platform that this service uses: whether each works, since when, and what waits for it."""
    return show_engines(session, parts.engine_watch)


@router.get("/outbox", dependencies=[Depends(Requires(Permission.OUTBOX_READ))])
@in_one_step
def list_outbox(session: DatabaseSession, limit: Limit = DEFAULT_LIMIT, after: After = None) -> Page[DeliveryAnswer]:
    """What is still to be done elsewhere; the stuck first."""
    return service.list_deliveries(session, limit=limit, after=after)


@router.post(
    "/outbox/{delivery}:retry",
    dependencies=[Depends(Requires(Permission.OUTBOX_RETRY)), records(Action.OUTBOX_RETRY, "delivery")],
)
def retry_delivery(delivery: DeliveryId, session: DatabaseSession, known: Known) -> DeliveryAnswer:
    """Tries a delivery again now instead of later."""
    retried = service.retry_delivery(session, delivery)
    known.project, known.thing = retried.project, retried.entity
    known.details.update({"topic": retried.topic, "delivery": str(delivery)})
    return retried


@well_known.get("/.well-known/jwks.json", include_in_schema=False, dependencies=[Depends(Public(Permission.KEYS_READ))])
async def read_keys(request: Request) -> dict[str, Any]:
    """The public keys with which other services verify tokens."""
    return parts_of(request).signer.key_set()


def _version() -> str:
    try:
        return version("hopslab")
    except PackageNotFoundError:
        return "0"
