"""Mounts and unmounts in a running sandbox: a program of its own, as only a single thread can enter a user namespace.

``python -I -S …/entering.py detach PID NAMESPACE POINT …`` takes away what is mounted at each POINT.
``python -I -S …/entering.py attach PID NAMESPACE POINT DESCRIPTOR MODE`` mounts the folder that is open as DESCRIPTOR
at POINT, MODE being ``read`` or ``write``.
``python -I -S …/entering.py read|write PID NAMESPACE NUMBER POINT …`` lets code of the sandbox only read, or write as
well, what is mounted at each POINT, if the kernel's number of that mount is the NUMBER before it.

All do so in the mount namespace of process PID, if that is the one with the number NAMESPACE.

Who made a user namespace has all rights in it: a sandbox's mounts belong to the one that bubblewrap made first, with
this user's id, so no administrator is needed. Processes in the sandbox live in another one, inside it, and have none.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import socket
import sys
from pathlib import Path

_NS_GET_USERNS = 0xB701
_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_MNT_DETACH, _UMOUNT_NOFOLLOW = 2, 8
# The same numbers on all architectures.
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442
_OPEN_TREE_CLONE, _AT_EMPTY_PATH, _MOVE_MOUNT_F_EMPTY_PATH, _AT_FDCWD = 1, 0x1000, 4, -100
_RDONLY, _NOSUID, _NODEV, _PRIVATE = 1, 2, 4, 1 << 18
GONE = 3
"""Exit status: nothing was done there."""
BUSY = 4
"""Exit status: of what is to be read only, something is open for writing, or has moved; the rest is done."""
_LIBC = ctypes.CDLL(None, use_errno=True)


class _Attributes(ctypes.Structure):
    """``struct mount_attr`` of mount_setattr(2)."""

    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def enter(thread: str, namespace: int) -> bool:
    """Enters the mount namespace of a thread, given by its folder in ``/proc``; whether it is the one that was meant.

    Raises:
        OSError: It can't be entered.
    """
    mounts = os.open(f"{thread}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    if os.fstat(mounts).st_ino != namespace or Path("/proc/self/ns/mnt").stat().st_ino == namespace:
        return False
    owner = fcntl.ioctl(mounts, _NS_GET_USERNS)
    if os.fstat(owner).st_ino != Path("/proc/self/ns/user").stat().st_ino:
        _checked(_LIBC.setns(owner, _CLONE_NEWUSER))
    _checked(_LIBC.setns(mounts, _CLONE_NEWNS))
    return True


def detach(point: str) -> None:
    """Detaches all that is mounted at ``point``, one over the other.

    Raises:
        OSError: It can't be detached.
    """
    while True:
        try:
            _checked(_LIBC.umount2(os.fsencode(point), _MNT_DETACH | _UMOUNT_NOFOLLOW))
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT):
                return  # nothing is mounted there (any more)
            raise


def cloned(folder: int, *, writes: bool) -> int:
    """A mount of an open folder, by itself, that can be put into another namespace.

    Raises:
        OSError: This kernel does not do it.
    """
    try:
        return _clone(folder, writes=writes)
    except PermissionError:
        return _cloned_apart(folder, writes=writes)


def _cloned_apart(folder: int, *, writes: bool) -> int:
    """The same by a child in a namespace of its own, where nobody has to be an administrator for it."""
    here, there = socket.socketpair()
    child = os.fork()
    if child == 0:
        try:
            _checked(_LIBC.unshare(_CLONE_NEWUSER | _CLONE_NEWNS))
            # What was opened before belongs to the namespace that was left: the same folder, seen from here.
            path = str(Path(f"/proc/self/fd/{folder}").readlink())
            seen = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            if os.path.sameopenfile(seen, folder):
                socket.send_fds(there, [b"."], [_clone(seen, writes=writes)])
        finally:
            os._exit(0)
    there.close()
    _, descriptors, _, _ = socket.recv_fds(here, 1, 1)
    os.waitpid(child, 0)
    if not descriptors:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
    return descriptors[0]


def _clone(folder: int, *, writes: bool) -> int:
    tree = int(_LIBC.syscall(_OPEN_TREE, folder, b"", _OPEN_TREE_CLONE | _AT_EMPTY_PATH | os.O_CLOEXEC))
    _checked(tree < 0)
    attributes = _Attributes(_NOSUID | _NODEV | (0 if writes else _RDONLY), 0, _PRIVATE, 0)
    size = ctypes.sizeof(attributes)
    _checked(_LIBC.syscall(_MOUNT_SETATTR, tree, b"", _AT_EMPTY_PATH, ctypes.byref(attributes), size))
    return tree


def attach(tree: int, point: str) -> None:
    """Mounts what :func:`cloned` gave.

    Raises:
        OSError: There is no such place, or this kernel does not do it.
    """
    _checked(_LIBC.syscall(_MOVE_MOUNT, tree, b"", _AT_FDCWD, os.fsencode(point), _MOVE_MOUNT_F_EMPTY_PATH))


def let(mounts: list[tuple[int, str]], descriptions: int, *, write: bool) -> bool:
    """Lets what is mounted at some points be written, or be read only; whether nothing was in the way.

    Args:
        mounts: Number and point of each. Where something else is mounted (by now), nothing is done; of what is to be
            read only that is in the way, as code moves folders while it is looked for.
        descriptions: This process's ``/proc/self/fdinfo``, which is not seen from within.
        write: Whether it may be written.

    Raises:
        OSError: This kernel does not do it.
    """
    attributes = _Attributes(0, _RDONLY, 0, 0) if write else _Attributes(_RDONLY, 0, 0, 0)
    done = True
    for number, point in mounts:
        try:
            folder = os.open(point, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            done = done and write
            continue
        try:
            # By its number: a path may lead elsewhere than it did, and what others may only read stays so.
            if _mount_of(folder, descriptions) == number:
                size = ctypes.sizeof(attributes)
                _checked(_LIBC.syscall(_MOUNT_SETATTR, folder, b"", _AT_EMPTY_PATH, ctypes.byref(attributes), size) < 0)
            else:
                done = done and write
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            done = False
        finally:
            os.close(folder)
    return done


def _mount_of(folder: int, descriptions: int) -> int:
    with os.fdopen(os.open(str(folder), os.O_RDONLY, dir_fd=descriptions), "rb") as file:
        return int(file.read().partition(b"mnt_id:")[2].split(maxsplit=1)[0])


def _let(thread: str, namespace: int, words: list[str], *, write: bool) -> int:
    mounts = [(int(number), point) for number, point in zip(words[::2], words[1::2], strict=True)]
    descriptions = os.open("/proc/self/fdinfo", os.O_RDONLY | os.O_DIRECTORY)
    try:
        entered = enter(thread, namespace)
    except (FileNotFoundError, ProcessLookupError):
        return GONE
    if not entered:
        return GONE
    return 0 if let(mounts, descriptions, write=write) else BUSY


def main(arguments: list[str]) -> int:
    """Does it, or tells by :data:`GONE` that the thread has ended before."""
    verb, thread, namespace, *rest = arguments
    try:
        if verb in ("read", "write"):
            return _let(thread, int(namespace), rest, write=verb == "write")
        tree = cloned(int(rest[1]), writes=rest[2] == "write") if verb == "attach" else -1
        try:
            entered = enter(thread, int(namespace))
        except (FileNotFoundError, ProcessLookupError):
            return GONE
        if not entered:
            return GONE
        if verb == "attach":
            attach(tree, rest[0])
        else:
            for point in rest:
                detach(point)
    except OSError as error:
        sys.stderr.write(f"{errno.errorcode.get(error.errno or 0, 'unknown')}\n")
        return 1
    return 0


def _checked(failed: int) -> None:
    if failed:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
