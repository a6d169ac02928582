"""Time to interactive of JupyterLab and bytes over the wire, with and without the extension.

Two Labs run side by side, one with the extension and one without (the peer). The extension shows a project with its
members, datasets and Spark session, which its server side asks a scripted platform for. A fresh browser profile with
an empty cache opens them in turn; from navigation until the launcher's cards are there and the main thread is free is
the time to interactive. Bytes are what the browser received; the extension's own are also given compressed, all its
files taken together, those included that are only loaded when needed.

Usage: python bench/lab.py [--runs 7]
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lab_server import CHROMIUM, CHROMIUM_ARGUMENTS, DATASETS, EXTENSION, RunningLab, running_lab
from playwright.sync_api import Browser, sync_playwright
from pydantic import SecretStr
from verdict import tell

from hops_contract.options import ServerOptions
from hops_contract.principal import ProjectRole
from hops_contract.servers import ServerConfig, ServerGrant
from hops_spawner.files import FOLDERS, server_files
from hops_spawner.folder import write_folder
from tests.sample_certificate import SAMPLE

GOAL_RATIO = 1.05
GOAL_COMPRESSED_BYTES = 350_000
LEAST_RUNS = 5
READY_MS = 60_000
# Cards are there, the splash is gone and the main thread is free: the browser calls back when idle.
READY = """() => new Promise(resolve => {
  const look = () => document.querySelector('.jp-LauncherCard') && !document.querySelector('#jupyterlab-splash')
    ? requestIdleCallback(() => resolve(performance.now())) : requestAnimationFrame(look);
  look();
})"""


PROJECT = "/services/hops/api/v1/projects/weather"
RESOURCES = {
    "executors": 2, "executor_cores": 1, "executor_memory_mib": 1024, "driver_memory_mib": 1024,
    "gpus_per_executor": 0,
}  # fmt: skip
SESSION = {
    "id": 3, "kind": "pyspark", "name": "pyspark", "state": "idle", "reason": None, "owner": "weather__ada",
    "created": 0, "resources": RESOURCES,
}  # fmt: skip
ANSWERS: dict[str, Any] = {
    f"{PROJECT}/members": {
        "items": [{"user": f"user-{n}", "title": f"User {n}", "role": "data_scientist"} for n in range(20)],
        "next": None,
    },
    f"{PROJECT}/datasets": {"items": [{"name": name, "description": name} for name in DATASETS], "next": None},
    "/services/livy/sessions": {"from": 0, "total": 1, "sessions": [SESSION]},
    "/services/livy/sessions/3/summary": SESSION,
}


class ScriptedPlatform(BaseHTTPRequestHandler):
    """As much of the platform as the sidebar asks for."""

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        """Answers from the table."""
        answer = ANSWERS.get(urlsplit(self.path).path)
        body = json.dumps(answer).encode()
        self.send_response(404 if answer is None else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def platform_running() -> Iterator[str]:
    """The scripted platform's address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), ScriptedPlatform)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/services"
    finally:
        server.shutdown()
        server.server_close()


def make_server_folder(folder: Path, platform: str) -> Path:
    """What the spawner writes for a project's notebook server; the token says that it lives for long."""
    config = ServerConfig(
        project="weather", project_title="Weather", user="ada", role=ProjectRole.DATA_OWNER, options=ServerOptions(),
        project_folder=str(folder.parent), environment=sys.prefix, control_plane_url=f"{platform}/hops/",
        livy_url=f"{platform}/livy",
    )  # fmt: skip
    token = SecretStr("e30.eyJpYXQiOjAsImV4cCI6OTk5OTk5OTk5OX0.c2ln")
    write_folder(
        folder,
        server_files(ServerGrant(config=config, token=token, certificate=SAMPLE, display_name="Weather")),
        FOLDERS,
    )
    return folder


@dataclass(frozen=True)
class Visit:
    """One opening of Lab."""

    interactive_s: float
    received_bytes: int


def visit(browser: Browser, lab: RunningLab, name: str) -> Visit:
    """Opens ``lab`` with an empty cache."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    try:
        page = context.new_page()
        received: list[float] = []
        network = context.new_cdp_session(page)
        network.send("Network.enable")
        network.on("Network.loadingFinished", _adder(received))
        page.goto(lab.workspace(name), wait_until="commit", timeout=READY_MS)
        interactive_ms = page.evaluate(READY)
        return Visit(interactive_ms / 1000, int(sum(received)))
    finally:
        context.close()


def check_that_the_project_is_shown(browser: Browser, lab: RunningLab) -> None:
    """What is measured must be a sidebar that has something to show."""
    page = browser.new_page()
    try:
        page.goto(lab.workspace("check"), timeout=READY_MS)
        page.get_by_role("tab", name="Project").first.click(timeout=READY_MS)
        page.get_by_text("User 7", exact=False).first.wait_for(timeout=READY_MS)
    finally:
        page.close()


def _adder(received: list[float]) -> Callable[[dict[str, Any]], None]:
    return lambda event: received.append(event["encodedDataLength"])


def compressed_bytes(folder: Path) -> int:
    """All scripts and styles of the extension, each compressed as a server would."""
    return sum(len(gzip.compress(path.read_bytes(), 6)) for path in sorted(folder.rglob("*")) if path.suffix == ".js")


def measure(runs: int) -> int:
    """Visits each Lab ``runs`` times, in turn; tells the result and returns the exit code."""
    visits: dict[bool, list[Visit]] = {True: [], False: []}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright, platform_running() as platform:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        homes = {which: Path(folder) / name for which, name in ((True, "with"), (False, "without"))}
        with (
            running_lab(
                homes[True],
                with_extension=True,
                server_folder=make_server_folder(Path(folder) / "server", platform),
            ) as ours,
            running_lab(homes[False], with_extension=False) as stock,
        ):
            labs = {True: ours, False: stock}
            for which in (True, False):
                visit(browser, labs[which], "first")  # the server reads its files from disk for the first time
            check_that_the_project_is_shown(browser, ours)
            for run in range(runs):
                for which in (True, False) if run % 2 else (False, True):
                    measured = visit(browser, labs[which], f"run-{run}")
                    visits[which].append(measured)
                    name = "with extension" if which else "without"
                    print(f"{name:>15}: {measured.interactive_s:.2f} s, {measured.received_bytes / 1000:.0f} kB")
        browser.close()
    value = statistics.median(one.interactive_s for one in visits[True])
    peer = statistics.median(one.interactive_s for one in visits[False])
    compressed = compressed_bytes(EXTENSION / "static")
    return tell(
        bench="lab",
        value=value,
        unit="s to interactive, median",
        peer=peer,
        goal=f"ratio <= {GOAL_RATIO} and extension <= {GOAL_COMPRESSED_BYTES} bytes compressed",
        holds=value / peer <= GOAL_RATIO and compressed <= GOAL_COMPRESSED_BYTES,
        extension_compressed_bytes=compressed,
        received_bytes=int(statistics.median(one.received_bytes for one in visits[True])),
        peer_received_bytes=int(statistics.median(one.received_bytes for one in visits[False])),
        runs=runs,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    runs: int = parser.parse_args().runs
    if runs < LEAST_RUNS:
        parser.error(f"--runs is {runs}; a median needs at least {LEAST_RUNS}.")
    return measure(runs)


if __name__ == "__main__":
    sys.exit(main())
