"""Packages of Debian that tests and benchmarks need beside the platform, put onto a machine where this user may.

Of the standard library alone: it runs before anything is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

# Debian's folder for servers' programs is not on every user's PATH.
SYSTEM = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])


def find_program(name: str) -> str | None:
    """Where a program is, servers' programs among them; ``None`` if it is not installed."""
    return shutil.which(name, path=SYSTEM)


def install(packages: Sequence[str], *, otherwise: str) -> bool:
    """Installs packages; whether it could. Without root, or on another system, it only says what is missing.

    Args:
        packages: Their names.
        otherwise: What is not done without them, as a sentence.
    """
    names = ", ".join(packages)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        _say(f"Not on this machine: {names}. {otherwise}")
        return False
    _say(f"Installing {names} …")
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
    ):
        if subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, check=False).returncode:
            _say(f"The packages could not be installed. {otherwise}")
            return False
    return True


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()
