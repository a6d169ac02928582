"""Files on their way, on the local disk: ``HOPS_HOME/projects/.uploads/<project>/<owner>.<id>/{about.json,data}``.

There no tenant's code sees them, and it is the disk that the projects lie on, so that a finished file appears in its
place in one step.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

from hops_contract.layout import Home
from hops_contract.wiping import wipe_folder
from hops_platform.adapters.disk import check_room, full_disk_told
from hops_platform.adapters.storage.beneath import FILE_MODE, entry_of, make_own, open_beneath, rename_new, told
from hops_platform.database import new_id, now
from hops_platform.engines.files import Entry, EntryKind, NewUpload, Upload
from hops_platform.engines.leave import Leave, no_end
from hops_platform.engines.places import Place, parse_place
from hops_platform.errors import ConflictError, NotFoundError, TooLargeError, TooManyError

MOST_OF_ONE = 200
"""Uploads of one user under way in one project."""
_ABOUT = "about.json"
_DATA = "data"
_FINISHED = "finished"
"""A folder beside the uploads: what was answered about those that have ended."""
_PIECE = 4 * 1024 * 1024
Deliver = Callable[[Path, NewUpload, Leave], Entry | None]
"""Puts a whole file in its place elsewhere, and looks for leave just before it appears; ``None``: it belongs here."""


class LocalUploads:
    """Uploads below ``HOPS_HOME/projects/.uploads``.

    Args:
        home: The platform's home.
        deliver: Puts a whole file in its place, where that is not on this disk; by default it is.
    """

    def __init__(self, home: Home, deliver: Deliver | None = None) -> None:
        self._home = home
        self._deliver = deliver

    def begin(self, owner: UUID, wanted: NewUpload, *, upload: UUID | None = None) -> Upload:
        """See :class:`~hops_platform.engines.files.ProjectUploads`."""
        if upload is not None:
            with suppress(NotFoundError):
                return self.find(wanted.target.project, owner, upload)
        all_uploads = self._home.uploads(wanted.target.project)
        with full_disk_told():
            make_own(all_uploads, below=self._home.projects)
            check_room(all_uploads, wanted.size, what="this file")
            if sum(name.startswith(owner.hex) for name in os.listdir(all_uploads)) >= MOST_OF_ONE:  # noqa: PTH208
                raise TooManyError(
                    f"{MOST_OF_ONE} of your uploads to this project are under way.",
                    remedy="Finish or cancel some of them.",
                    retry_after_s=60,
                )
            begun = Upload(id=upload or new_id(), wanted=wanted, received=0, created_at=now())
            folder = self._folder(wanted.target.project, owner, begun.id)
            # Whoever was killed in here has left it half made.
            folder.mkdir(mode=0o700, exist_ok=True)
            os.close(os.open(folder / _DATA, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))
            # Last, and at once: without it there is no upload.
            _write_whole(folder / _ABOUT, _as_text(begun))
        return begun

    def find(self, project: str, owner: UUID, upload: UUID) -> Upload:
        """See :class:`~hops_platform.engines.files.ProjectUploads`."""
        folder = self._folder(project, owner, upload)
        try:
            about = json.loads((folder / _ABOUT).read_text())
            received = (folder / _DATA).stat().st_size
        except FileNotFoundError as error:
            raise _absent() from error
        wanted = NewUpload(
            target=parse_place(project, about["dataset"], about["path"]),
            size=about["size"],
            sha256=about["sha256"],
            replace=about["replace"],
        )
        created = datetime.fromisoformat(about["created_at"])
        return Upload(id=upload, wanted=wanted, received=received, created_at=created)

    def write(self, project: str, owner: UUID, upload: UUID, *, offset: int) -> LocalWriter:
        """See :class:`~hops_platform.engines.files.ProjectUploads`."""
        found = self.find(project, owner, upload)
        writer = LocalWriter(self._folder(project, owner, upload), found.wanted.size)
        if writer.received != offset:
            writer.close()
            raise ConflictError(
                f"{writer.received} bytes of this upload are here; what comes next begins there.",
                remedy=f"Send what follows with offset={writer.received}.",
            )
        return writer

    def finish(self, project: str, owner: UUID, upload: UUID, *, leave: Leave | None = None) -> Entry:
        """See :class:`~hops_platform.engines.files.ProjectUploads`."""
        try:
            return self._finish(project, owner, upload, leave or no_end())
        except NotFoundError:
            # Another call may have finished it, whose answer was lost.
            if (finished := self.find_finished(project, owner, upload)) is not None:
                return finished
            raise

    def find_finished(self, project: str, owner: UUID, upload: UUID) -> Entry | None:
        """See :class:`~hops_platform.engines.files.ProjectUploads`."""
        try:
            told = json.loads(self._finished(project, owner, upload).read_text())
        except FileNotFoundError:
            return None
        modified = datetime.fromisoformat(told["modified"])
        return Entry(name=told["name"], kind=EntryKind.FILE, size=told["size"], modified=modified)

    def _finish(self, project: str, owner: UUID, upload: UUID, leave: Leave) -> Entry:
        folder = self._folder(project, owner, upload)
        with _ending(folder, alone=True), LocalWriter(folder, self.find(project, owner, upload).wanted.size) as held:
            wanted = self.find(project, owner, upload).wanted
            held.check_whole(wanted)
            entry = None if self._deliver is None else self._deliver(folder / _DATA, wanted, leave)
            if entry is None:
                leave.check()
                entry = self._put_in_place(folder, wanted)
            finished = self._finished(project, owner, upload)
            # The file is where it belongs; where this can't be kept, a call repeated is told that there is no upload.
            with suppress(OSError):
                finished.parent.mkdir(mode=0o700, exist_ok=True)
                told = {"name": entry.name, "size": entry.size, "modified": entry.modified.isoformat()}
                _write_whole(finished, json.dumps(told))
            # While it is held: nobody who gives it up after this finds it.
            wipe_folder(folder)
        return entry

    def announced(self, project: str) -> int:
        """See :class:`~hops_platform.engines.files.ProjectUploads`."""
        total = 0
        for about in self._home.uploads(project).glob(f"*/{_ABOUT}"):
            # One that ends at this moment is a file already, or nothing.
            with suppress(FileNotFoundError, NotADirectoryError):
                about.with_name(_DATA).lstat()
                total += int(json.loads(about.read_text())["size"])
        return total

    def cancel(self, project: str, owner: UUID, upload: UUID) -> int:
        """See :class:`~hops_platform.engines.files.ProjectUploads`."""
        folder, size = self._folder(project, owner, upload), 0
        with suppress(NotFoundError), _ending(folder, alone=False):
            with suppress(NotFoundError, FileNotFoundError):
                found = self.find(project, owner, upload).wanted.size
                # Of two at the same moment one removes it, and tells its size.
                (folder / _ABOUT).unlink()
                size = found
            wipe_folder(folder)
        return size

    def sweep(self, *, before: datetime) -> None:
        """See :class:`~hops_platform.engines.files.ProjectUploads`."""
        for finished in (self._home.projects / ".uploads").glob(f"*/{_FINISHED}/*"):
            with suppress(FileNotFoundError):
                if finished.lstat().st_mtime < before.timestamp():
                    finished.unlink()
        for folder in (self._home.projects / ".uploads").glob("*/*"):
            if folder.name == _FINISHED:
                continue
            with suppress(FileNotFoundError):
                touched = max(path.lstat().st_mtime for path in (folder, *folder.glob(_DATA)))
                if touched < before.timestamp():
                    wipe_folder(folder)

    def _put_in_place(self, folder: Path, wanted: NewUpload) -> Entry:
        target = wanted.target
        parent = (target.project, target.dataset, *target.parent.parts)
        with (
            told(target),
            open_beneath(self._home.projects, parent, make_from=2) as place,
            open_beneath(folder, ()) as draft,
        ):
            if wanted.replace:
                # A folder is not replaced: the system refuses that.
                os.rename(_DATA, target.name, src_dir_fd=draft, dst_dir_fd=place)
            else:
                rename_new(_DATA, target.name, source_at=draft, target_at=place)
            os.fsync(place)
            return entry_of(target.name, at=place)

    def _folder(self, project: str, owner: UUID, upload: UUID) -> Path:
        return self._home.uploads(project) / f"{owner.hex}.{upload.hex}"

    def _finished(self, project: str, owner: UUID, upload: UUID) -> Path:
        return self._home.uploads(project) / _FINISHED / f"{owner.hex}.{upload.hex}"


class LocalWriter:
    """Holds the data of an upload; see :class:`~hops_platform.engines.files.UploadWriter`.

    Args:
        folder: The upload's folder.
        size: How many bytes were announced.

    Raises:
        ConflictError: Somebody else holds it.
        NotFoundError: It is gone.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self._size = size
        # Whoever gives up waiting for a write closes only after it: else the number could be another file's by then.
        self._writing = threading.Lock()
        try:
            self._file = os.open(folder / _DATA, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise _absent() from error
        try:
            self._hold(folder)
        except BaseException:
            os.close(self._file)
            raise
        self.received = os.fstat(self._file).st_size

    def _hold(self, folder: Path) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConflictError(
                "This upload is being written already.",
                remedy="Wait until that call has ended, then ask how far it is.",
            ) from error
        try:
            # It may have been put in its place before it was held: there nobody may write it any more.
            same = os.path.samestat(os.fstat(self._file), os.lstat(folder / _DATA))
        except FileNotFoundError:
            same = False
        if not same:
            raise _absent()

    @property
    def missing(self) -> int:
        """See :class:`~hops_platform.engines.files.UploadWriter`."""
        return self._size - self.received

    def write(self, data: bytes | bytearray) -> None:
        """See :class:`~hops_platform.engines.files.UploadWriter`."""
        room = self.missing
        with self._writing, full_disk_told():
            view = memoryview(data)[:room]
            while view:
                written = os.pwrite(self._file, view, self.received)
                self.received += written
                view = view[written:]
        if len(data) > room:
            raise TooLargeError(
                f"This upload was announced with {self._size} bytes.", remedy="Announce it anew with its whole size."
            )

    def check_whole(self, wanted: NewUpload) -> None:
        """Checks that all is here and as it was announced, and that it outlives a loss of power.

        Raises:
            ConflictError: It is not.
        """
        if self.received != wanted.size:
            raise ConflictError(
                f"{self.received} of {wanted.size} bytes are here.",
                remedy=f"Send what follows with offset={self.received}.",
            )
        with full_disk_told():
            os.fsync(self._file)
        if wanted.sha256 is not None and self._digest() != wanted.sha256:
            raise ConflictError(
                "The checksum is another: what came is not what was sent.",
                remedy="Cancel this upload and send it anew.",
            )

    def _digest(self) -> str:
        digest, position = hashlib.sha256(), 0
        while piece := os.pread(self._file, _PIECE, position):
            digest.update(piece)
            position += len(piece)
        return digest.hexdigest()

    def close(self) -> None:
        """Lets others hold it."""
        with self._writing:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def _ending(folder: Path, *, alone: bool) -> Iterator[None]:
    """Ends an upload: nobody gives it up while it is put in its place, which is done ``alone``, nor the other way.

    Raises:
        ConflictError: Somebody is at it.
        NotFoundError: It is gone.
    """
    try:
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise _absent() from error
    try:
        fcntl.flock(held, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(held)
        raise ConflictError(
            "This upload is being ended at this moment.", remedy="Wait, then look whether the file is there."
        ) from error
    try:
        yield
    finally:
        os.close(held)


def _write_whole(path: Path, text: str) -> None:
    draft = path.with_name(f"{path.name}.part")
    draft.write_text(text)
    draft.rename(path)


def _absent() -> NotFoundError:
    return NotFoundError(
        "There is no such upload of yours; it may have been finished, cancelled, or left for too long.",
        remedy="Look whether the file is there; else upload it anew.",
    )


def _as_text(upload: Upload) -> str:
    target: Place = upload.wanted.target
    return json.dumps(
        {
            "dataset": target.dataset,
            "path": target.path,
            "size": upload.wanted.size,
            "sha256": upload.wanted.sha256,
            "replace": upload.wanted.replace,
            "created_at": upload.created_at.isoformat(),
        }
    )
