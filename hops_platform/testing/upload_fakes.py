"""Uploads in memory: what the port promises, without a disk."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Self
from uuid import UUID

from hops_platform.database import new_id, now
from hops_platform.engines.files import (
    Entry,
    NewUpload,
    Upload,
)
from hops_platform.engines.leave import Leave, no_end
from hops_platform.errors import ConflictError, NotFoundError, TooLargeError, TooManyError
from hops_platform.testing.fakes import Faulty
from hops_platform.testing.file_fakes import MemoryDisk, MemoryFile

MOST_OF_ONE = 200
"""Uploads of one user under way in one project."""


@dataclass
class _Incoming:
    wanted: NewUpload
    created_at: datetime
    data: bytearray = field(default_factory=bytearray)
    touched: datetime = field(default_factory=now)
    held: bool = False


_Key = tuple[str, UUID, UUID]


@dataclass
class MemoryUploads(Faulty):
    """Uploads in memory, into the same place as :class:`~hops_platform.testing.file_fakes.MemoryFiles`."""

    disk: MemoryDisk = field(default_factory=lambda: MemoryDisk({}))
    under_way: dict[_Key, _Incoming] = field(default_factory=dict)
    finished: dict[_Key, Entry] = field(default_factory=dict)

    def begin(self, owner: UUID, wanted: NewUpload, *, upload: UUID | None = None) -> Upload:
        """See :class:`~hops_platform.engines.files.ProjectUploads`."""
        self.check()
        project = wanted.target.project
        with self.disk.lock:
            if upload is not None and (project, owner, upload) in self.under_way:
                return self.find(project, owner, upload)
            if sum(key[:2] == (project, owner) for key in self.under_way) >= MOST_OF_ONE:
                raise TooManyError(f"{MOST_OF_ONE} of your uploads to this project are under way.", retry_after_s=60)
            key = (project, owner, upload or new_id())
            self.under_way[key] = _Incoming(wanted, now())
            return self.find(*key)

    def find(self, project: str, owner: UUID, upload: UUID) -> Upload:
        """See :class:`~hops_platform.engines.files.ProjectUploads`."""
        self.check()
        with self.disk.lock:
            found = self._incoming((project, owner, upload))
            return Upload(id=upload, wanted=found.wanted, received=len(found.data), created_at=found.created_at)

    def write(self, project: str, owner: UUID, upload: UUID, *, offset: int) -> MemoryWriter:
        """See :class:`~hops_platform.engines.files.ProjectUploads`."""
        self.check()
        with self.disk.lock:
            found = self._hold((project, owner, upload))
            if len(found.data) != offset:
                found.held = False
                raise ConflictError(f"{len(found.data)} bytes of this upload are here; what comes next begins there.")
            return MemoryWriter(found)

    def finish(self, project: str, owner: UUID, upload: UUID, *, leave: Leave | None = None) -> Entry:
        """See :class:`~hops_platform.engines.files.ProjectUploads`."""
        self.check()
        key = (project, owner, upload)
        with self.disk.lock:
            if key in self.finished:
                return self.finished[key]
            with MemoryWriter(self._hold(key)) as held:
                (leave or no_end()).check()
                entry = held.put_in_place(self.disk)
            self.finished[key] = entry
            del self.under_way[key]
            return entry

    def find_finished(self, project: str, owner: UUID, upload: UUID) -> Entry | None:
        """See :class:`~hops_platform.engines.files.ProjectUploads`."""
        self.check()
        return self.finished.get((project, owner, upload))

    def announced(self, project: str) -> int:
        """See :class:`~hops_platform.engines.files.ProjectUploads`."""
        self.check()
        with self.disk.lock:
            return sum(one.wanted.size for (name, _, _), one in self.under_way.items() if name == project)

    def cancel(self, project: str, owner: UUID, upload: UUID) -> int:
        """See :class:`~hops_platform.engines.files.ProjectUploads`."""
        self.check()
        with self.disk.lock:
            cancelled = self.under_way.pop((project, owner, upload), None)
            return 0 if cancelled is None else cancelled.wanted.size

    def sweep(self, *, before: datetime) -> None:
        """See :class:`~hops_platform.engines.files.ProjectUploads`."""
        self.check()
        with self.disk.lock:
            self.under_way = {key: one for key, one in self.under_way.items() if one.touched >= before}

    def _incoming(self, key: _Key) -> _Incoming:
        found = self.under_way.get(key)
        if found is None:
            raise NotFoundError("There is no such upload of yours.")
        return found

    def _hold(self, key: _Key) -> _Incoming:
        found = self._incoming(key)
        if found.held:
            raise ConflictError("This upload is being written already.")
        found.held = True
        return found


class MemoryWriter:
    """See :class:`~hops_platform.engines.files.UploadWriter`."""

    def __init__(self, incoming: _Incoming) -> None:
        self._incoming = incoming

    @property
    def received(self) -> int:
        """See :class:`~hops_platform.engines.files.UploadWriter`."""
        return len(self._incoming.data)

    @property
    def missing(self) -> int:
        """See :class:`~hops_platform.engines.files.UploadWriter`."""
        return self._incoming.wanted.size - self.received

    def write(self, data: bytes | bytearray) -> None:
        """See :class:`~hops_platform.engines.files.UploadWriter`."""
        room = self.missing
        self._incoming.data += data[:room]
        self._incoming.touched = now()
        if len(data) > room:
            raise TooLargeError(f"This upload was announced with {self._incoming.wanted.size} bytes.")

    def put_in_place(self, disk: MemoryDisk) -> Entry:
        """Puts the whole file in its place; see :class:`~hops_platform.engines.files.ProjectUploads`."""
        wanted, data = self._incoming.wanted, bytes(self._incoming.data)
        if self.missing:
            raise ConflictError(f"{self.received} of {wanted.size} bytes are here.")
        if wanted.sha256 is not None and hashlib.sha256(data).hexdigest() != wanted.sha256:
            raise ConflictError("The checksum is another: what came is not what was sent.")
        nodes = disk.folder(wanted.target.parent, make=True).nodes
        if wanted.replace and isinstance(nodes.get(wanted.target.name), MemoryFile):
            del nodes[wanted.target.name]
        return disk.put(wanted.target, MemoryFile(data))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._incoming.held = False
