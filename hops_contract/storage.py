"""Where the datasets of a site lie: on the machine's disk, on HDFS or in a bucket of S3 (``HOPS_STORAGE``).

=========================  =============================================================================
``local``                  below the platform's home
``hdfs://host:port/path``  ``/path/Projects/<project>/<dataset>``; ``Jupyter`` stays on the machine's disk
``s3://bucket/prefix``     ``prefix/Projects/<project>/<dataset>/``; the standard datasets stay on the machine's disk
=========================  =============================================================================

A notebook server works in ``Jupyter`` as a folder, so that has to be one. A bucket knows no project-users: nothing but
the platform itself gets at it, so all that sessions write by paths stays on the machine's disk there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from hops_contract.layout import STANDARD_DATASETS
from hops_contract.slugs import SLUG_RULE, is_slug

PROJECTS = "Projects"
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]{0,127}\Z")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")


class StorageAddressError(ValueError):
    """This is no address of a storage."""


class StorageKind(StrEnum):
    """What datasets lie on."""

    LOCAL = "local"
    HDFS = "hdfs"
    S3 = "s3"


@dataclass(frozen=True, slots=True)
class StorageAddress:
    """Where the datasets of a site lie.

    Attributes:
        kind: On what.
        authority: ``host:port`` of HDFS's NameNode, or the name of the bucket; empty for the machine's disk.
        parts: The folders above ``Projects``.
    """

    kind: StorageKind
    authority: str = ""
    parts: tuple[str, ...] = ()

    @property
    def root(self) -> tuple[str, ...]:
        """The folders that lead to the projects."""
        return (*self.parts, PROJECTS)

    @property
    def on_machine(self) -> frozenset[str] | None:
        """The datasets that lie on the machine's disk all the same; ``None``: all."""
        if self.kind is StorageKind.LOCAL:
            return None
        return frozenset({"Jupyter"} if self.kind is StorageKind.HDFS else STANDARD_DATASETS)

    def project_for_sessions(self, project: str) -> str | None:
        """The address of a project's files for its Spark sessions; ``None`` where that is the folder on the machine.

        Raises:
            ValueError: ``project`` is not the name of one.
        """
        if not is_slug(project):
            raise ValueError(f"{project!r} is not a name: {SLUG_RULE}.")
        if self.kind is not StorageKind.HDFS:
            return None
        return "/".join((f"hdfs://{self.authority}", *self.root, project))


def parse_storage(text: str) -> StorageAddress:
    """The storage that ``HOPS_STORAGE`` names.

    Raises:
        StorageAddressError: It names none.
    """
    if text.strip() in {"", StorageKind.LOCAL.value}:
        return StorageAddress(StorageKind.LOCAL)
    wanted = "Write HOPS_STORAGE as local, hdfs://host:port/folder or s3://bucket/folder."
    try:
        found = urlsplit(text.strip())
        host, port = found.hostname, found.port
    except ValueError:
        raise StorageAddressError(f"This is no address of a storage. {wanted}") from None
    if found.username is not None or found.password is not None or found.query or found.fragment:
        raise StorageAddressError(f"No credentials, query or fragment belong into the address. {wanted}")
    parts = tuple(part for part in found.path.split("/") if part)
    if not all(_PART.match(part) for part in parts):
        raise StorageAddressError(f"Folders have letters, digits and ._=- in their names, and begin plainly. {wanted}")
    if found.scheme == StorageKind.HDFS.value and host and port:
        shown = f"[{host}]" if ":" in host else host
        return StorageAddress(StorageKind.HDFS, f"{shown}:{port}", parts)
    if found.scheme == StorageKind.S3.value and _BUCKET.match(found.netloc):
        return StorageAddress(StorageKind.S3, found.netloc, parts)
    raise StorageAddressError(f"This is no address of a storage. {wanted}")
