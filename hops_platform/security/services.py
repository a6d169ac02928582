"""The services of a project: what its Data Owners can switch off, and which permissions nobody has then.

A new subject that a project can do without registers here: a service with its words and its permissions. What has to
end when it is switched off is registered in :data:`hops_platform.projects.closing.ENDINGS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from hops_platform.security.permissions import Permission


class Service(StrEnum):
    """What can be switched off. Alphabetised."""

    JUPYTER = "jupyter"
    KAFKA = "kafka"
    SHARING = "sharing"
    SPARK = "spark"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEntry:
    """A service.

    Attributes:
        title: What people call it.
        off: What does not happen while it is off, as the end of "… is switched off in this project: ".
        permissions: What nobody may do then, whatever their role.
    """

    title: str
    off: str
    permissions: frozenset[Permission]


SERVICES: Mapping[Service, ServiceEntry] = MappingProxyType(
    {
        Service.JUPYTER: ServiceEntry(
            title="Notebook servers",
            off="no notebook server starts",
            permissions=frozenset({Permission.SERVER_GRANT, Permission.SERVER_START}),
        ),
        Service.KAFKA: ServiceEntry(
            title="Topics",
            off="no topic is created, and nobody reads from one or writes to one",
            permissions=frozenset({Permission.BROKERS_READ, Permission.TOPICS_CREATE}),
        ),
        Service.SHARING: ServiceEntry(
            title="Sharing",
            off="no dataset is offered, asked for, accepted or published",
            permissions=frozenset(
                {
                    Permission.DATASETS_PUBLISH,
                    Permission.SHARES_ASK,
                    Permission.SHARES_DECIDE,
                    Permission.SHARES_EDIT,
                    Permission.SHARES_OFFER,
                    Permission.SHARES_SEARCH,
                }
            ),
        ),
        Service.SPARK: ServiceEntry(
            title="Spark sessions",
            off="no Spark session starts",
            permissions=frozenset({Permission.SESSIONS_START}),
        ),
    }
)


def needed_by(permission: Permission) -> frozenset[Service]:
    """The services without which nobody has ``permission``."""
    return frozenset(service for service, entry in SERVICES.items() if permission in entry.permissions)
