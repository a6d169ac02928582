"""The server's folder on this machine: made for one start, wiped when the server has ended."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path


def write_folder(folder: Path, files: Mapping[str, bytes], folders: Iterable[str] = ()) -> None:
    """Make ``folder`` anew with ``files``; only this user can read any of it.

    Raises:
        OSError: The disk is full, or the home is not writable.
    """
    wipe_folder(folder)
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700)
    for name in folders:
        (folder / name).mkdir(mode=0o700)
    for name, content in files.items():
        file = folder / name
        for parent in reversed(file.relative_to(folder).parents[:-1]):
            (folder / parent).mkdir(mode=0o700, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as sink:
            sink.write(content)


def wipe_folder(folder: Path) -> None:
    """Remove ``folder`` with all that it holds; nothing happens when it is not there.

    The server's code may have left very many files: it can take long.
    """
    if folder.is_symlink():
        folder.unlink()
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        # Deeper than Python's own can go, or closed even to its owner.
        for command in (["chmod", "-R", "u+rwx", "--", str(folder)], ["rm", "-rf", "--", str(folder)]):
            with contextlib.suppress(OSError):
                subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
