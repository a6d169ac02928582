"""How large folders are that tenants' code writes to, counted by ``du``.

It goes down folders of any depth with few open files, follows no links, leaves no file system, counts a file with
several names once, and is a process of its own that gives way to all others.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from hops_platform.errors import EngineUnavailableError

_COMMAND = ("nice", "-n", "19", "du", "--summarize", "--bytes", "--one-file-system", "--total", "--")
LONGEST_S = 3600.0


def size_of_folders(*folders: Path) -> int:
    """Bytes of all files below ``folders``; those that are not there have none.

    Raises:
        EngineUnavailableError: They can't be counted.
    """
    there = [str(folder) for folder in folders if folder.is_dir() and not folder.is_symlink()]
    if not there:
        return 0
    try:
        # It says of what vanishes meanwhile that it is not there, and counts the rest.
        done = subprocess.run([*_COMMAND, *there], capture_output=True, check=False, timeout=LONGEST_S)
        return int(done.stdout.splitlines()[-1].split(b"\t")[0])
    except (OSError, subprocess.TimeoutExpired, IndexError, ValueError) as error:
        raise EngineUnavailableError("The files of a project can't be counted.") from error
