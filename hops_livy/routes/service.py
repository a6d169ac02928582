"""The service itself: health, version, and what the control plane asks of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from hops_contract.slugs import MAX_SLUG_LENGTH, split_project_user
from hops_livy import __version__
from hops_livy.errors import BadRequestError, LeftOutError
from hops_livy.routes.callers import CallerDep, ControlPlaneDep
from hops_livy.routes.examples import HAPPENING, gives

router = APIRouter(tags=["service"])
Reason = Annotated[
    str | None,
    Query(max_length=300, description="Why, for one who is a member still.", examples=["Spark is off here."]),
]
LIVY_VERSION = "0.8.0-incubating"
"""The version of Livy whose protocol is spoken."""


@router.get("/health", responses=gives({"status": "ok", "version": __version__}))
async def health() -> dict[str, str]:
    """Whether the service answers; for anyone."""
    return {"status": "ok", "version": __version__}


@router.get(
    "/version",
    responses=gives(
        {"version": LIVY_VERSION, "url": "", "branch": "", "revision": __version__, "date": "", "user": "hopslab"}
    ),
)
async def version(_caller: CallerDep) -> dict[str, str]:
    """In Livy's shape."""
    return {"url": "", "branch": "", "revision": __version__, "version": LIVY_VERSION, "date": "", "user": "hopslab"}


@router.get("/ui", include_in_schema=False)
@router.get("/ui/{path:path}", include_in_schema=False)
@router.get("/metrics", include_in_schema=False)
@router.get("/metrics/{path:path}", include_in_schema=False)
async def left_out(_caller: CallerDep) -> None:
    """Pages that Livy has for its administrators."""
    raise LeftOutError("Livy's own pages are not offered; Lab's panel lists your sessions, and so does GET sessions.")


@router.delete("/owners/{project_user}", responses=gives({"ended": 2}))
async def end_owner(
    project_user: Annotated[str, Path(max_length=70)], registry: ControlPlaneDep, reason: Reason = None
) -> dict[str, Any]:
    """Ends all sessions and batches of one who is no longer a member; from then on tokens of before are refused.

    With a `reason` of one who is: then they are told it, and their tokens stay as good as they were.
    """
    try:
        project, user = split_project_user(project_user)
    except ValueError as error:
        raise BadRequestError(str(error)) from error
    registry.forget_limits(project)
    if reason is not None:
        return {"ended": await registry.end_work(project_user, reason)}
    ended = await registry.end_owner(project_user, f"{user} is no longer a member of project {project}.")
    return {"ended": ended}


@router.get("/happenings", responses=gives({"stream": "5b1f0f6f2c11a3e9", "items": [HAPPENING]}))
async def list_happenings(
    registry: ControlPlaneDep,
    stream: Annotated[str, Query(max_length=64, description="Of which record 'after' is a number.")] = "",
    after: Annotated[int, Query(ge=0, lt=2**63, description="The number up to which all is written down.")] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> dict[str, Any]:
    """Which sessions and batches began and ended, by whose hand, oldest first; those up to `after` are forgotten."""
    return registry.happened(stream, after, limit=limit).model_dump(mode="json", by_alias=True)


@router.get("/projects/{project}/use", responses=gives({"sessions": 2, "executors": 3, "memory_mib": 4096, "gpus": 0}))
async def read_use(
    project: Annotated[str, Path(max_length=MAX_SLUG_LENGTH)], registry: ControlPlaneDep
) -> dict[str, int]:
    """What the sessions of a project have together, of what its limits count."""
    amount = registry.use_of(project)
    return {
        "sessions": amount.sessions,
        "executors": amount.executors,
        "memory_mib": amount.memory_mib,
        "gpus": amount.gpus,
    }
