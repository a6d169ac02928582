"""``sessions/{id}/statements``: code and its output."""

# ruff: noqa: FAST003 - the session is found by its id in a dependency, which also checks whose it is

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response

from hops_livy.routes.answers import json_answer
from hops_livy.routes.callers import Caller, CallerDep, From, Hold, SessionDep, Size, StatementId
from hops_livy.routes.events import MEDIA_TYPE, EventStream
from hops_livy.routes.examples import EVENTS, STATEMENT, gives
from hops_livy.statements import Statement, page_of_output
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
    caller: CallerDep,
    *,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
    execution_count: Annotated[int | None, Header(ge=1, lt=2**31)] = None,
    cell_id: Annotated[str | None, Header(max_length=100)] = None,
    accept: Annotated[str, Header(max_length=1000)] = "",
) -> Response:
    """Runs code. Whatever can fail fails before the statement exists, so a client may repeat after any 5xx answer.

    ``Execution-Count`` is the number of the code's cell in its notebook: tracebacks name the cell by it. ``Cell-Id`` is
    the id that the cell has there: by it a notebook that was closed meanwhile finds the output. Who accepts
    ``text/event-stream`` gets the statement's events at once, and its number from ``Location``; or the statement alone,
    as anybody does, where too many of a person's requests are held open already.
    """
    statement = session.submit(
        request.code, kind=request.kind, key=idempotency_key, execution_count=execution_count, cell_id=cell_id
    )
    location = f"/sessions/{session.id}/statements/{statement.id}"
    headers = {"Location": location}
    if MEDIA_TYPE in accept and (place := caller.held.take_free(caller.principal.user)) is not None:
        return EventStream(session, statement, place=place, status_code=201, headers=headers)
    return await _told(caller, statement, status_code=201, headers=headers)


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
) -> Response:
    """Statements with their output: as many as one answer may hold, at least one; ask for the rest with ``from``.

    ``cell`` and ``cell_id`` are number and id of the statement's cell, where the client told them. ``seen`` tells
    whether a client was told how it ended, by the events or by the statement alone.
    """
    statements = [statement for statement in session.statements.values() if seen in {None, statement.seen}]
    if order == "desc":
        statements.reverse()
    wanted = statements[start:] if size < 0 else statements[start : start + size]
    total = len(statements)
    if not output:
        described = [statement.described() for statement in wanted]
        size = sum(len(statement.code) for statement in wanted)
        return await json_answer(caller, lambda: {"total_statements": total, "statements": described}, size)
    shown = await page_of_output(wanted, caller.limits.output_bytes)
    telling, size = [statement.telling() for statement in shown], sum(statement.told_size for statement in shown)
    return await json_answer(
        caller, lambda: {"total_statements": total, "statements": [tell() for tell in telling]}, size
    )


@router.get("/sessions/{session_id}/statements/{statement_id}", responses=gives(STATEMENT))
async def get_statement(
    session: SessionDep, statement_id: StatementId, caller: CallerDep, *, hold: Hold = True
) -> Response:
    """A statement. Held until it has ended or 20 s have passed; answered at once where many of a person's are held.

    ``progress`` is the share of its Spark tasks that are done, from 0 to 1, as far as they are known; while it runs,
    ``spark_progress`` has the numbers behind it, once there are any.
    """
    statement = session.statement(statement_id)
    if hold:
        await caller.hold(statement.news, lambda: statement.final)
    session.hear()
    if statement.final:
        session.tell_end(statement)
    return await _told(caller, statement)


@router.post("/sessions/{session_id}/statements/{statement_id}/cancel", responses=gives({"msg": "canceled"}))
async def cancel_statement(session: SessionDep, statement_id: StatementId) -> dict[str, Any]:
    """Stops it and its Spark jobs; the session stays."""
    await session.cancel(session.statement(statement_id))
    return {"msg": "canceled"}


@router.get("/sessions/{session_id}/statements/{statement_id}/events", responses=gives(EVENTS, 200, MEDIA_TYPE))
async def stream_events(
    session: SessionDep,
    statement_id: StatementId,
    caller: CallerDep,
    last_event_id: Annotated[int, Header(ge=-1)] = -1,
) -> EventStream:
    """Output as it comes (server-sent events).

    Each event's data is ``{"type", "content"}`` as on Jupyter's iopub channel; the last has the type ``done``. The
    stream begins with the first output, or after ``Last-Event-ID``. Between the outputs come events of the type
    ``progress`` that have no id: stages and tasks of the statement's Spark jobs. Only the newest is ever sent.
    """
    statement = session.statement(statement_id)
    return EventStream(session, statement, last_event_id + 1, place=caller.place())


async def _told(
    caller: Caller, statement: Statement, *, status_code: int = 200, headers: dict[str, str] | None = None
) -> Response:
    await statement.outputs.load()
    return await json_answer(caller, statement.telling(), statement.told_size, status_code=status_code, headers=headers)
