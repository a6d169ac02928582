"""What the control plane does because it is time: renewals, counts, and the end of what is given up.

Each is one transaction or several, and may be done again at any time: a process that ends in the midst of it leaves
the rest to the next time.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from hops_platform.activity.service import forget_old
from hops_platform.api_keys.service import write_uses
from hops_platform.audit.actions import Action, ActorKind
from hops_platform.audit.events import Detail, Event
from hops_platform.audit.trail import record
from hops_platform.certificates.service import forget_ended, renew_due
from hops_platform.database import now
from hops_platform.files.tasks import LEFT_BEHIND
from hops_platform.kafka.rights import settle_all_topics
from hops_platform.mutual_tls import TlsFiles
from hops_platform.outbox import OutboxWorkers
from hops_platform.parts import Parts
from hops_platform.projects.deletion import purge_old
from hops_platform.projects.models import Project
from hops_platform.quotas.counting import count_due
from hops_platform.quotas.holding import hold_full
from hops_platform.realms.service import end_those_gone, find_those_gone
from hops_platform.recurring import Recurring
from hops_platform.sessions.hearing import hear

LOG = logging.getLogger("hops.timetable")
_HOUR_S = 3600.0
_REFUSALS_S = 10.0
_COUNTING_S = 60.0
_FULL_S = 15.0
_ENGINES_S = 30.0
_SESSIONS_S = 5.0
_USES_S = 60.0
"""So often at most is written when API keys were last used; a process that is killed forgets a minute of it."""


def timetable_of(parts: Parts, workers: OutboxWorkers) -> tuple[Recurring, ...]:
    """What is done again and again; nothing of it has begun.

    Args:
        parts: What it is done with.
        workers: Told where a delivery may be waiting.
    """
    engines = parts.engines
    return (
        *_with_kafka(parts, workers),
        Recurring("activity", lambda: _forget_activity(parts), interval_s=_HOUR_S),
        Recurring("engines", parts.engine_watch.look, interval_s=_ENGINES_S),
        Recurring("storage", lambda: _count_storage(parts), interval_s=_COUNTING_S),
        Recurring("full projects", lambda: hold_full(parts), interval_s=_FULL_S),
        Recurring("people of realms", lambda: check_realms(parts), interval_s=float(parts.settings.realm_check_s)),
        Recurring("certificates", lambda: _renew_certificates(parts), interval_s=_HOUR_S),
        Recurring("deleted projects", lambda: _purge_projects(parts, workers), interval_s=_HOUR_S / 6),
        Recurring("Spark sessions", lambda: _hear_sessions(parts), interval_s=_SESSIONS_S),
        Recurring("uses of API keys", lambda: note_uses(parts), interval_s=_USES_S),
        Recurring("refusals", parts.refusals.flush, interval_s=_REFUSALS_S),
        Recurring("uploads", lambda: engines.uploads.sweep(before=now() - LEFT_BEHIND), interval_s=_HOUR_S),
        Recurring("trash", lambda: engines.files.sweep(before=now() - LEFT_BEHIND), interval_s=_HOUR_S),
    )


def _with_kafka(parts: Parts, workers: OutboxWorkers) -> list[Recurring]:
    """What is done again and again where the site has Kafka."""
    if not parts.engines.streams.brokers:
        return []

    def settle_topics() -> None:
        with parts.database.session() as session:
            count = settle_all_topics(session)
        if count:
            workers.wake()

    def write_tls_files() -> None:
        TlsFiles(parts.settings.layout.own_tls).write(parts)

    topics = Recurring("topics", settle_topics, interval_s=_HOUR_S)
    if parts.settings.mutual_tls_port is not None:
        return [topics]  # where programs are answered over TLS, the same files are written and renewed with that
    return [Recurring("certificate for Kafka", write_tls_files, interval_s=_HOUR_S), topics]


def _renew_certificates(parts: Parts) -> None:
    with parts.database.session() as session:
        renewed = renew_due(session, parts.sealer)
        for name in renewed:
            record(session, _by_the_clock(Action.CERTIFICATE_RENEW, name))
        forgotten = forget_ended(session)
    if forgotten:
        LOG.info("%d certificates that ended long ago were forgotten.", forgotten)
    if renewed:
        LOG.info("%d certificates were made, of %s and others.", len(renewed), renewed[0])


def _purge_projects(parts: Parts, workers: OutboxWorkers) -> None:
    with parts.database.session() as session:
        purged = purge_old(session, kept=parts.settings.deleted_projects_kept)
        for project in purged:
            record(session, _by_the_clock(Action.PROJECT_PURGE, project.name, project=project))
    if purged:
        LOG.info("These deleted projects can't be restored any more: %s.", ", ".join(one.name for one in purged))
        workers.wake()


def _forget_activity(parts: Parts) -> None:
    with parts.database.session() as session:
        forget_old(session)


def _count_storage(parts: Parts) -> None:
    count_due(parts.database, parts.engines)


def _hear_sessions(parts: Parts) -> None:
    hear(parts.database, parts.engines.sessions)


def check_realms(parts: Parts) -> None:
    """Deactivates the users whom their realms do not know any more."""
    for site in parts.engines.realms.values():
        gone = find_those_gone(parts.database, site)
        if not gone:
            continue
        with parts.database.session() as session:
            ended = end_those_gone(session, site, gone)
            for name in ended:
                told: dict[str, Detail] = {"active": False, "changed": ["active"], "realm": site.name}
                record(session, replace(_by_the_clock(Action.USER_EDIT, name), details=told))
        for name in ended:
            parts.engines.logins.end_all(name)
        if ended:
            LOG.info("These are gone from %s, and were deactivated: %s.", site.name, ", ".join(ended))


def _by_the_clock(action: Action, thing: str, *, project: Project | None = None) -> Event:
    """What the platform does because it is time, as an event."""
    return Event(
        action=action,
        actor="hops",
        actor_kind=ActorKind.SERVICE,
        thing=thing,
        project=project.name if project is not None else None,
        project_id=project.id if project is not None else None,
    )


def note_uses(parts: Parts) -> None:
    """Writes when API keys were last used."""
    if used := parts.keys_in_use.take_uses():
        with parts.database.session() as session:
            write_uses(session, used)
