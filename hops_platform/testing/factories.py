"""A control plane for tests: real routes and a real database, engines in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from hops_platform.app import create_app, make_engines, make_signer
from hops_platform.engines import Engines
from hops_platform.migrations import migrate
from hops_platform.outbox import OutboxWorkers
from hops_platform.parts import Parts
from hops_platform.security.own_secrets import ensure_secrets
from hops_platform.settings import Settings
from hops_platform.testing.fakes import (
    FixedCapacity,
    MemoryEnvironments,
    MemoryHub,
    MemoryLogins,
    MemoryMailer,
    MemorySandboxes,
    MemorySessions,
    MemoryStorage,
    MemoryStreams,
    MemoryTemplates,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TestPlatform:
    """A control plane whose outbox is delivered when the test says so."""

    __test__ = False

    app: FastAPI
    parts: Parts
    workers: OutboxWorkers
    storage: MemoryStorage
    templates: MemoryTemplates
    hub: MemoryHub
    sessions: MemorySessions
    environments: MemoryEnvironments
    capacity: FixedCapacity
    logins: MemoryLogins
    mailer: MemoryMailer
    sandboxes: MemorySandboxes
    streams: MemoryStreams


def make_platform(
    home: Path,
    *,
    database_url: str | None = None,
    on_disk: bool = False,
    migrated: bool = False,
    settings: Mapping[str, Any] | None = None,
) -> TestPlatform:
    """A migrated control plane below ``home``.

    Args:
        home: Where its files lie. Files of datasets lie there as they do at a site: every machine has a disk.
        database_url: The database; SQLite below ``home`` by default.
        on_disk: Whether the folders of projects are made there, too.
        settings: What else is set.
        migrated: Whether the database is a copy of a migrated one: to find that out takes as long as a short test.
    """
    chosen = Settings(home=home, database_url=database_url, **(settings or {}))
    ensure_secrets(chosen.layout)
    if not migrated:
        migrate(chosen.effective_database_url)
    storage, templates, hub, sessions = MemoryStorage(), MemoryTemplates(), MemoryHub(), MemorySessions()
    environments, capacity, logins = MemoryEnvironments(), FixedCapacity(), MemoryLogins()
    sandboxes, mailer, streams = MemorySandboxes(), MemoryMailer(), MemoryStreams(brokers=chosen.brokers)
    real = make_engines(chosen, make_signer(chosen))
    engines = Engines(
        storage=real.storage if on_disk else storage,
        files=real.files,
        archives=real.archives,
        uploads=real.uploads,
        templates=templates,
        hub=hub,
        sessions=sessions,
        environments=environments,
        capacity=capacity,
        logins=logins,
        mailer=mailer,
        previews=real.previews,
        sandboxes=real.sandboxes if on_disk else sandboxes,
        streams=streams,
    )
    app = create_app(chosen, engines, outbox_workers=False)
    return TestPlatform(
        app=app,
        parts=app.state.parts,
        workers=app.state.workers,
        storage=storage,
        templates=templates,
        hub=hub,
        sessions=sessions,
        environments=environments,
        capacity=capacity,
        logins=logins,
        mailer=mailer,
        sandboxes=sandboxes,
        streams=streams,
    )
