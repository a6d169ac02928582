"""Ways into folders that a tenant's code writes to at the same moment.

A path that was checked leads elsewhere a moment later: a folder in it was swapped for a link. So nothing here is opened
by a path. Each folder is opened in the one before it, by a descriptor, and never through a link; what was opened
stays what it is, whatever becomes of its name.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from hops_contract.opened_up import open_up
from hops_platform.adapters.disk import full_disk_told
from hops_platform.engines.files import Entry, EntryKind
from hops_platform.engines.places import Place
from hops_platform.errors import ConflictError, InvalidRequestError, NotFoundError, PlatformError

FOLDER_MODE = 0o750
FILE_MODE = 0o640
MOST_LISTED = 200_000
"""Entries of one folder: for each page all their names are read, which is a fifth of a second for so many."""
# Without waiting: neither for the other end of a pipe, nor for whoever holds a lease on the file.
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_RENAME_NOREPLACE = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ENODEV})
_CONFLICTS = (
    (
        {errno.EEXIST, errno.ENOTEMPTY, errno.EISDIR},
        "There is something at '{place}' already.",
        "Choose another name.",
    ),
    (
        {errno.EACCES, errno.EPERM, errno.EROFS},
        "'{place}' is closed by its own permissions.",
        "Change them in a notebook: chmod u+rwx.",
    ),
    ({errno.EAGAIN, errno.EBUSY, errno.ETXTBSY}, "'{place}' is in use.", "Try again when it is no longer written."),
)


@contextmanager
def open_beneath(root: Path, parts: Sequence[str], *, make_from: int | None = None) -> Iterator[int]:
    """The descriptor of a folder below ``root``, reached through no link.

    Args:
        root: A folder of the platform's own.
        parts: The names that lead to it.
        make_from: From which of them on folders that are missing are made; ``None`` for none.

    Raises:
        OSError: One of them is missing, is a link, or is no folder.
    """
    current = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for position, part in enumerate(parts):
            if make_from is not None and position >= make_from:
                with suppress(FileExistsError):
                    os.mkdir(part, FOLDER_MODE, dir_fd=current)
            following = os.open(part, _FOLDER, dir_fd=current)
            os.close(current)
            current = following
        yield current
    finally:
        os.close(current)


@contextmanager
def open_folder(name: str, *, at: int) -> Iterator[int]:
    """The descriptor of the folder ``name`` in another; never through a link."""
    descriptor = os.open(name, _FOLDER, dir_fd=at)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def open_project(projects: Path, project: str) -> Iterator[int]:
    """The descriptor of a project's folder, opened up; it is made if it is missing."""
    projects.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    with open_beneath(projects, ()) as all_projects:
        with suppress(FileExistsError):
            os.mkdir(project, FOLDER_MODE, dir_fd=all_projects)
        with open_up(project, at=all_projects) as folder:
            yield folder


def is_folder(name: str, *, at: int) -> bool:
    """Whether a folder has this name, and no link to one."""
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


def bounded(found: Iterator[os.DirEntry[str]], *, remedy: str) -> Iterator[os.DirEntry[str]]:
    """The entries of a folder, as long as they are few enough to be gone through for each page of them.

    Raises:
        ConflictError: There are more.
    """
    for number, entry in enumerate(found):
        if number >= MOST_LISTED:
            raise ConflictError(
                f"There are more than {MOST_LISTED:,} entries here; no more can be listed.", remedy=remedy
            )
        yield entry


def open_regular(name: str, *, at: int) -> tuple[int, os.stat_result]:
    """The descriptor of a file, and what the system says of it.

    Raises:
        InvalidRequestError: It is no file.
        OSError: It is not there, or is a link.
    """
    descriptor = os.open(name, READ, dir_fd=at)
    try:
        status = os.fstat(descriptor)
        _check_regular(name, status.st_mode)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, status


def _check_regular(name: str, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise InvalidRequestError(f"{name!r} is no file.", remedy="Choose a file.")


def rename_new(source: str, target: str, *, source_at: int, target_at: int) -> None:
    """Renames in one step, and never over something.

    On a file system without such a step, such as NFS, what appears between a look and the step is lost.

    Raises:
        FileExistsError: There is something.
        OSError: As of ``os.rename``.
    """
    failed = _LIBC.renameat2(source_at, os.fsencode(source), target_at, os.fsencode(target), _RENAME_NOREPLACE)
    if not failed:
        return
    number = ctypes.get_errno()
    if number not in (errno.EINVAL, errno.ENOSYS):
        raise OSError(number, os.strerror(number))
    # Either a folder into itself, or a file system that does not know this.
    if exists(target, at=target_at):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    os.rename(source, target, src_dir_fd=source_at, dst_dir_fd=target_at)


def exists(name: str, *, at: int) -> bool:
    """Whether anything has this name in a folder."""
    try:
        os.stat(name, dir_fd=at, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def make_own(folder: Path, *, below: Path) -> None:
    """Makes a folder of the platform's own, and those that lead to it from ``below``, closed to everybody else."""
    below.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    for above in reversed(folder.relative_to(below).parents[:-1]):
        (below / above).mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def entry_of(name: str, *, at: int) -> Entry:
    """What lies in a folder under ``name``.

    Raises:
        OSError: Nothing.
    """
    return entry_from(name, os.stat(name, dir_fd=at, follow_symlinks=False))


def entry_from(name: str, status: os.stat_result) -> Entry:
    """What the system says of something, in the words of the port."""
    kind = _kind(status.st_mode)
    size = status.st_size if kind is EntryKind.FILE else None
    return Entry(name=name, kind=kind, size=size, modified=moment(status.st_mtime))


def moment(seconds: float) -> datetime:
    """A time of the file system; anybody can set it to what no calendar has."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _kind(mode: int) -> EntryKind:
    if stat.S_ISREG(mode):
        return EntryKind.FILE
    if stat.S_ISDIR(mode):
        return EntryKind.FOLDER
    return EntryKind.LINK if stat.S_ISLNK(mode) else EntryKind.OTHER


@contextmanager
def told(place: Place) -> Iterator[None]:
    """Makes the operating system's errors about ``place`` those of the platform; no path of the host is in them.

    Raises:
        PlatformError: In place of an ``OSError`` that has a cause outside the platform.
    """
    try:
        with full_disk_told():
            yield
    except OSError as error:
        known = _problem(error.errno, place)
        if known is None:
            raise
        raise known from error


def _problem(number: int | None, place: Place) -> PlatformError | None:
    if number in _ABSENT:
        return NotFoundError(
            f"There is no '{place}', or a link leads there.", remedy="Read the folder again. Links are not followed."
        )
    if number == errno.EINVAL:
        return InvalidRequestError("A folder can't be put into itself.", remedy="Choose another folder.")
    if number == errno.ENAMETOOLONG:
        return InvalidRequestError("The name is too long for the platform's disk.", remedy="Choose a shorter one.")
    for numbers, detail, remedy in _CONFLICTS:
        if number in numbers:
            return ConflictError(detail.format(place=place), remedy=remedy)
    return None
