"""``sessions/{id}/statements``: code and its output."""

# ruff: noqa: FAST003 - the session is found by its id in a dependency, which also checks whose it is

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response

from hops_livy.routes.callers import CallerDep, From, Hold, SessionDep, Size, StatementId
from hops_livy.routes.events import MEDIA_TYPE, EventStream
from hops_livy.routes.examples import EVENTS, STATEMENT, gives
from hops_livy.statements import page_of_output
from hops_livy.wire import StatementRequest

router = APIRouter(tags=["statements"])


@router.post(
    "/sessions/{session_id}/statements",
    status_code=201,
    responses=gives({**STATEMENT, "state": "waiting", "output": None}, 201),
)
async def create_statement(
    session: SessionDep,
    request: StatementRequest,
    response: Response,
    *,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
    execution_count: Annotated[int | None, Header(ge=1, lt=2**31)] = None,
    cell_id: Annotated[str | None, Header(max_length=100)] = None,
    accept: Annotated[str, Header(max_length=1000)] = "",
) -> Any:
    """Runs code. Whatever can fail fails before the statement exists, so a client may repeat after any 5xx answer.

    ``Execution-Count`` is the number of the code's cell in its notebook: tracebacks name the cell by it. ``Cell-Id`` is
    the id that the cell has there: by it a notebook that was closed meanwhile finds the output. Who accepts
    ``text/event-stream`` gets the statement's events at once, and its number from ``Location``.
    """
    statement = session.submit(
        request.code, kind=request.kind, key=idempotency_key, execution_count=execution_count, cell_id=cell_id
    )
    location = f"/sessions/{session.id}/statements/{statement.id}"
    if MEDIA_TYPE in accept:
        return EventStream(session, statement, status_code=201, headers={"Location": location})
    response.headers["Location"] = location
    return statement.livy()


@router.get("/sessions/{session_id}/statements", responses=gives({"total_statements": 1, "statements": [STATEMENT]}))
async def list_statements(  # noqa: PLR0917 - each is a word of the address
    session: SessionDep,
    caller: CallerDep,
    start: From = 0,
    size: Size = 100,
    order: Annotated[str, Query(pattern="^(asc|desc)$")] = "asc",
    seen: Annotated[bool | None, Query(description="Only those whose end a client was told, or was not.")] = None,
    *,
    output: Annotated[bool, Query(description="Whether what they wrote is told too.")] = True,
) -> dict[str, Any]:
    """Statements with their output: as many as one answer may hold, at least one; ask for the rest with ``from``.

    ``cell`` and ``cell_id`` are number and id of the statement's cell, where the client told them. ``seen`` tells
    whether a client was told how it ended, by the events or by the statement alone.
    """
    statements = [statement for statement in session.statements.values() if seen in {None, statement.seen}]
    if order == "desc":
        statements.reverse()
    wanted = statements[start:] if size < 0 else statements[start : start + size]
    if not output:
        return {"total_statements": len(statements), "statements": [statement.described() for statement in wanted]}
    shown = page_of_output(wanted, caller.limits.output_bytes)
    return {"total_statements": len(statements), "statements": [statement.livy() for statement in shown]}


@router.get("/sessions/{session_id}/statements/{statement_id}", responses=gives(STATEMENT))
async def get_statement(
    session: SessionDep, statement_id: StatementId, caller: CallerDep, *, hold: Hold = True
) -> dict[str, Any]:
    """A statement. Held until it has ended or 20 s have passed.

    ``progress`` is the share of its Spark tasks that are done, from 0 to 1, as far as they are known; while it runs,
    ``spark_progress`` has the numbers behind it, once there are any.
    """
    statement = session.statement(statement_id)
    if hold:
        await statement.news.wait_until(lambda: statement.final, caller.limits.hold_s)
    session.hear()
    if statement.final:
        session.tell_end(statement)
    return statement.livy()


@router.post("/sessions/{session_id}/statements/{statement_id}/cancel", responses=gives({"msg": "canceled"}))
async def cancel_statement(session: SessionDep, statement_id: StatementId) -> dict[str, Any]:
    """Stops it and its Spark jobs; the session stays."""
    await session.cancel(session.statement(statement_id))
    return {"msg": "canceled"}


@router.get("/sessions/{session_id}/statements/{statement_id}/events", responses=gives(EVENTS, 200, MEDIA_TYPE))
async def stream_events(
    session: SessionDep,
    statement_id: StatementId,
    last_event_id: Annotated[int, Header(ge=-1)] = -1,
) -> EventStream:
    """Output as it comes (server-sent events).

    Each event's data is ``{"type", "content"}`` as on Jupyter's iopub channel; the last has the type ``done``. The
    stream begins with the first output, or after ``Last-Event-ID``. Between the outputs come events of the type
    ``progress`` that have no id: stages and tasks of the statement's Spark jobs. Only the newest is ever sent.
    """
    return EventStream(session, session.statement(statement_id), last_event_id + 1)
