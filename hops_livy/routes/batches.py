"""``batches``: Python files of the project, run as ``spark-submit`` would."""

# ruff: noqa: FAST003 - the session is found by its id in a dependency, which also checks whose it is

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from hops_livy.routes.callers import BatchDep, CallerDep, From, LogFrom, Size, log_page
from hops_livy.routes.examples import BATCH, LOG, gives
from hops_livy.session_list import page
from hops_livy.wire import BatchRequest

router = APIRouter(tags=["batches"])


@router.get("/batches", responses=gives({"from": 0, "total": 1, "sessions": [BATCH]}))
async def list_batches(caller: CallerDep, start: From = 0, size: Size = 100) -> dict[str, Any]:
    """The caller's own batches."""
    own = caller.registry.sessions.owned(caller.principal.project_user, batch=True)
    shown = page(own, start, len(own) if size < 0 else size)
    return {"from": start, "total": len(own), "sessions": [batch.livy() for batch in shown]}


@router.post("/batches", status_code=201, responses=gives(BATCH, 201))
async def create_batch(request: BatchRequest, caller: CallerDep, response: Response) -> dict[str, Any]:
    """Begins to run a file."""
    batch = await caller.registry.create_batch(caller.principal, caller.token, request, source=caller.source)
    response.headers["Location"] = f"/batches/{batch.id}"
    return batch.livy()


@router.get("/batches/{batch_id}", responses=gives(BATCH))
async def get_batch(batch: BatchDep) -> dict[str, Any]:
    """The batch; never held, because a batch may run for days."""
    return batch.livy()


@router.get("/batches/{batch_id}/state", responses=gives({"id": 7, "state": "running"}))
async def get_state(batch: BatchDep) -> dict[str, Any]:
    """Its state alone."""
    return {"id": batch.id, "state": str(batch.state)}


@router.get("/batches/{batch_id}/log", responses=gives(LOG))
async def get_log(batch: BatchDep, start: LogFrom = -1, size: Size = 100) -> dict[str, object]:
    """Lines that it wrote."""
    return log_page(batch, start, size)


@router.delete("/batches/{batch_id}", responses=gives({"msg": "deleted"}))
async def delete_batch(batch: BatchDep, caller: CallerDep) -> dict[str, Any]:
    """Ends it with all its processes."""
    await caller.registry.delete(batch, source=caller.source)
    return {"msg": "deleted"}
