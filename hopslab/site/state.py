"""What is running now: ``run/hub.json`` (which process), ``run/site.json`` (where it answers)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from hops_contract.layout import Home
from hops_contract.private_files import write_private
from hopslab.settings import SiteSettings

HUB_FILE = "hub.json"
SITE_FILE = "site.json"


@dataclass(frozen=True, slots=True)
class HubProcess:
    """The Hub's process. The time of its creation tells it from a later process with the same number.

    Attributes:
        pid: Its number.
        created: When it was created, seconds since the epoch.
    """

    pid: int
    created: float

    def process(self) -> psutil.Process | None:
        """The process, if it still runs."""
        try:
            process = psutil.Process(self.pid)
            alive = abs(process.create_time() - self.created) < 1 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return None
        return process if alive else None


def remember_hub(home: Home, pid: int) -> HubProcess:
    """Note which process the Hub is."""
    hub = HubProcess(pid=pid, created=psutil.Process(pid).create_time())
    write_private(home.run / HUB_FILE, json.dumps(asdict(hub)))
    return hub


def running_hub(home: Home) -> psutil.Process | None:
    """The Hub that was started from this home, if it still runs."""
    noted = _read(home.run / HUB_FILE)
    try:
        return HubProcess(pid=int(noted["pid"]), created=float(noted["created"])).process()
    except (KeyError, TypeError, ValueError):
        return None


def at_running_address(settings: SiteSettings) -> SiteSettings:
    """``settings`` with the port on which the site runs, whatever HOPS_PORT says in this shell."""
    home = settings.layout
    if running_hub(home) is None:
        return settings
    try:
        port = urlsplit(str(_read(home.run / SITE_FILE).get("url", ""))).port
    except ValueError:
        port = None
    return settings.model_copy(update={"port": port}) if port else settings


def forget(home: Home) -> None:
    """Remove the notes of a site that has ended."""
    for name in (HUB_FILE, SITE_FILE):
        (home.run / name).unlink(missing_ok=True)


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
