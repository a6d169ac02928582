"""Starts the Hub, which starts and supervises everything else, and waits until all of it answers."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from hopslab.commands import failure
from hopslab.errors import SiteError
from hopslab.settings import CHECKOUT, SiteSettings
from hopslab.site.answers import HEALTH, ask_all
from hopslab.site.logs import last_lines
from hopslab.site.ports import check_port_is_free
from hopslab.site.state import forget, remember_hub
from hopslab.site.stop import stop_site
from hopslab.surroundings import VENV_BIN

START_TIMEOUT_S = 120.0
LOG_KEPT_BYTES = 10 * 1024 * 1024
CONFIGURATION = CHECKOUT / "jupyterhub_config" / "jupyterhub_config.py"


def hub_command() -> list[str]:
    """How the Hub is started."""
    return [str(VENV_BIN / "python"), "-m", "jupyterhub", "--config", str(CONFIGURATION)]


def start_site(settings: SiteSettings, env: Mapping[str, str]) -> None:
    """Start the Hub detached and wait until it and its services answer.

    Raises:
        SiteError: The port is taken, the Hub ended, or a service does not answer in time.
    """
    home = settings.layout
    # What an earlier Hub left behind when it was killed would hold the ports and the folders of sessions.
    stop_site(home)
    check_port_is_free(settings.bind, settings.port)
    log = home.log("hub")
    _shorten(log)
    with log.open("ab") as sink:
        try:
            hub = subprocess.Popen(
                hub_command(),
                env=dict(env),
                cwd=home.root,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise SiteError(f"The Hub could not start: {error.strerror}.", "Run `make up`.") from error
    remember_hub(home, hub.pid)
    try:
        wait_until_ready(settings, hub)
    except SiteError:
        stop_site(home)
        forget(home)
        raise


def wait_until_ready(settings: SiteSettings, hub: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until the Hub and its services answer.

    Raises:
        SiteError: The Hub ended, or something does not answer in time.
    """
    deadline = time.monotonic() + START_TIMEOUT_S
    silent = list(HEALTH)
    while time.monotonic() < deadline:
        if hub is not None and hub.poll() is not None:
            raise failure("Starting the Hub", last_lines(settings.layout.log("hub"), 25), fetches=False)
        answers = ask_all(settings)
        silent = [service for service, answer in answers.items() if not answer.healthy]
        if not silent:
            return
        time.sleep(0.2)
    raise SiteError(
        f"{', '.join(silent)} did not answer within {START_TIMEOUT_S:.0f} s.",
        f"Look at `hopslab logs {silent[0] if silent else 'hub'}`, and at `hopslab doctor`.",
    )


def _shorten(log: Path) -> None:
    """Keep one older log beside a log that has grown large."""
    try:
        if log.stat().st_size > LOG_KEPT_BYTES:
            log.replace(log.with_suffix(".log.old"))
    except FileNotFoundError:
        return
