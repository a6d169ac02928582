"""The ports of storage of a site, for what ``HOPS_STORAGE`` names."""

from __future__ import annotations

import ssl
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from hops_contract.layout import Home
from hops_contract.storage import StorageAddress, StorageKind
from hops_contract.trust import public_authorities
from hops_platform.adapters.storage.hdfs_tree import HdfsTree
from hops_platform.adapters.storage.local import LocalStorage
from hops_platform.adapters.storage.local_archives import LocalArchives
from hops_platform.adapters.storage.local_files import LocalFiles
from hops_platform.adapters.storage.local_uploads import LocalUploads
from hops_platform.adapters.storage.split import SplitArchives, SplitFiles, deliver_to
from hops_platform.adapters.storage.stored import StoredStorage
from hops_platform.adapters.storage.stored_archives import StoredArchives
from hops_platform.adapters.storage.stored_files import StoredFiles
from hops_platform.adapters.storage.trees import Tree
from hops_platform.adapters.storage.webhdfs import WebHdfs
from hops_platform.engines.files import ProjectArchives, ProjectFiles, ProjectUploads
from hops_platform.engines.storage import ProjectStorage


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageAccess:
    """How a site's storage is reached.

    Attributes:
        endpoint: Address of its HTTP interface.
        user: Who the platform is on HDFS.
        region: Of S3.
        key_text: What the file with the key of the bucket holds; it is never shown.
        authorities: A PEM file of who vouches for the storage's certificate; ``None``: public authorities.
    """

    endpoint: str = ""
    user: str = "hops"
    region: str = "us-east-1"
    key_text: str = ""
    authorities: Path | None = None

    def __repr__(self) -> str:
        return f"StorageAccess({self.endpoint!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoragePorts:
    """One adapter for each port of storage."""

    storage: ProjectStorage
    files: ProjectFiles
    archives: ProjectArchives
    uploads: ProjectUploads


def storage_ports(home: Home, address: StorageAddress, access: StorageAccess) -> StoragePorts:
    """The adapters of a site.

    Raises:
        ValueError: The key of the bucket can't be read.
    """
    if address.on_machine is None:
        return StoragePorts(
            storage=LocalStorage(home),
            files=LocalFiles(home),
            archives=LocalArchives(home),
            uploads=LocalUploads(home),
        )
    return ports_of_tree(home, make_tree(address, access), address.on_machine)


def ports_of_tree(home: Home, tree: Tree, on_machine: Collection[str]) -> StoragePorts:
    """The adapters where datasets lie on a tree, all but some."""
    return StoragePorts(
        storage=StoredStorage(tree, LocalStorage(home), on_machine),
        files=SplitFiles(LocalFiles(home), StoredFiles(tree), on_machine, tree=tree, home=home),
        archives=SplitArchives(LocalArchives(home), StoredArchives(tree, home), on_machine),
        uploads=LocalUploads(home, deliver_to(tree, on_machine)),
    )


def make_tree(address: StorageAddress, access: StorageAccess) -> Tree:
    """The product that an address names."""
    if address.kind is StorageKind.HDFS:
        trusted = public_authorities() if access.authorities is None else _trusting(access.authorities)
        return HdfsTree(WebHdfs(access.endpoint, user=access.user, root=address.root, verify=trusted))
    # Only such a site has it installed, and no other waits for its import.
    from hops_platform.adapters.storage.s3_bucket import Bucket, read_key  # noqa: PLC0415
    from hops_platform.adapters.storage.s3_tree import S3Tree  # noqa: PLC0415

    bucket = Bucket(
        address.authority,
        endpoint=access.endpoint,
        region=access.region,
        key=read_key(access.key_text),
        authorities=access.authorities,
    )
    return S3Tree(bucket, root=address.root)


def _trusting(authorities: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authorities))
