"""What HTTP adds: problem details for every error, a limit on bodies, the request's transaction, entity tags."""

from __future__ import annotations

import errno
import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Annotated, Any, cast, get_type_hints

import anyio
import anyio.to_thread
from fastapi import APIRouter, Depends, FastAPI, Header, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hops_contract.bodies import Refusal
from hops_contract.crowds import STEP_ASIDE
from hops_contract.problems import MEDIA_TYPE, Problem
from hops_platform.audit.circumstances import circumstances_of
from hops_platform.engines.places import MAX_PATH_BYTES
from hops_platform.errors import (
    BodyTooSlowError,
    BusyError,
    ConflictError,
    DatabaseBusyError,
    ForbiddenError,
    InvalidRequestError,
    MalformedRequestError,
    MethodNotAllowedError,
    NotFoundError,
    PlatformError,
    PreconditionRequiredError,
    StorageFullError,
    TooLargeError,
    UnauthenticatedError,
)
from hops_platform.idempotency import MAX_KEY_LENGTH
from hops_platform.outbox import OutboxWorkers
from hops_platform.paging import DEFAULT_LIMIT, MAX_CURSOR_LENGTH, MAX_LIMIT, Item, Page
from hops_platform.parts import Parts
from hops_platform.versions import changed_meanwhile
from hops_platform.violations import describe_violations, summarise

LOG = logging.getLogger("hops.http")
ProblemPage = Callable[[Request, Problem], Response]
NoteProblem = Callable[[Request, PlatformError], None]
READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many items at most.", examples=[DEFAULT_LIMIT])]
After = Annotated[str | None, Query(max_length=MAX_CURSOR_LENGTH, description="The 'next' of the page before.")]
IdempotencyKeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=MAX_KEY_LENGTH,
        description="A creation sent twice with the same key happens once.",
    ),
]
# Of one's own project, or Shared:<project>:<dataset>.
DatasetName = Annotated[str, Path(max_length=110, examples=["raw"])]
FilePath = Annotated[
    str,
    Query(min_length=1, max_length=MAX_PATH_BYTES, description="Relative to the dataset.", examples=["2026/may.csv"]),
]
IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=100, description="The ETag of what is edited.")]


def parts_of(request: Request) -> Parts:
    """The parts of the control plane that serves ``request``."""
    return cast("Parts", request.app.state.parts)


# What waits for nothing is done where requests are received: a step in a thread takes longer than all of it.
async def given_parts(request: Request) -> Parts:
    """As :func:`parts_of`, for routes."""
    return parts_of(request)


async def database_session(request: Request) -> AsyncIterator[Session]:
    """The request's transaction: committed before the answer is sent."""
    writes = request.method not in READING_METHODS
    transaction = parts_of(request).database.session(writes=writes)
    session = transaction.__enter__()  # which asks the database nothing
    try:
        yield session
    except BaseException as error:
        await _leave(transaction, session, error)
        raise
    await _leave(transaction, session, None)
    workers = cast("OutboxWorkers | None", request.app.state.workers)
    if writes and workers is not None:
        workers.wake()


async def _leave(transaction: AbstractContextManager[Session], session: Session, error: BaseException | None) -> None:
    told = (None, None, None) if error is None else (type(error), error, error.__traceback__)
    if not session.in_transaction():
        transaction.__exit__(*told)
        return
    # In a thread that need not be waited for: all others may be waiting for the connection which is given back here.
    with anyio.CancelScope(shield=True):  # also of a request that is given up
        await anyio.to_thread.run_sync(transaction.__exit__, *told, limiter=anyio.CapacityLimiter(1))


PartsOf = Annotated[Parts, Depends(given_parts)]
DatabaseSession = Annotated[Session, Depends(database_session, scope="function")]


async def step_aside(request: Request) -> Callable[[], None]:
    """Gives the request's place among those that are worked on to others; for one that waits and holds nothing."""
    return cast("Callable[[], None]", request.scope[STEP_ASIDE])


StepAside = Annotated[Callable[[], None], Depends(step_aside)]


def in_one_step(route: Callable[..., Page[Item]]) -> Callable[..., Page[Item]]:
    """Lets a list be read and written, and its transaction ended, in one step of a thread.

    Else each of the three is a step of its own, and where many ask at once a step waits longer than it takes.

    Args:
        route: Reads, with a ``session``, and sets no header of the answer.
    """
    declared: type[Page[Item]] = get_type_hints(route)["return"]

    @wraps(route)
    def whole(*, session: Session, **given: Any) -> Response:
        page = route(session=session, **given)
        session.commit()
        # By its declared type, so that nothing is told which that has not; its items are checked where they are made.
        told = declared.model_construct(items=page.items, next=page.next)
        return Response(told.model_dump_json(), media_type="application/json")

    return cast("Callable[..., Page[Item]]", whole)


def entity_tag(version: int) -> str:
    """The ETag of a version."""
    return f'"{version}"'


def check_entity_tag(if_match: str | None, version: int) -> None:
    """Checks that an edit is of the present version.

    Raises:
        PreconditionRequiredError: The header is missing.
        PreconditionFailedError: It names another version.
    """
    if if_match is None:
        raise PreconditionRequiredError(
            "An edit must say what it edits.", remedy="Send the ETag that you read as If-Match."
        )
    tags = {tag.strip() for tag in if_match.split(",")}
    if "*" not in tags and entity_tag(version) not in tags:
        raise changed_meanwhile()


PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem (RFC 9457).",
        "model": Problem,
        "content": {
            MEDIA_TYPE: {
                "example": {
                    "type": "urn:hopslab:problem:not-found",
                    "title": "Not found",
                    "status": 404,
                    "detail": "There is no project 'sales' that you can see.",
                    "remedy": "Ask one of its Data Owners to add you.",
                    "violations": [],
                }
            }
        },
    }
}


def problem_response(error: PlatformError, **extra: str) -> JSONResponse:
    """The answer for an error."""
    headers: dict[str, str] = {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, UnauthenticatedError):
        headers["WWW-Authenticate"] = "Bearer"
    content = error.problem().model_dump(mode="json") | extra
    return JSONResponse(content, status_code=error.status, headers=headers, media_type=MEDIA_TYPE)


def install_problem_handlers(app: FastAPI, *, page: ProblemPage | None = None, note: NoteProblem | None = None) -> None:
    """Makes every error of ``app`` an RFC 9457 problem.

    Args:
        app: The application.
        page: Shows a problem to a person whose browser asked for a page.
        note: Is told of each known error, once the request's transaction is rolled back.
    """
    app.state.problem_page = page
    app.state.note_problem = note
    app.add_exception_handler(PlatformError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(OperationalError, _database)
    app.add_exception_handler(IntegrityError, _integrity)
    app.add_exception_handler(OSError, _operating_system)


def answer_problem(request: Request, error: PlatformError, **extra: str) -> Response:
    """The answer for an error: a page where a browser asked for one, else the problem as JSON."""
    page = cast("ProblemPage | None", getattr(request.app.state, "problem_page", None))
    response: Response = problem_response(error, **extra)
    if page is None or not _wants_page(request):
        return response
    shown = page(request, error.problem())
    if "Retry-After" in response.headers:
        shown.headers["Retry-After"] = response.headers["Retry-After"]
    return shown


def _wants_page(request: Request) -> bool:
    # The REST API answers browsers and programs alike; outside it only links and forms of pages ask.
    outside = not request.url.path.startswith(f"{parts_of(request).settings.prefix}api/")
    return outside and "text/html" in request.headers.get("Accept", "")


def _known(request: Request, error: Exception) -> Response:
    known = cast("PlatformError", error)
    if (note := cast("NoteProblem | None", request.app.state.note_problem)) is not None:
        note(request, known)
    return answer_problem(request, known)


def _invalid(request: Request, error: Exception) -> Response:
    violations = describe_violations(cast("RequestValidationError", error).errors())
    problem = InvalidRequestError(f"Some values have to be corrected. {summarise(violations)}", violations=violations)
    return answer_problem(request, problem)


def _framework(request: Request, error: Exception) -> Response:
    raised = cast("HTTPException", error)
    known: PlatformError
    if raised.status_code == NotFoundError.status:
        known = NotFoundError("There is nothing at this address.")
    elif raised.status_code == MethodNotAllowedError.status:
        known = MethodNotAllowedError(f"{request.method} is not possible here.")
    elif raised.status_code == TooLargeError.status:
        known = TooLargeError("The body is too long.")
    elif raised.status_code in (UnauthenticatedError.status, ForbiddenError.status):
        known = ForbiddenError("This is not allowed.")
    else:
        known = MalformedRequestError("The request can't be read.", remedy="Send well-formed JSON.")
    response = answer_problem(request, known)
    response.headers.update(raised.headers or {})
    return response


def _database(request: Request, error: Exception) -> Response:
    text = str(error).lower()
    if "disk is full" in text or "no space left" in text or "disk full" in text:
        return answer_problem(request, _full())
    LOG.error("the database does not answer", exc_info=error)
    busy = DatabaseBusyError("The database is busy or away.", remedy="Try again in a moment.", retry_after_s=2)
    return answer_problem(request, busy)


def _integrity(request: Request, error: Exception) -> Response:
    LOG.info("a concurrent change came first: %s", type(error).__name__)
    conflict = ConflictError(
        "Somebody else made a change at the same moment.", remedy="Look again, then repeat your change."
    )
    return answer_problem(request, conflict)


def _operating_system(request: Request, error: Exception) -> Response:
    if cast("OSError", error).errno in (errno.ENOSPC, errno.EDQUOT):
        return answer_problem(request, _full())
    return unexpected(request, error)


def _full() -> StorageFullError:
    return StorageFullError("There is no space left on the platform's disk.", remedy="Tell an administrator.")


def unexpected(request: Request, error: Exception) -> Response:
    """The answer for a fault of ours: an id that finds the trace in the log, and nothing of the trace."""
    error_id = uuid.uuid4().hex[:12]
    LOG.error("unexpected error %s", error_id, exc_info=error)
    fault = PlatformError(
        "Something went wrong here that should not have.",
        remedy=f"Try again; if it stays so, give an administrator the id {error_id}.",
    )
    return answer_problem(request, fault, error_id=error_id)


class RequestBoundary:
    """The outermost layer: logs each request, answers what nobody else caught.

    Args:
        app: What it surrounds.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0
        request_id = circumstances_of(scope).request_id

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*_with_safe_headers(message["headers"]), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:
            if status:
                raise
            await unexpected(Request(scope), error)(scope, receive, watch)
        finally:
            # The query may hold an OAuth code: only the path is logged.
            LOG.info(
                "%s %s %d",
                scope["method"],
                scope["path"],
                status,
                extra={"duration_ms": round((time.perf_counter() - began) * 1000, 1), "request_id": request_id},
            )


def _with_safe_headers(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Headers that every answer has: what a caller sees, tokens among it, is for no cache unless a route says so."""
    safe = [*headers, (b"x-content-type-options", b"nosniff")]
    if all(name.lower() != b"cache-control" for name, _ in safe):
        safe.append((b"cache-control", b"no-store"))
    return safe


def refuse_body(refusal: Refusal, detail: str, remedy: str) -> JSONResponse:
    """The answer for a body that is not taken."""
    kind = TooLargeError if refusal is Refusal.TOO_LARGE else BodyTooSlowError
    response = problem_response(kind(detail, remedy=remedy))
    response.headers["Connection"] = "close"
    return response


def matching(router: APIRouter, *endpoints: Callable[..., Any], below: str) -> Callable[[Scope], bool]:
    """Tells whether a request is for one of some routes, before requests are given to routes.

    Args:
        router: Has the routes.
        endpoints: Their functions.
        below: The path that the router is included below.
    """
    routes = [one for one in router.routes if isinstance(one, APIRoute) and one.endpoint in endpoints]
    known = [(one.methods or set(), compile_path(f"{below}{one.path}")[0]) for one in routes]
    return lambda scope: any(
        scope["method"] in methods and pattern.fullmatch(scope["path"]) is not None for methods, pattern in known
    )


def refuse_crowded(scope: Scope) -> Response:
    """The answer for a request that found no place among those that are worked on."""
    busy = BusyError(
        "So many requests are being worked on that yours was not begun.",
        remedy="Try again in a moment; send fewer at once, or close some pages.",
        retry_after_s=2,
    )
    return answer_problem(Request(scope), busy)
