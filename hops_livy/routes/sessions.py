"""``sessions``: created, listed, looked at, deleted."""

# ruff: noqa: FAST003 - the session is found by its id in a dependency, which also checks whose it is

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Response

from hops_livy.engines.drivers import Completion, Inspection, NotOfferedError
from hops_livy.errors import LeftOutError, TooLargeError
from hops_livy.overview import moment, resources
from hops_livy.routes.callers import Caller, CallerDep, From, Hold, LogFrom, ProgramDep, SessionDep, Size, log_page
from hops_livy.routes.examples import COMPLETION, INSPECTION, LOG, SESSION, SUMMARY, gives
from hops_livy.session_list import page
from hops_livy.session_states import SessionState
from hops_livy.sessions import Session
from hops_livy.wire import (
    CompletionRequest,
    ConnectRequest,
    InspectionRequest,
    SessionRequest,
    WarmRequest,
    session_request,
)

router = APIRouter(tags=["sessions"])
_NOBODY = ConnectRequest()
_UNSETTLED = (SessionState.STARTING, SessionState.BUSY)


@router.get("/sessions", responses=gives({"from": 0, "total": 1, "sessions": [SESSION]}))
async def list_sessions(caller: CallerDep, program: ProgramDep, start: From = 0, size: Size = 100) -> dict[str, Any]:
    """The caller's own sessions, never another's."""
    caller.glances.begin(caller.principal.project_user, program)
    own = caller.registry.sessions.owned(caller.principal.project_user)
    shown = page(own, start, len(own) if size < 0 else size)
    return {"from": start, "total": len(own), "sessions": [session.livy() for session in shown]}


@router.post("/sessions", status_code=201, responses=gives(SESSION, 201))
async def create_session(request: SessionRequest, caller: CallerDep, response: Response) -> dict[str, Any]:
    """Begins to start a session; its state tells when it is there.

    Where there is no room now it waits in the queue (``queue`` tells its place), or is refused if ``onNoRoom`` says so.
    """
    session = await caller.registry.create(caller.principal, caller.token, request, source=caller.source)
    response.headers["Location"] = f"/sessions/{session.id}"
    return session.livy()


@router.post("/sessions:warm", responses=gives({"state": "ready", "reason": ""}))
async def keep_warm(request: WarmRequest, caller: CallerDep) -> dict[str, Any]:
    """Keeps a session ready that is like the one that these options lead to; ask again every minute to keep it.

    ``state`` is ``ready``, ``starting``, ``waiting`` (the machine has other work now) or ``none``, with the reason.
    """
    warm = await caller.registry.warm(caller.principal, caller.token, session_request(request.options))
    return {"state": warm.state, "reason": warm.reason}


@router.post("/sessions:check", responses=gives({"msg": "possible"}))
async def check_session(
    request: SessionRequest,
    caller: CallerDep,
    instead_of: Annotated[int | None, Query(ge=0, description="A session of the caller that would end before.")] = None,
) -> dict[str, Any]:
    """Whether ``POST /sessions`` could start such a session now: refused as there, and nothing is reserved."""
    await caller.registry.check(caller.principal, caller.token, request, instead_of=instead_of)
    return {"msg": "possible"}


@router.get("/sessions/{session_id}", responses=gives(SESSION))
async def get_session(
    session: SessionDep, caller: CallerDep, program: ProgramDep, *, hold: Hold = True
) -> dict[str, Any]:
    """The session. Held while it starts or works, until that is over or 20 s have passed.

    While it waits for resources its state is ``starting`` and ``queue`` tells its place; that it moves is news too.
    A program (by its ``User-Agent``) that has listed the sessions is answered at once for the next 5 s.
    """
    if hold and not caller.glances.lasts(caller.principal.project_user, program):
        await _settle(session, caller)
    return session.livy()


@router.get("/sessions/{session_id}/state", responses=gives({"id": 3, "state": "idle"}))
async def get_state(session: SessionDep, caller: CallerDep, *, hold: Hold = True) -> dict[str, Any]:
    """Its state alone."""
    if hold and session.state is SessionState.STARTING:
        await _settle(session, caller)
    return {"id": session.id, "state": str(session.state)}


@router.get("/sessions/{session_id}/log", responses=gives(LOG))
async def get_log(session: SessionDep, start: LogFrom = -1, size: Size = 100) -> dict[str, object]:
    """Lines of the driver's log."""
    return log_page(session, start, size)


@router.get("/sessions/{session_id}/summary", responses=gives(SUMMARY))
async def get_summary(session: SessionDep) -> dict[str, Any]:
    """State, reason in words, resources asked for and had, when it was created (seconds since the epoch).

    ``kernel`` and ``notebook`` are those that work in it, as the client told them; ``ends`` is when an idle session
    ends if nothing is run until then.
    """
    return {
        "id": session.id,
        "name": session.name,
        "kind": session.kind,
        "state": str(session.state),
        "reason": session.why,
        "kernel": session.kernel,
        "notebook": session.notebook,
        "queue": None if session.place is None else session.place.shown(),
        "app_id": None if session.driver is None else session.driver.app_id,
        "created": round(session.created, 3),
        "idle_timeout_s": session.timeouts.idle_s,
        "ends": moment(session.ends),
        "statements": len(session.statements),
        "resources": resources(session),
    }


@router.delete("/sessions/{session_id}", responses=gives({"msg": "deleted"}))
async def delete_session(session: SessionDep, caller: CallerDep) -> dict[str, Any]:
    """Ends the session with all its processes; answers when they are gone."""
    await caller.registry.delete(session, source=caller.source)
    return {"msg": "deleted"}


@router.post("/sessions/{session_id}/completion", responses=gives(COMPLETION))
async def complete(session: SessionDep, request: CompletionRequest, caller: CallerDep) -> dict[str, Any]:
    """Words that may stand at the cursor, also while a statement runs.

    ``candidates`` is Livy's; the rest is what Jupyter's ``complete_reply`` has: each of the ``matches`` takes the place
    of the code from ``cursor_start`` to ``cursor_end`` (in characters), and ``metadata`` tells their types.
    """
    cursor = _cursor(session, request)
    found = Completion.nothing(cursor)
    if session.driver is not None and not session.final:
        with caller.place():
            found = await session.driver.complete(request.code, cursor, kind=request.kind or session.kind)
    return {
        "candidates": found.matches,
        "matches": found.matches,
        "cursor_start": found.start,
        "cursor_end": found.end,
        "metadata": found.metadata,
    }


@router.post("/sessions/{session_id}/inspection", responses=gives(INSPECTION))
async def inspect(session: SessionDep, request: InspectionRequest, caller: CallerDep) -> dict[str, Any]:
    """What is known of the name at the cursor, as a MIME bundle; of one in Python code also while a statement runs.

    With ``detail_level`` 1 the source as well, where there is one. ``data`` is empty where nothing is ``found``.
    Where a site's own Apache Livy runs the session, this is not offered (501).
    """
    found, cursor = Inspection(), _cursor(session, request)
    if session.driver is not None and not session.final:
        try:
            with caller.place():
                found = await session.driver.inspect(
                    request.code, cursor, kind=request.kind or session.kind, detail_level=request.detail_level
                )
        except NotOfferedError as error:
            raise LeftOutError(str(error)) from error
    return {"found": found.found, "data": found.data, "metadata": found.metadata}


@router.post("/sessions/{session_id}/connect", responses=gives(SESSION))
async def connect(session: SessionDep, request: Annotated[ConnectRequest, Body()] = _NOBODY) -> dict[str, Any]:
    """The session; tells that a client has taken it up again: its idle time begins anew.

    With a body that kernel works in it from now on, for its notebook.
    """
    if session.final or request == _NOBODY:
        session.touch()
    else:
        session.take_up(request.kernel, request.notebook)
    return session.livy()


@router.post("/sessions/{session_id}/stop", status_code=204)
async def stop(session: SessionDep, caller: CallerDep) -> None:
    """Ends the session and leaves it in the list, with its log and what its statements wrote."""
    await session.end("It was stopped by its owner.", by=session.owner, source=caller.source)


@router.post("/sessions/{session_id}/interrupt", responses=gives({"msg": "interrupted"}))
async def interrupt(session: SessionDep) -> dict[str, Any]:
    """Stops whatever runs or waits in the session, which stays (Livy's own ends with it)."""
    for statement in list(session.statements.values()):
        await session.cancel(statement)
    return {"msg": "interrupted"}


@router.post("/sessions/{session_id}/submit-job", include_in_schema=False)
@router.post("/sessions/{session_id}/run-job", include_in_schema=False)
@router.post("/sessions/{session_id}/upload-jar", include_in_schema=False)
@router.post("/sessions/{session_id}/upload-pyfile", include_in_schema=False)
@router.post("/sessions/{session_id}/upload-file", include_in_schema=False)
@router.post("/sessions/{session_id}/add-jar", include_in_schema=False)
@router.post("/sessions/{session_id}/add-pyfile", include_in_schema=False)
@router.post("/sessions/{session_id}/add-file", include_in_schema=False)
@router.get("/sessions/{session_id}/jobs/{job_id}", include_in_schema=False)
@router.post("/sessions/{session_id}/jobs/{job_id}/cancel", include_in_schema=False)
async def left_out(_session: SessionDep) -> None:
    """What Livy has for its own programming interface and this service leaves out."""
    raise LeftOutError(
        "Livy's job interface is not offered; use statements, and put files into the project and read them from there."
    )


def _cursor(session: Session, request: CompletionRequest | InspectionRequest) -> int:
    if len(request.code) > session.limits.code_characters:
        raise TooLargeError(
            f"The code has {len(request.code)} characters; {session.limits.code_characters} are the most."
        )
    return min(request.cursor, len(request.code))


async def _settle(session: Session, caller: Caller) -> None:
    session.hear()
    place = session.place
    await caller.hold(session.news, lambda: session.state not in _UNSETTLED or session.place != place)
