"""A real JupyterLab with the built extension, and a browser; the server extension's answers are scripted per test."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

ROOT = Path(__file__).parents[3]
EXTENSION = ROOT / "server_extension" / "jupyterlab_hops" / "labextension"
CHROMIUM = os.environ.get("HOPS_TEST_CHROMIUM", "/usr/bin/chromium")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LAB_START_S = 60


@dataclass
class Lab:
    """A running JupyterLab."""

    url: str
    token: str
    folder: Path

    @property
    def address(self) -> str:
        return f"{self.url}lab?token={self.token}"


@dataclass
class ServerExtension:
    """What the server extension answers in a browser: (status, JSON) by method and path below ``hops/``."""

    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __call__(self, route: Route) -> None:
        path = urlsplit(route.request.url).path.split("/hops/", 1)[1]
        key = f"{route.request.method} {path}"
        self.asked.append(f"{key} {route.request.post_data}" if route.request.post_data else key)
        status, answer = self.answers.get(
            key, (404, {"title": "Not found", "status": 404, "detail": f"No {key}.", "remedy": None})
        )
        if isinstance(answer, str):
            route.fulfill(status=status, content_type="text/html", body=answer)
        elif status == 204:
            route.fulfill(status=204)
        else:
            route.fulfill(status=status, content_type="application/json", body=json.dumps(answer))


PROJECT: dict[str, Any] = {
    "version": "0.1.0",
    "project": "weather",
    "title": "Weather of the coast",
    "user": "ada",
    "role": "data_owner",
    "options": {
        "allocation": "dynamic",
        "executors": 1,
        "min_executors": 1,
        "max_executors": 4,
        "executor_cores": 2,
        "executor_memory_mib": 2048,
        "driver_memory_mib": 1024,
        "gpus_per_executor": 1,
        "gpu_label": "a100",
        "idle_timeout_minutes": 120,
    },
    "start_folder": "Jupyter",
    "members": [
        {"user": "ada", "title": "Ada Lovelace", "role": "data_owner"},
        {"user": "grace", "title": "Grace Hopper", "role": "data_scientist"},
    ],
    "members_problem": None,
    "links": {"project": "/services/hops/projects/weather", "projects": "/hub/home"},
}

SESSION: dict[str, Any] = {
    "id": 3,
    "kind": "pyspark",
    "name": None,
    "state": "busy",
    "reason": None,
    "created": None,
    "resources": {
        "executors": 2,
        "executor_cores": 2,
        "executor_memory_mib": 2048,
        "driver_memory_mib": 1024,
        "gpus_per_executor": 1,
    },
}


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if not EXTENSION.joinpath("package.json").is_file():
        pytest.fail("The Lab extension is not built; run `npm ci && npm run build:prod` first.")
    home = tmp_path_factory.mktemp("lab")
    folder = home / "project"
    for dataset in ("Jupyter", "Resources", "Logs", "Experiments/run_1", "Models"):
        (folder / dataset).mkdir(parents=True)
    extensions = home / "labextensions"
    extensions.mkdir()
    (extensions / "jupyterlab-hops").symlink_to(EXTENSION)
    token = "scripted"
    log = home / "lab.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "jupyterlab",
                "--no-browser",
                "--allow-root",
                "--ServerApp.ip=127.0.0.1",
                "--ServerApp.port=0",
                f"--ServerApp.root_dir={folder}",
                f"--LabApp.extra_labextensions_path={extensions}",
                "--LabApp.news_url=None",
            ],
            stdout=sink,
            stderr=subprocess.STDOUT,
            env=os.environ
            | {
                "JUPYTER_TOKEN": token,
                "HOME": str(home),
                "JUPYTER_CONFIG_DIR": str(home / "config"),
                "JUPYTER_DATA_DIR": str(home / "data"),
                "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
                "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
                "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
            },
        )
    try:
        yield Lab(url=_address(process, log), token=token, folder=folder)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + LAB_START_S
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"(http://127\.0\.0\.1:[1-9]\d*/)lab", log.read_text(errors="replace"))
        if found:
            return found.group(1)
        time.sleep(0.1)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-2000:]}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def server_extension() -> ServerExtension:
    return ServerExtension({"GET project": (200, PROJECT), "GET session": (200, {"items": [SESSION]})})


@pytest.fixture
def page(browser: Browser, server_extension: ServerExtension) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.route("**/hops/**", server_extension)
    page = context.new_page()
    yield page
    context.close()


@pytest.fixture
def open_lab(page: Page, lab: Lab) -> Page:
    page.goto(f"{lab.url}lab/workspaces/auto-{time.monotonic_ns()}?token={lab.token}&reset")
    page.locator(".jp-Launcher").wait_for(timeout=60_000)
    return page
