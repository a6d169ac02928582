"""The files in projects' datasets: two ports, for what lies there and for what is on its way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import TracebackType
from typing import BinaryIO, Protocol, Self
from uuid import UUID

from hops_platform.engines.leave import Leave
from hops_platform.engines.places import Place


class EntryKind(StrEnum):
    """What lies somewhere."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    """Leads elsewhere; it is shown, moved and deleted, and never followed."""
    OTHER = "other"
    """A pipe, a socket or a device: it is shown and deleted, and never opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What lies somewhere.

    Attributes:
        name: Its name in its folder.
        kind: What it is.
        size: Bytes of a file; ``None`` for everything else.
        modified: When it was last written.
    """

    name: str
    kind: EntryKind
    size: int | None
    modified: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One page of a folder.

    Attributes:
        entries: What lies there, by name.
        next: The name after which the next page begins; ``None`` at the end.
    """

    entries: Sequence[Entry]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedFile:
    """A file to be read.

    Attributes:
        file: Its bytes; whoever asked for it closes it.
        size: How many there were when it was opened.
        modified: When it was last written.
        version: Another text for each content, as far as the file system can tell.
    """

    file: BinaryIO
    size: int
    modified: datetime
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What was copied.

    Attributes:
        entries: Files and folders.
        size: Bytes.
        left_out: Links, pipes and the like, which are not copied.
    """

    entries: int
    size: int
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrashItem:
    """Something in a project's trash.

    Attributes:
        id: Later ones are larger.
        dataset: The dataset that it lay in, or was.
        path: Where in it; empty for a whole dataset.
        kind: What it is.
        description: Of a whole dataset.
        deleted_by: The user's name.
        deleted_at: When.
    """

    id: UUID
    dataset: str
    path: str
    kind: EntryKind
    description: str
    deleted_by: str
    deleted_at: datetime


class ProjectFiles(Protocol):
    """What lies in projects' datasets, and their trash.

    Must be thread-safe, and keep its word whatever a tenant's code does to the same folders at the same moment: nothing
    outside the named dataset is ever read, written, moved or deleted, and nothing makes a call wait for the tenant.

    All calls raise :class:`~hops_platform.errors.NotFoundError` for what is not there,
    :class:`~hops_platform.errors.ConflictError` for what stands in the way, and
    :class:`~hops_platform.errors.StorageFullError` where no room is left.
    """

    def list_folder(self, place: Place, *, limit: int, after: str | None = None) -> Listing:
        """A page of a folder, by name, in memory that does not grow with the folder.

        Raises:
            ConflictError: It holds more than can be listed.
        """
        ...

    def stat(self, place: Place) -> Entry:
        """What lies at ``place``."""
        ...

    def open_file(self, place: Place) -> OpenedFile:
        """Opens a file for reading; anything else is an :class:`~hops_platform.errors.InvalidRequestError`."""
        ...

    def make_folder(self, place: Place) -> Entry:
        """Makes a folder in one that is there."""
        ...

    def move(self, source: Place, target: Place) -> Entry:
        """Moves or renames in one step; what is at ``target`` is never replaced."""
        ...

    def moves_slowly(self, project: str, what: Place | UUID | None, *, into: str | None = None) -> bool:
        """Whether a move takes a while, since it works through much that is moved; cheap to be asked.

        Args:
            project: Whose it is.
            what: A place, something in the trash, or all of the trash where it is given up.
            into: The dataset that it comes into; ``None`` for the trash, and where it goes from there.
        """
        ...

    def copy(
        self, source: Place, target: Place, *, most_entries: int, most_bytes: int, leave: Leave | None = None
    ) -> Copied:
        """Copies files and folders, which appear at ``target`` all at once; nothing there is replaced.

        Where ``leave`` ends meanwhile, nothing appears.

        Raises:
            TooLargeError: There is more than may be copied in one call; nothing is left of it.
        """
        ...

    def trash(self, place: Place, *, by: str) -> TrashItem:
        """Moves something to the trash, where no tenant's code reaches it."""
        ...

    def trash_dataset(self, place: Place, *, item: UUID, description: str, by: str) -> None:
        """Moves a dataset's whole folder to the trash as ``item``; can be repeated."""
        ...

    def list_trash(self, project: str, *, limit: int, before: UUID | None = None) -> Sequence[TrashItem]:
        """What is in the trash, the latest first.

        Raises:
            ConflictError: It holds more than can be listed.
        """
        ...

    def find_in_trash(self, project: str, item: UUID) -> TrashItem:
        """One thing in the trash."""
        ...

    def restore(self, project: str, item: UUID, *, target: Place) -> Entry:
        """Moves something out of the trash; the folders that lead to ``target`` are made."""
        ...

    def restore_dataset(self, place: Place, *, item: UUID) -> None:
        """Makes ``item`` the folder of a dataset; can be repeated. What is there already is kept beside it."""
        ...

    def measure(self, project: str) -> int:
        """Bytes of all files in the project's datasets and its trash; may take long, and takes little of the machine.

        A file counts as large as it says it is, also where little of it is on the disk.
        """
        ...

    def empty_trash(self, project: str) -> None:
        """Gives up all that is in the trash, at once; :meth:`sweep` removes it."""
        ...

    def sweep(self, *, before: datetime) -> None:
        """Removes what was given up, and what was begun before a moment and never ended."""
        ...


class ProjectArchives(Protocol):
    """Zip archives of what lies in datasets. Must be thread-safe, and keep the word of :class:`ProjectFiles`.

    What is made appears at ``target`` all at once; nothing there is replaced, and nothing is left of what failed, or
    whose ``leave`` ended meanwhile.
    """

    def pack(
        self, source: Place, target: Place, *, most_entries: int, most_bytes: int, leave: Leave | None = None
    ) -> Copied:
        """Packs a file or a folder; what is no file or folder in it is left out.

        Raises:
            TooLargeError: There is more than may be packed in one call.
        """
        ...

    def unpack(
        self, source: Place, target: Place, *, most_entries: int, most_bytes: int, leave: Leave | None = None
    ) -> Copied:
        """Unpacks an archive, whoever made it, into a new folder; links in it are left out.

        Raises:
            InvalidRequestError: It is none, is broken, or has a name in it that no place has.
            StorageFullError: There is less room than it needs.
            TooLargeError: There is more in it than may be unpacked in one call.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUpload:
    """A file that somebody wants to send.

    Attributes:
        target: Where it goes.
        size: Its bytes.
        sha256: Its checksum in hexadecimal digits, or ``None``.
        replace: Whether a file that is there is replaced.
    """

    target: Place
    size: int
    sha256: str | None
    replace: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file on its way.

    Attributes:
        id: Its key.
        wanted: What was announced.
        received: How many bytes are here.
        created_at: When it was announced.
    """

    id: UUID
    wanted: NewUpload
    received: int
    created_at: datetime


class UploadWriter(Protocol):
    """Takes bytes of an upload, to be used in a ``with``; nobody else writes the same upload meanwhile."""

    @property
    def received(self) -> int:
        """How many bytes of the upload are here."""
        ...

    @property
    def missing(self) -> int:
        """How many bytes of it are still to come."""
        ...

    def write(self, data: bytes | bytearray) -> None:
        """Adds bytes.

        Raises:
            TooLargeError: They are more than were announced; those that were announced are kept.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class ProjectUploads(Protocol):
    """Files on their way into datasets. An upload belongs to a user: for others it does not exist.

    Until it is finished, nothing of it lies where a tenant's code sees it. Must be thread-safe.
    """

    def begin(self, owner: UUID, wanted: NewUpload, *, upload: UUID | None = None) -> Upload:
        """Announces a file.

        With the key of an ``upload`` it can be repeated: what has come of it is there still.

        Raises:
            StorageFullError: There is less room than it needs.
            TooManyError: The owner has as many uploads under way in this project as one may have.
        """
        ...

    def find(self, project: str, owner: UUID, upload: UUID) -> Upload:
        """How far it is.

        Raises:
            NotFoundError: There is none; it may have been finished, cancelled or left behind for too long.
        """
        ...

    def write(self, project: str, owner: UUID, upload: UUID, *, offset: int) -> UploadWriter:
        """Continues it.

        Raises:
            ConflictError: ``offset`` is not the number of bytes that are here, or it is being written already.
            NotFoundError: See :meth:`find`.
        """
        ...

    def finish(self, project: str, owner: UUID, upload: UUID, *, leave: Leave | None = None) -> Entry:
        """Puts the whole file in its place in one step, folders that lead there included.

        Repeated within a day, it does nothing and answers the same. Where ``leave`` has ended, the upload stays where
        it is.

        Raises:
            ConflictError: Bytes are missing, the checksum is another, or something is there that must not be replaced.
            NotFoundError: See :meth:`find`, or the dataset is gone.
        """
        ...

    def find_finished(self, project: str, owner: UUID, upload: UUID) -> Entry | None:
        """What :meth:`finish` answered; ``None`` for what was not finished lately."""
        ...

    def cancel(self, project: str, owner: UUID, upload: UUID) -> int:
        """Removes it; does nothing if there is none.

        Returns:
            The bytes that were announced; 0 unless it was this call that removed it, before it was a file anywhere.

        Raises:
            ConflictError: It is being put in its place at this moment.
        """
        ...

    def announced(self, project: str) -> int:
        """Bytes of all uploads to a project that are under way, as many as they will have."""
        ...

    def sweep(self, *, before: datetime) -> None:
        """Removes those that nobody has sent anything of since ``before``."""
        ...
