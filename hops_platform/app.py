"""Composition root: settings, engines and subjects put together; beside the command line alone in knowing adapters."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import cache

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute

from hops_contract.bodies import BodyLimit
from hops_contract.crowds import Crowd
from hops_contract.realms import load_realms
from hops_contract.sandbox import Sandboxing
from hops_contract.storage import StorageKind
from hops_platform.activity import routes as activity
from hops_platform.adapters.capacity.machine import ThisMachine
from hops_platform.adapters.environments.uv import UvEnvironments
from hops_platform.adapters.hub.jupyterhub import JupyterHub
from hops_platform.adapters.logins.hub_oauth import HubOAuthLogins
from hops_platform.adapters.mailer.none import NoMailer
from hops_platform.adapters.mailer.smtp import SmtpMailer
from hops_platform.adapters.previews.process import ProcessPreviews
from hops_platform.adapters.realms.of_site import realms_of
from hops_platform.adapters.sandboxes.local import LocalSandboxes
from hops_platform.adapters.sessions.livy import LivySessions
from hops_platform.adapters.storage.site import StorageAccess, StoragePorts, storage_ports
from hops_platform.adapters.streams.kafka import KafkaStreams
from hops_platform.adapters.streams.none import NoStreams
from hops_platform.adapters.templates.packaged import PackagedTemplates
from hops_platform.adapters.templates.sent import SentTemplates
from hops_platform.addresses import routes as addresses
from hops_platform.addresses.tasks import TASKS as ADDRESS_TASKS
from hops_platform.api_keys import routes as api_keys
from hops_platform.api_keys.use import KeysInUse
from hops_platform.audit import routes as audit
from hops_platform.audit.refusals import Refusals
from hops_platform.audit.requests import note_problem
from hops_platform.audit.trail import AUDIT_KEY, load_trail
from hops_platform.certificates import routes as certificates
from hops_platform.certificates.revocations import RevocationLists
from hops_platform.certificates.service import holder_of
from hops_platform.certificates.tasks import TASKS as CERTIFICATE_TASKS
from hops_platform.database import Database
from hops_platform.datasets import routes as datasets
from hops_platform.datasets.tasks import TASKS as DATASET_TASKS
from hops_platform.engines import Engines
from hops_platform.engines.mailer import Mailer
from hops_platform.engines.streams import Streams
from hops_platform.environments import routes as environments
from hops_platform.environments.service import renew
from hops_platform.environments.tasks import TASKS as ENVIRONMENT_TASKS
from hops_platform.files import routes as files
from hops_platform.files.tasks import TASKS as FILE_TASKS
from hops_platform.files.tickets import DownloadTickets
from hops_platform.http import (
    PROBLEM_RESPONSES,
    RequestBoundary,
    install_problem_handlers,
    matching,
    refuse_body,
    refuse_crowded,
)
from hops_platform.invitations import routes as invitations
from hops_platform.invitations.tasks import TASKS as INVITATION_TASKS
from hops_platform.joining import routes as joining
from hops_platform.kafka import routes as kafka
from hops_platform.kafka.rights import follow_topics
from hops_platform.kafka.tasks import TASKS as KAFKA_TASKS
from hops_platform.mail.tasks import TASKS as MAIL_TASKS
from hops_platform.mutual_tls import TlsFiles
from hops_platform.operations import routes as operations
from hops_platform.operations.engines import EngineWatch, engines_to_watch
from hops_platform.outbox import OutboxWorkers
from hops_platform.pages import router as pages
from hops_platform.pages import show_problem
from hops_platform.parts import Parts
from hops_platform.password_resets import routes as password_resets
from hops_platform.password_resets.tasks import TASKS as PASSWORD_RESET_TASKS
from hops_platform.previews import routes as previews
from hops_platform.previews.places import places_of_previews
from hops_platform.probe import Probe
from hops_platform.projects import routes as projects
from hops_platform.projects.tasks import TASKS as PROJECT_TASKS
from hops_platform.quotas import routes as quotas
from hops_platform.quotas.tasks import TASKS as QUOTA_TASKS
from hops_platform.realms import routes as realms
from hops_platform.registrations import routes as registrations
from hops_platform.registrations.tasks import TASKS as REGISTRATION_TASKS
from hops_platform.second_factor import routes as second_factor
from hops_platform.security import browser, crowd
from hops_platform.security.client_certificates import RefusedCertificates
from hops_platform.security.kept_tokens import KeptTokens
from hops_platform.security.sealing import SEALING_KEY, load_sealer
from hops_platform.security.tokens import HUB_CREDENTIAL, SIGNING_KEY, Signer, load_signing_key, read_secret
from hops_platform.security_keys import routes as security_keys
from hops_platform.servers import routes as servers
from hops_platform.servers.tasks import TASKS as SERVER_TASKS
from hops_platform.sessions import routes as sessions
from hops_platform.sessions.calls import places_of_calls
from hops_platform.settings import Settings
from hops_platform.sharing import routes as sharing
from hops_platform.sharing.rights import follow_rights
from hops_platform.sharing.tasks import TASKS as SHARING_TASKS
from hops_platform.timetable import note_uses, timetable_of
from hops_platform.transfers import Transfers
from hops_platform.uploads import routes as uploads
from hops_platform.users import routes as users

LOG = logging.getLogger("hops.app")
API = "api/v1"
TASKS = {
    **CERTIFICATE_TASKS,
    **PROJECT_TASKS,
    **DATASET_TASKS,
    **FILE_TASKS,
    **ENVIRONMENT_TASKS,
    **QUOTA_TASKS,
    **SERVER_TASKS,
    **SHARING_TASKS,
    **KAFKA_TASKS,
    **MAIL_TASKS,
    **ADDRESS_TASKS,
    **PASSWORD_RESET_TASKS,
    **INVITATION_TASKS,
    **REGISTRATION_TASKS,
}


def make_signer(settings: Settings) -> Signer:
    """The signer with the key of the platform's home."""
    return Signer(
        load_signing_key(settings.layout.secret(SIGNING_KEY)),
        lifetime=timedelta(seconds=settings.token_lifetime_s),
        chain=timedelta(days=settings.token_chain_days),
    )


def make_storage(settings: Settings) -> StoragePorts:
    """The ports of where datasets lie.

    Raises:
        RuntimeError: The file with the key of a bucket is missing, or others can read it.
        ValueError: It holds no key.
    """
    kind = settings.storage_address.kind
    key = settings.s3_credentials or settings.layout.secret("s3.json")
    access = StorageAccess(
        endpoint=settings.storage_endpoint,
        user=settings.hdfs_user,
        region=settings.s3_region,
        key_text=read_secret(key) if kind is StorageKind.S3 else "",
        authorities=settings.storage_ca,
    )
    return storage_ports(settings.layout, settings.storage_address, access)


def make_engines(settings: Settings, signer: Signer) -> Engines:
    """The engines of a site: those of one machine, and what datasets lie on."""
    home = settings.layout
    stored, on_machine = make_storage(settings), settings.storage_address.on_machine
    if on_machine is not None:
        LOG.info(
            "Datasets lie on %s, but for these: %s. Those that other projects share are mounted in no sandbox then "
            "(docs/sharing.md).",
            settings.storage_address.kind.value.upper(),
            ", ".join(sorted(on_machine)),
        )
    return Engines(
        storage=stored.storage,
        files=stored.files,
        archives=stored.archives,
        uploads=stored.uploads,
        templates=PackagedTemplates(home) if on_machine is None else SentTemplates(home, stored.uploads),
        hub=JupyterHub(settings.hub_api_url, token=settings.hub_api_token.get_secret_value()),
        sessions=LivySessions(settings.livy_url, sign=lambda: signer.sign_service("hops").token),
        environments=UvEnvironments(home, source=settings.source),
        capacity=ThisMachine(
            cores=settings.cores,
            gpus=settings.gpus,
            gpu_labels=settings.labels(),
            memory_mib=settings.memory_mib,
        ),
        logins=HubOAuthLogins(),
        mailer=make_mailer(settings),
        previews=ProcessPreviews(home, sandbox=settings.sandbox),
        sandboxes=LocalSandboxes(home, mountable=on_machine),
        streams=make_streams(settings),
        realms=realms_of(load_realms(settings.realms)),
    )


def make_streams(settings: Settings) -> Streams:
    """The cluster of the site, or what stands for none."""
    if not settings.brokers:
        return NoStreams()
    files = TlsFiles(settings.layout.own_tls)
    return KafkaStreams(settings.brokers, certificate=files.certificate, key=files.key, authorities=files.authorities)


def make_mailer(settings: Settings) -> Mailer:
    """What sends mail, or does not where the site has none."""
    if not settings.has_mail:
        return NoMailer()
    return SmtpMailer(
        settings.mail_host,
        settings.mail_port,
        tls=settings.mail_tls,
        sender=settings.mail_from,
        user=settings.mail_user,
        password_file=settings.mail_password_file,
        authorities=settings.mail_authorities,
    )


def create_app(settings: Settings, engines: Engines | None = None, *, outbox_workers: bool = True) -> FastAPI:
    """The control plane as an ASGI application.

    Args:
        settings: What was set.
        engines: One adapter for each port; those of one machine when ``None``.
        outbox_workers: Whether the outbox is delivered in threads of this process.
    """
    signer = make_signer(settings)
    database = Database(settings.effective_database_url)
    trail = load_trail(settings.layout.root, settings.layout.secret(AUDIT_KEY))
    trail.follow(database)
    engines = engines or make_engines(settings, signer)
    watched = engines_to_watch(database, engines, sandboxes=settings.sandbox is not Sandboxing.OFF)
    if settings.storage_address.kind is StorageKind.HDFS:
        follow_rights(database)
    if engines.streams.brokers:
        follow_topics(database)
    parts = Parts(
        settings=settings,
        database=database,
        engines=engines,
        signer=signer,
        sealer=load_sealer(settings.layout.secret(SEALING_KEY)),
        keys_in_use=KeysInUse(),
        holder_of=holder_of,
        refused_certificates=RefusedCertificates(),
        revocation_lists=RevocationLists(),
        trail=trail,
        refusals=Refusals(database),
        kept_tokens=KeptTokens(signer),
        session_places=places_of_calls(),
        transfers=Transfers(),
        preview_places=places_of_previews(),
        tickets=DownloadTickets(),
        hub_credential=read_secret(settings.layout.secret(HUB_CREDENTIAL)),
        health=Probe(database.check),
        engine_watch=EngineWatch(watched),
    )
    workers = OutboxWorkers(parts.database, parts, TASKS)
    timetable = timetable_of(parts, workers)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        """Delivers the outbox for as long as requests are answered."""
        if outbox_workers:
            with parts.database.session() as session:
                renewed = renew(session, parts.engines.environments)
            if renewed:
                LOG.info("These projects' environments are brought up to date: %s.", ", ".join(renewed))
            workers.start()
            for one in timetable:
                one.start()
        yield
        if outbox_workers:
            for one in timetable:
                one.stop()
            workers.stop()
            note_uses(parts)
        parts.refusals.flush(all_of_them=True)
        parts.transfers.close()
        parts.engine_watch.close()
        parts.engines.storage.close()
        parts.database.close()

    app = build_routes(settings.prefix)
    app.router.lifespan_context = lifespan
    app.state.parts = parts
    app.state.workers = workers
    install_problem_handlers(app, page=show_problem, note=note_problem)
    browser.install_login_redirect(app)
    # Within the limit on bodies: who sends one slowly has no place yet.
    app.add_middleware(
        Crowd,
        shares=crowd.SHARES,
        patience_s=crowd.PATIENCE_S,
        who=crowd.Callers(
            signer,
            parts.hub_credential,
            prefix=settings.prefix,
            person_of=parts.engines.logins.person_of,
            person_of_key=parts.keys_in_use.person_of,
            refused=parts.refused_certificates,
        ),
        refuse=refuse_crowded,
    )
    app.add_middleware(
        BodyLimit,
        limit=settings.max_body_bytes,
        patience_s=settings.body_timeout_s,
        at_once=settings.bodies_at_once,
        refuse=refuse_body,
        # Their bodies are bounded by the routes themselves.
        streamed=matching(uploads.router, uploads.write_upload, uploads.save_file, below=f"{settings.prefix}{API}"),
    )
    app.add_middleware(RequestBoundary)
    return app


def build_routes(prefix: str) -> FastAPI:
    """The application with all routes, before it is given its parts."""
    app = _application(prefix)
    app.router.routes.extend(_routes(prefix))
    return app


def _application(prefix: str) -> FastAPI:
    return FastAPI(
        title="HopsLab control plane",
        summary="Who may do what with which project.",
        version="1",
        openapi_url=f"{prefix}{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses=PROBLEM_RESPONSES,
        generate_unique_id_function=lambda route: route.name,
    )


@cache
def _routes(prefix: str) -> tuple[BaseRoute, ...]:
    """The routes, which hold nothing of an application: putting them together takes a third of a second."""
    app = _application(prefix)
    before = len(app.routes)
    api = APIRouter(prefix=f"{prefix}{API}")
    for subject in (
        users,
        addresses,
        password_resets,
        registrations,
        realms,
        api_keys,
        second_factor,
        security_keys,
        projects,
        joining,
        invitations,
        certificates,
        datasets,
        files,
        previews,
        uploads,
        sharing,
        kafka,
        environments,
        quotas,
        servers,
        sessions,
        operations,
        activity,
        audit,
    ):
        api.include_router(subject.router)
    app.include_router(api)
    app.include_router(operations.well_known, prefix=prefix.rstrip("/"))
    app.include_router(browser.router, prefix=prefix.rstrip("/"))
    app.include_router(files.downloads, prefix=prefix.rstrip("/"))
    app.include_router(pages, prefix=prefix.rstrip("/"))
    return tuple(app.routes[before:])
