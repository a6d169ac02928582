"""Ends everything that a site started: the Hub, its proxy and services, notebook servers, kernels and Spark drivers."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

import psutil

from hops_contract.layout import Home
from hopslab.errors import SiteError
from hopslab.settings import CHECKOUT
from hopslab.site.state import forget, running_hub
from hopslab.surroundings import VENV_BIN

HUB_PATIENCE_S = 40.0
SESSIONS_PATIENCE_S = 60.0
PATIENCE_S = 10.0
FOLDER_VARIABLES = ("HOPS_SERVER_FOLDER", "HOPS_TOKEN_FILE")
"""Set for notebook servers, kernels and Spark drivers: a path below the home's ``run`` tells whose they are."""
PROXY = "configurable-http-proxy"
SERVICES = (["-m", "hops_platform", "serve"], ["-m", "hops_livy", "serve"])


def stop_site(home: Home) -> int:
    """End the site of ``home`` and wait until nothing of it is left.

    Returns:
        How many processes were ended.

    Raises:
        SiteError: Something could not be ended.
    """
    hub = running_hub(home)
    family = _descendants(hub) if hub is not None else []
    ended = 0
    if hub is not None:
        # The Hub ends its servers, services and proxy in order when it is asked to.
        ended += _end([hub], patience_s=HUB_PATIENCE_S)
    _end_sessions(home)
    left = {process.pid: process for process in (*family, *processes_of(home)) if process.is_running()}
    for process in list(left.values()):
        left.update({child.pid: child for child in _descendants(process)})
    ended += _end(left.values(), patience_s=PATIENCE_S)
    remaining = processes_of(home)
    if remaining:
        numbers = ", ".join(str(process.pid) for process in remaining)
        raise SiteError(f"These processes could not be ended: {numbers}.", "End them as the user who started them.")
    forget(home)
    return ended


def _end_sessions(home: Home) -> None:
    """Spark sessions outlive their service, which alone knows how to end them in order and what they leave."""
    if not any(home.session_records.glob("*")):
        return
    command = [str(VENV_BIN / "python"), "-m", "hops_livy", "end-sessions"]
    env = {**os.environ, "HOPS_HOME": str(home.root)}
    # Whatever it can't end is ended by force below.
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(command, env=env, cwd=CHECKOUT, capture_output=True, timeout=SESSIONS_PATIENCE_S, check=False)


def processes_of(home: Home) -> list[psutil.Process]:
    """This user's processes that run for ``home``, however they were started, but the Hub's own.

    A Hub that was killed leaves its proxy, which holds the site's port, and for a moment its services.
    """
    own = os.getpid()
    found = []
    for process in psutil.process_iter():
        if process.pid == own:
            continue
        # A process may end, or belong to somebody else, between being listed and being asked.
        with contextlib.suppress(psutil.Error, OSError):
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            environ = process.environ()
            if belongs_to(environ, home.run) or (
                environ.get("HOPS_HOME") == str(home.root) and is_part_of_a_hub(process.cmdline())
            ):
                found.append(process)
    return found


def belongs_to(environ: dict[str, str], run: Path) -> bool:
    """Whether a process with ``environ`` was started for a folder below ``run``."""
    return any(Path(environ[name]).is_relative_to(run) for name in FOLDER_VARIABLES if environ.get(name))


def is_part_of_a_hub(command: list[str]) -> bool:
    """Whether ``command`` is that of a proxy or a service, as a Hub starts them."""
    return command[-3:] in SERVICES or any(Path(part).name == PROXY for part in command[:2])


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.Error:
        return []


def _end(processes: Iterable[psutil.Process], *, patience_s: float) -> int:
    """Ask ``processes`` to end, and kill those that do not."""
    asked = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
            asked.append(process)
    _, stubborn = psutil.wait_procs(asked, timeout=patience_s)
    for process in stubborn:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(stubborn, timeout=PATIENCE_S)
    return len(asked)
