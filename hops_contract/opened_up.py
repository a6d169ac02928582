"""Folders that a tenant's code may have closed to the platform, too."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def open_up(name: str, *, at: int) -> Iterator[int]:
    """The descriptor of a folder that its owner may read, write and move from now on, whatever code has made of that.

    Args:
        name: The folder's name.
        at: The descriptor of the folder that it lies in.

    Raises:
        OSError: It is missing, is a link or no folder, or belongs to somebody else.
    """
    handle = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
    try:
        mode = stat.S_IMODE(os.fstat(handle).st_mode)
        if mode & stat.S_IRWXU != stat.S_IRWXU:
            # By what is open: a link that has taken the name meanwhile changes nothing elsewhere.
            os.chmod(f"/proc/self/fd/{handle}", mode | stat.S_IRWXU)  # noqa: PTH101
        descriptor = os.open(".", _FOLDER, dir_fd=handle)
    finally:
        os.close(handle)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
