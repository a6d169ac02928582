"""Ports: what the control plane asks of the engines around it. No third-party type stands in a signature.

Every call may raise :class:`~hops_platform.errors.EngineUnavailableError` (ask again later) or
:class:`~hops_platform.errors.EngineRefusedError` (asking again the same way is of no use). All are thread-safe, and
all that change something can be repeated: they are called at least once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hops_platform.engines.capacity import MachineCapacity
from hops_platform.engines.environments import ProjectEnvironments
from hops_platform.engines.files import ProjectArchives, ProjectFiles, ProjectUploads
from hops_platform.engines.hub import Hub
from hops_platform.engines.logins import BrowserLogins
from hops_platform.engines.mailer import Mailer
from hops_platform.engines.previews import FilePreviews
from hops_platform.engines.realms import SiteRealm
from hops_platform.engines.sandboxes import Sandboxes
from hops_platform.engines.sessions import SparkSessions
from hops_platform.engines.storage import ProjectStorage
from hops_platform.engines.streams import Streams
from hops_platform.engines.templates import ProjectTemplates


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """One adapter for each port; of realms any number, by their names."""

    storage: ProjectStorage
    files: ProjectFiles
    archives: ProjectArchives
    uploads: ProjectUploads
    templates: ProjectTemplates
    hub: Hub
    sessions: SparkSessions
    environments: ProjectEnvironments
    capacity: MachineCapacity
    logins: BrowserLogins
    mailer: Mailer
    previews: FilePreviews
    sandboxes: Sandboxes
    streams: Streams
    realms: Mapping[str, SiteRealm] = field(default_factory=dict)


__all__ = [
    "BrowserLogins",
    "Engines",
    "FilePreviews",
    "Hub",
    "MachineCapacity",
    "Mailer",
    "ProjectArchives",
    "ProjectEnvironments",
    "ProjectFiles",
    "ProjectStorage",
    "ProjectTemplates",
    "ProjectUploads",
    "Sandboxes",
    "SiteRealm",
    "SparkSessions",
    "Streams",
]
