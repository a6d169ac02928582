"""Removes what a tenant's code has left, whatever it has made of it."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path


def wipe_folder(folder: Path) -> None:
    """Removes ``folder`` with all that it holds; nothing happens when it is not there, or can't be removed.

    Code may have left very many files in it: it can take long. It may have put ten thousand folders into one another
    as well, which is why nothing here goes down a tree by itself: that would hold a descriptor for each level, of which
    the service has so many in all. ``rm`` holds a few, whatever the depth.
    """
    if folder.is_symlink():
        # What it leads to is somebody else's.
        with contextlib.suppress(OSError):
            folder.unlink()
        return
    if not os.path.lexists(folder) or _removed_flat(folder):
        return
    _run("rm", "-rf", "--", str(folder))
    if os.path.lexists(folder):
        # Folders that are closed even to their owner.
        _run("chmod", "-R", "u+rwx", "--", str(folder))
        _run("rm", "-rf", "--", str(folder))


def _removed_flat(folder: Path) -> bool:
    """Removes a folder without folders in it, as most are, and tells whether that was all."""
    try:
        with os.scandir(folder) as found:
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    return False
                os.unlink(entry.path)  # noqa: PTH108 - no Path for each of a million
        folder.rmdir()
    except OSError:
        return False
    return True


def _run(*command: str) -> None:
    with contextlib.suppress(OSError):
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
