"""A whole site, started as a person starts it."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.ports import free_port

CHROMIUM = os.environ.get("HOPS_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
MINUTE_MS = 60_000
ROOT = Path(__file__).resolve().parents[2]
HOPSLAB = ROOT / ".venv" / "bin" / "hopslab"


@pytest.fixture(scope="module")
def chromium():
    """One Chromium for the tests of a file.

    Playwright's synchronous interface runs once at a time, and while it runs no other event loop can in this process.
    """
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine; HOPS_CHROMIUM names one")
    # On a busy machine a page does in ten seconds what it does in one.
    expect.set_options(timeout=MINUTE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@dataclass
class Site:
    url: str
    password: str
    env: dict[str, str]

    def run(self, *arguments, timeout=900):
        return subprocess.run(
            [HOPSLAB, *arguments], env=self.env, capture_output=True, text=True, timeout=timeout, check=False
        )


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A site of its own in a folder with a space in its name; what is made once for all sites is the checkout's."""
    home = tmp_path_factory.mktemp("a home") / "hops lab"
    for shared in (Path("environments", "base"), Path("archives")):
        (home / shared).parent.mkdir(parents=True, exist_ok=True)
        (home / shared).symlink_to(ROOT / ".hopslab" / shared)
    port = free_port()
    env = {name: value for name, value in os.environ.items() if not name.startswith("HOPS_")}
    env |= {"HOPS_HOME": str(home), "HOPS_PORT": str(port)}
    site = Site(url=f"http://127.0.0.1:{port}/", password="", env=env)
    try:
        started = site.run("up", "--detach")
        assert started.returncode == 0, started.stdout + started.stderr
        site.password = re.search(r"password\s+(\S+)", started.stdout)[1]
        yield site
    finally:
        stopped = site.run("down", timeout=300)
        assert stopped.returncode == 0, stopped.stderr
