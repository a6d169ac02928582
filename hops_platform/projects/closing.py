"""What a project does without: archived as a whole, or with services switched off. What runs then ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session

from hops_platform.database import now
from hops_platform.errors import ConflictError, InvalidRequestError
from hops_platform.projects.models import Membership, Project
from hops_platform.projects.service import end_sessions_of, services_without, stop_server_of
from hops_platform.security.services import SERVICES, Service
from hops_platform.sharing.standing import settle_around
from hops_platform.versions import edit_version

Ending = Callable[[Session, Membership, str], None]
ARCHIVED = "The project was archived."


def _stop_server(session: Session, membership: Membership, _reason: str) -> None:
    stop_server_of(session, membership.project.name, membership.user.name)


def _end_sessions(session: Session, membership: Membership, reason: str) -> None:
    end_sessions_of(session, membership.project.name, membership.user.name, reason=reason)


ENDINGS: Mapping[Service, Ending] = MappingProxyType({Service.JUPYTER: _stop_server, Service.SPARK: _end_sessions})
"""What ends, for each member, when a service is switched off; nothing does where none is told.

The rights to topics follow the project itself: :mod:`hops_platform.kafka.rights`.
"""


def archive(session: Session, project: Project, *, repeated_name: str) -> None:
    """Archives a project: what runs in it ends, and it is for reading until that is taken back.

    Raises:
        ConflictError: It is archived.
        InvalidRequestError: The repeated name is another.
    """
    if repeated_name != project.name:
        raise InvalidRequestError(f"To archive this project, say its name: {project.name}.")
    if project.archived_at is not None:
        raise ConflictError("The project is archived already.")
    edit_version(session, project, version=project.version, archived_at=now())
    for ending in ENDINGS.values():
        _end(session, project, ending, ARCHIVED)
    settle_around(session, project)


def unarchive(session: Session, project: Project) -> None:
    """Takes a project out of the archive; nothing starts by itself.

    Raises:
        ConflictError: It is not archived.
    """
    if project.archived_at is None:
        raise ConflictError("The project is not archived.")
    edit_version(session, project, version=project.version, archived_at=None)
    settle_around(session, project)


def set_services(session: Session, project: Project, wanted: Iterable[Service], *, version: int) -> None:
    """Switches services on and off; what runs of those that were on and no longer are ends.

    Raises:
        PreconditionFailedError: Somebody else changed the project in between.
    """
    off = sorted(set(Service) - set(wanted))
    before = set(project.services_off)
    edit_version(session, project, version=version, services_off=[service.value for service in off])
    for service in off:
        ending = ENDINGS.get(service)
        if service not in before and ending is not None:
            _end(session, project, ending, f"{SERVICES[service].title} were switched off in this project.")


def services_on(project: Project) -> list[Service]:
    """The services that are switched on."""
    return services_without(project.services_off)


def changed_in_words(before: Iterable[Service], after: Iterable[Service]) -> str:
    """What :func:`set_services` switched, for people: ``Spark sessions off``."""
    old, new = set(before), set(after)
    return ", ".join(
        f"{SERVICES[service].title} {'on' if service in new else 'off'}" for service in Service if service in old ^ new
    )


def _end(session: Session, project: Project, ending: Ending, reason: str) -> None:
    for membership in session.scalars(select(Membership).where(Membership.project_id == project.id)):
        ending(session, membership, reason)
