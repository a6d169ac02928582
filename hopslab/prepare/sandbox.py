"""Sandboxes for users' code: bubblewrap, which the system's package manager has."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping

from hops_contract.keeping import why_no_own_network
from hops_contract.sandbox import PACKAGE, PROGRAM, SandboxError, Sandboxing, find_program
from hopslab.commands import run_quietly
from hopslab.errors import SiteError
from hopslab.settings import CHECKOUT


def ensure_sandbox(wanted: Sandboxing, env: Mapping[str, str]) -> str | None:
    """Make sure that users' code can run in sandboxes, where this user may see to it.

    Args:
        wanted: What the site's settings say.
        env: Whose ``PATH`` is looked along.

    Returns:
        None when bubblewrap was installed now and works, else a word about what there is.

    Raises:
        SiteError: There can be none, and ``HOPS_SANDBOX`` is ``on``.
    """
    if wanted is Sandboxing.OFF:
        return "off (HOPS_SANDBOX)"
    installed = shutil.which(PROGRAM, path=env.get("PATH")) is not None
    if not installed and os.geteuid() == 0 and shutil.which("apt-get", path=env.get("PATH")):
        _install(env)
    try:
        program = find_program(env)
    except SandboxError as error:
        if wanted is Sandboxing.ON:
            raise SiteError(f"There can be no sandboxes, and HOPS_SANDBOX is on. {error}") from error
        return f"none, so that users' code can reach all that this site can. {error}"
    if (why := why_no_own_network(program)) is not None:
        return f"ready ({version_of(program, env)}), with the machine's network. {why}"
    return f"ready ({version_of(program, env)})" if installed else None


def version_of(program: str, env: Mapping[str, str]) -> str:
    """What the program says of itself, for instance ``bubblewrap 0.8.0``."""
    said = subprocess.run(
        [program, "--version"], env=dict(env), capture_output=True, text=True, timeout=20, check=False
    )
    return said.stdout.strip()[:100] or PACKAGE


def _install(env: Mapping[str, str]) -> None:
    quiet = {**env, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", PACKAGE]
    # What the machine knows of packages can be too old, or nothing at all.
    for command in (install, ["apt-get", "update", "-qq"], install):
        try:
            run_quietly(command, what=f"Installing {PACKAGE}", env=quiet, cwd=CHECKOUT)
        except SiteError:
            continue
        if command is install:
            return
