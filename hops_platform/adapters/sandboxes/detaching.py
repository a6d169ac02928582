"""``python -I -S …/detaching.py PID NAMESPACE POINT …``: takes mounts away from a running sandbox.

It enters the mount namespace of process PID, if that is the one with the number NAMESPACE, and detaches what is mounted
at each POINT. A program of its own, since only a process with a single thread can enter a user namespace.

Who made a user namespace has all rights in it: a sandbox's mounts belong to the one that bubblewrap made first, with
this user's id, so no administrator is needed. Processes in the sandbox live in another one, inside it, and have none.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import sys
from pathlib import Path

_NS_GET_USERNS = 0xB701
_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_MNT_DETACH, _UMOUNT_NOFOLLOW = 2, 8
_LIBC = ctypes.CDLL(None, use_errno=True)


def enter(pid: int, namespace: int) -> bool:
    """Enters the mount namespace of a process; whether that is the one that was meant.

    Raises:
        OSError: It can't be entered.
    """
    mounts = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
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


def main(arguments: list[str]) -> int:
    """Does it; 0 also where there is nothing to do any more."""
    try:
        if enter(int(arguments[0]), int(arguments[1])):
            for point in arguments[2:]:
                detach(point)
    except (FileNotFoundError, ProcessLookupError):
        return 0
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
