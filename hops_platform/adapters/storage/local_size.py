"""How large folders are that tenants' code writes to, counted by ``du``.

It goes down folders of any depth with few open files, follows no links, leaves no file system, counts a file with
several names once, and is a process of its own that gives way to all others.

Code owns what it writes, and can close a folder to the platform, which is the same user. Such folders are looked into
from a user namespace of one's own, whose administrator one is: there no closed folder of one's own is closed.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hops_platform.errors import EngineUnavailableError

_COMMAND = ("nice", "-n", "19", "du", "--summarize", "--bytes", "--one-file-system", "--total", "--")
_OPENING = ("unshare", "--user", "--map-root-user", "--")
LONGEST_S = 3600.0


def size_of_folders(*folders: Path) -> int:
    """Bytes of all files below ``folders``; those that are not there have none.

    Raises:
        EngineUnavailableError: They can't be counted.
    """
    there = [str(folder) for folder in folders if folder.is_dir() and not folder.is_symlink()]
    if not there:
        return 0
    size, is_whole = _size_by(_COMMAND, there)
    if not is_whole:
        with suppress(EngineUnavailableError):  # not every machine lets this user have such a namespace
            size = max(size, _size_by((*_OPENING, *_COMMAND), there)[0])
    return size


def _size_by(command: Sequence[str], folders: Sequence[str]) -> tuple[int, bool]:
    """Bytes, and whether all was seen: nothing was closed, and nothing vanished meanwhile."""
    try:
        # What it says of each is thrown away: code can make a million closed folders. It counts the rest.
        done = subprocess.run(
            [*command, *folders], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, timeout=LONGEST_S
        )
        return int(done.stdout.splitlines()[-1].split(b"\t")[0]), done.returncode == 0
    except (OSError, subprocess.TimeoutExpired, IndexError, ValueError) as error:
        raise EngineUnavailableError("The files of a project can't be counted.") from error
