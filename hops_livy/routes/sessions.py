"""``sessions``: created, listed, looked at, deleted."""

# ruff: noqa: FAST003 - the session is found by its id in a dependency, which also checks whose it is

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from hops_livy.errors import LeftOutError
from hops_livy.overview import resources
from hops_livy.registry import page
from hops_livy.routes.callers import CallerDep, From, Hold, LogFrom, SessionDep, Size, log_page
from hops_livy.routes.examples import LOG, SESSION, SUMMARY, gives
from hops_livy.sessions import Session, SessionState
from hops_livy.wire import CompletionRequest, SessionRequest

router = APIRouter(tags=["sessions"])
_UNSETTLED = (SessionState.STARTING, SessionState.BUSY)


@router.get("/sessions", responses=gives({"from": 0, "total": 1, "sessions": [SESSION]}))
async def list_sessions(caller: CallerDep, start: From = 0, size: Size = 100) -> dict[str, Any]:
    """The caller's own sessions, never another's."""
    own = caller.registry.owned(caller.principal.project_user)
    shown = page(own, start, len(own) if size < 0 else size)
    return {"from": start, "total": len(own), "sessions": [session.livy() for session in shown]}


@router.post("/sessions", status_code=201, responses=gives(SESSION, 201))
async def create_session(request: SessionRequest, caller: CallerDep, response: Response) -> dict[str, Any]:
    """Begins to start a session; its state tells when it is there."""
    session = await caller.registry.create(caller.principal, caller.token, request)
    response.headers["Location"] = f"/sessions/{session.id}"
    return session.livy()


@router.get("/sessions/{session_id}", responses=gives(SESSION))
async def get_session(session: SessionDep, caller: CallerDep, *, hold: Hold = True) -> dict[str, Any]:
    """The session. Held while it starts or works, until that is over or 20 s have passed."""
    if hold:
        await _settle(session, caller.limits.hold_s)
    return session.livy()


@router.get("/sessions/{session_id}/state", responses=gives({"id": 3, "state": "idle"}))
async def get_state(session: SessionDep, caller: CallerDep, *, hold: Hold = True) -> dict[str, Any]:
    """Its state alone."""
    if hold and session.state is SessionState.STARTING:
        await _settle(session, caller.limits.hold_s)
    return {"id": session.id, "state": str(session.state)}


@router.get("/sessions/{session_id}/log", responses=gives(LOG))
async def get_log(session: SessionDep, start: LogFrom = -1, size: Size = 100) -> dict[str, object]:
    """Lines of the driver's log."""
    return log_page(session, start, size)


@router.get("/sessions/{session_id}/summary", responses=gives(SUMMARY))
async def get_summary(session: SessionDep) -> dict[str, Any]:
    """State, reason in words, resources asked for and had, when it was created (seconds since the epoch)."""
    return {
        "id": session.id,
        "name": session.name,
        "kind": session.kind,
        "state": str(session.state),
        "reason": session.reason,
        "app_id": None if session.driver is None else session.driver.app_id,
        "created": round(session.created, 3),
        "idle_timeout_s": session.timeouts.idle_s,
        "statements": len(session.statements),
        "resources": resources(session),
    }


@router.delete("/sessions/{session_id}", responses=gives({"msg": "deleted"}))
async def delete_session(session: SessionDep, caller: CallerDep) -> dict[str, Any]:
    """Ends the session with all its processes; answers when they are gone."""
    await caller.registry.delete(session)
    return {"msg": "deleted"}


@router.post("/sessions/{session_id}/completion", responses=gives({"candidates": ["spark.range"]}))
async def complete(session: SessionDep, request: CompletionRequest) -> dict[str, Any]:
    """Whole words that may stand at the cursor."""
    if session.driver is None or session.final:
        return {"candidates": []}
    return {"candidates": await session.driver.complete(request.code, min(request.cursor, len(request.code)))}


@router.post("/sessions/{session_id}/submit-job", include_in_schema=False)
@router.post("/sessions/{session_id}/run-job", include_in_schema=False)
@router.post("/sessions/{session_id}/upload-jar", include_in_schema=False)
@router.post("/sessions/{session_id}/upload-pyfile", include_in_schema=False)
@router.post("/sessions/{session_id}/upload-file", include_in_schema=False)
@router.post("/sessions/{session_id}/add-jar", include_in_schema=False)
@router.post("/sessions/{session_id}/add-pyfile", include_in_schema=False)
@router.post("/sessions/{session_id}/add-file", include_in_schema=False)
@router.get("/sessions/{session_id}/jobs/{job_id}", include_in_schema=False)
@router.post("/sessions/{session_id}/connect", include_in_schema=False)
async def left_out(_session: SessionDep) -> None:
    """What Livy has for its own programming interface and this service leaves out."""
    raise LeftOutError("Livy's job interface is not offered; use statements.")


async def _settle(session: Session, hold_s: float) -> None:
    session.hear()
    await session.news.wait_until(lambda: session.state not in _UNSETTLED, hold_s)
