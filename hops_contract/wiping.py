"""Removes what a tenant's code has left, whatever it has made of it."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path


def wipe_folder(folder: Path) -> None:
    """Removes ``folder`` with all that it holds; nothing happens when it is not there.

    Code may have left very many files in it: it can take long.
    """
    if folder.is_symlink():
        # What it leads to is somebody else's.
        with contextlib.suppress(OSError):
            folder.unlink()
        return
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        # Deeper than Python's own can go, or closed even to its owner.
        for command in (["chmod", "-R", "u+rwx", "--", str(folder)], ["rm", "-rf", "--", str(folder)]):
            with contextlib.suppress(OSError):
                subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
