"""Composition root: puts settings, backend and routes together. The only importer of backends."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from hops_contract.bodies import BodyLimit, Refusal
from hops_contract.keeping import described, have_own_networks
from hops_contract.problems import MEDIA_TYPE, Violation
from hops_contract.sandbox import SandboxError, chosen_program
from hops_contract.tokens import KeySource, PublishedKeys
from hops_livy import __version__
from hops_livy.builtin.backend import BuiltinSessions
from hops_livy.builtin.sandboxes import Sandboxes
from hops_livy.certificates import ExportedCertificates
from hops_livy.engines.drivers import SessionBackend
from hops_livy.errors import BadRequestError, BodyTooSlowError, NotFoundError, ServiceError, TooLargeError
from hops_livy.glances import Glances
from hops_livy.gpus import GpuLedger, count_gpus
from hops_livy.idleness import Idleness
from hops_livy.memory import MemoryLedger
from hops_livy.pages import OF_ONE_PERSON, PATIENCE_S, REFUSAL, REMEDY, SparkPageReader
from hops_livy.places import Places
from hops_livy.pool import WarmPool
from hops_livy.project_limits import PublishedLimits
from hops_livy.registry import Registry
from hops_livy.routes import batches, overview, pages, service, sessions, statements
from hops_livy.routes.examples import PROBLEM
from hops_livy.security import Tokens
from hops_livy.settings import Settings
from hops_livy.standing import PublishedStanding
from hops_livy.token_renewal import TokenRenewal
from hops_livy.upstream.backend import UpstreamSessions
from hops_livy.variables import SettingsError

LOG = logging.getLogger(__name__)


def make_registry(settings: Settings, client: httpx.AsyncClient, *, backend: SessionBackend | None = None) -> Registry:
    """The sessions of the service, not opened yet.

    Args:
        settings: The service's settings.
        client: Calls the control plane.
        backend: Runs the sessions; default: the one that the settings choose.

    Raises:
        SettingsError: A setting of the backend can't be used.
    """
    gpus = GpuLedger(settings.gpus if settings.gpus is not None else count_gpus(), settings.gpu_labels)
    return Registry(
        backend or make_backend(settings, gpus, client),
        home=settings.home,
        limits=settings.limits,
        gpus=gpus,
        project_limits=PublishedLimits(settings.projects_url, client),
        renewal=TokenRenewal(settings.renewal_url, client),
        pool=WarmPool(settings.warm_sessions, settings.warm_per_person),
        idleness=Idleness(settings.warm_leaves_mib),
    )


def make_backend(settings: Settings, gpus: GpuLedger, client: httpx.AsyncClient) -> SessionBackend:
    """What runs the sessions of this site.

    Args:
        settings: The service's settings.
        gpus: This machine's GPUs.
        client: Asks a cluster what it has.

    Raises:
        SettingsError: One of its settings can't be used.
    """
    if settings.upstream is None:
        master = settings.master
        return BuiltinSessions(
            settings.home,
            control_plane_url=settings.control_plane_url,
            webhdfs_address=settings.webhdfs_address,
            storage=settings.storage,
            certificates=ExportedCertificates(settings.projects_url, client),
            gpus=gpus,
            # With a cluster the setting tells of its memory, and drivers take that of this machine.
            memory=MemoryLedger(settings.memory_mib if master is None else None),
            start_s=settings.session_start_s,
            deserted_s=settings.deserted_s,
            starts_at_once=settings.starts_at_once,
            master=None if master is None else master.master,
            cluster=None if master is None else master.cluster(client),
            sandboxes=_sandboxes(settings),
        )
    try:
        return UpstreamSessions(
            settings.home, settings.upstream, start_s=settings.session_start_s, deserted_s=settings.deserted_s
        )
    except OSError as error:
        raise SettingsError(
            f"HOPS_LIVY_UPSTREAM_CA can't be used: {error.strerror or 'it holds no certificates in PEM'}."
        ) from error


def _sandboxes(settings: Settings) -> Sandboxes | None:
    try:
        program = chosen_program(settings.sandbox)
    except SandboxError as error:
        raise SettingsError(f"HOPS_SANDBOX is on, and there can be no sandboxes: {error}") from error
    if program is None:
        return None
    made = Sandboxes(
        program=program,
        reads=settings.sandbox_reads,
        own_networks=have_own_networks(program),
        reaches=settings.sandbox_reaches,
        brokers=settings.kafka,
        processes=settings.sandbox_processes,
        memory_percent=settings.sandbox_memory_percent,
    )
    bounds = described(own_networks=made.own_networks and settings.master is None, processes=made.processes)
    LOG.info("sandboxes of sessions: %s", bounds)
    return made


def create_app(settings: Settings, *, keys: KeySource | None = None, backend: SessionBackend | None = None) -> FastAPI:
    """The service as an ASGI application.

    Args:
        settings: The service's settings.
        keys: Finds the keys of tokens; default: those that the control plane publishes.
        backend: Runs the sessions; default: the one that the settings choose.
    """
    client = httpx.AsyncClient(timeout=15.0, trust_env=False)
    registry = make_registry(settings, client, backend=backend)
    page_reader = SparkPageReader()

    @asynccontextmanager
    async def _lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await registry.open()
        try:
            yield
        finally:
            await registry.close()
            await page_reader.close()
            await client.aclose()

    app = FastAPI(
        title="HopsLab Spark session service",
        version=__version__,
        lifespan=_lifespan,
        openapi_url=f"{settings.prefix}openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.registry = registry
    app.state.tokens = Tokens(keys or PublishedKeys(settings.key_set_url))
    app.state.page_reader = page_reader
    app.state.page_places = Places(OF_ONE_PERSON, PATIENCE_S, refusal=REFUSAL, remedy=REMEDY)
    limits = settings.limits
    app.state.limits = limits
    app.state.glances = Glances()
    app.state.trusted_networks = settings.trusted_networks
    app.state.overviews_held = Places(
        limits.overviews_held,
        refusal="{} of your requests wait for news of sessions already.",
        remedy="Close some of the pages that show sessions, or ask without wait_s.",
    )
    app.state.held_open = Places(
        limits.held_open,
        refusal="{} of your requests are held open already: streams of events, and such that wait.",
        remedy="Read those to their ends or close some, or ask for the statement itself with hold=false.",
    )
    app.state.large_answers = Places(
        limits.large_answers,
        limits.large_answer_wait_s,
        refusal="{} answers with much output are on their way to you already.",
        remedy="Read these first; leave the output out (output=false), or ask for fewer statements (size).",
    )
    app.state.standing = PublishedStanding(settings.me_url, settings.projects_url, client)
    for router in (service.router, sessions.router, statements.router, batches.router, overview.router, pages.router):
        app.include_router(router, prefix=settings.prefix.rstrip("/"), responses=PROBLEM)
    app.add_middleware(
        BodyLimit,
        limit=settings.limits.body_bytes,
        patience_s=settings.limits.body_patience_s,
        at_once=settings.limits.bodies_at_once,
        refuse=refuse_body,
    )
    app.add_exception_handler(ServiceError, _service_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected_error)
    return app


def _answer(error: ServiceError, status: int | None = None) -> JSONResponse:
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None  # noqa: PLR2004
    return JSONResponse(error.body(), status_code=status or error.status, media_type=MEDIA_TYPE, headers=headers)


def refuse_body(refusal: Refusal, detail: str, remedy: str) -> JSONResponse:
    """The answer for a body that is not taken."""
    kind = TooLargeError if refusal is Refusal.TOO_LARGE else BodyTooSlowError
    response = _answer(kind(detail, remedy=remedy))
    response.headers["Connection"] = "close"
    return response


async def _service_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ServiceError)  # noqa: S101 - for the type checker; registered for this type alone
    return _answer(error)


async def _validation_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    violations = tuple(
        Violation(field=".".join(str(part) for part in item["loc"][1:]) or "body", message=_sentence(item))
        for item in error.errors()
    )
    sentence = " ".join(f"{violation.field}: {violation.message}." for violation in violations)
    return _answer(BadRequestError(f"The request can't be understood. {sentence}", violations=violations))


async def _http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    if error.status_code == 404:  # noqa: PLR2004
        return _answer(NotFoundError("There is nothing at this address."))
    answer = BadRequestError(str(error.detail))
    answer.status, answer.title = error.status_code, str(error.detail)
    return _answer(answer)


async def _unexpected_error(request: Request, error: Exception) -> JSONResponse:
    LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _answer(ServiceError("The session service could not do this; its log says why."))


def _sentence(item: dict[str, Any]) -> str:
    return str(item["msg"]).rstrip(".")
