"""What the adapters of a machine's own disk share: a full one is told as such."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hops_platform.errors import StorageFullError


@contextmanager
def full_disk_told() -> Iterator[None]:
    """Makes the operating system's words for a full disk those of the platform.

    Raises:
        StorageFullError: There is no room left, or none that this platform may use.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFullError(
                "There is no space left on the platform's disk.", remedy="Tell an administrator."
            ) from error
        raise


def check_room(at: Path | int, size: int, *, what: str) -> None:
    """Checks that so many bytes have room on the disk of a folder; ``what`` needs them, in words.

    Raises:
        StorageFullError: They have not.
    """
    disk = os.statvfs(at)
    if disk.f_bavail * disk.f_frsize < size:
        raise StorageFullError(
            f"There is less space left on the platform's disk than {what} needs.", remedy="Tell an administrator."
        )
