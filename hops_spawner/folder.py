"""The server's folder on this machine, made for one start."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from hops_contract.wiping import wipe_folder


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
