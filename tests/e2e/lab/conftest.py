"""A real JupyterLab with the built extension, and a browser; the server extension's answers are scripted per test."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route

from bench.lab_server import RunningLab, running_lab
from hopslab.demo.logins import Login, demo_login
from hopslab.demo.visitor import Visitor

from .notebook_page import MINUTE_MS, server_of_a_project


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
    "datasets": [
        {"name": "Jupyter", "description": "Notebooks and programs of the project."},
        {"name": "Resources", "description": None},
    ],
    "datasets_problem": None,
    "links": {"project": "/services/hops/projects/weather", "projects": "/hub/home"},
}

SESSION: dict[str, Any] = {
    "id": 3,
    "kind": "pyspark",
    "name": None,
    "kernel": None,
    "state": "busy",
    "reason": None,
    "created": None,
    "resources": {
        "executors": 1,
        "executor_cores": 2,
        "executor_memory_mib": 2048,
        "driver_memory_mib": 1024,
        "gpus_per_executor": 1,
        "gpu_label": None,
        "min_executors": 1,
        "max_executors": 4,
    },
}


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with running_lab(tmp_path_factory.mktemp("lab"), with_extension=True) as lab:
        (lab.folder / "Experiments" / "run_1").mkdir()
        yield lab


@pytest.fixture
def server_extension() -> ServerExtension:
    return ServerExtension({"GET project": (200, PROJECT), "GET session": (200, {"items": [SESSION]})})


@pytest.fixture
def page(chromium: Browser, server_extension: ServerExtension) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    context.route("**/hops/**", server_extension)
    context.set_default_timeout(60_000)
    page = context.new_page()
    yield page
    context.close()


@pytest.fixture
def open_lab(page: Page, lab: RunningLab) -> Page:
    page.goto(lab.workspace(f"auto-{time.monotonic_ns()}"))
    page.locator(".jp-Launcher").wait_for(timeout=2 * MINUTE_MS)
    return page


@pytest.fixture(scope="module")
def login(site: Any) -> Login:
    """Who uses the site."""
    return demo_login(site.env)


@pytest.fixture(scope="module")
def visitor(site: Any, login: Login, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """That person, whose notebook server runs in the ``PROJECT`` that the tests' file names."""
    with server_of_a_project(site, login, request.module.PROJECT) as person:
        yield person
