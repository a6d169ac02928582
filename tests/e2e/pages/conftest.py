from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from scripted_platform import ScriptedPlatform, a_project, serving

from hops_platform.security.browser import SESSION_COOKIE


@pytest.fixture
def platform():
    with serving(ScriptedPlatform()) as served:
        yield served


@pytest.fixture
def weather(platform):
    """A platform with one project."""
    platform.projects["weather"] = a_project("weather", "Weather of the coast", description="Ten years.")
    return platform


@pytest.fixture
def visit(chromium, platform):
    """Opens a page; fails the test when a script of it fails or something is refused by its own policy."""
    faults: list[str] = []
    contexts = []

    def _visit(path: str, **context):
        contexts.append(chromium.new_context(locale="en-GB", **context))
        page = contexts[-1].new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if "Security Policy" in message.text else None)
        page.goto(platform.url + path)
        return page

    yield _visit
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def visit_as(chromium, site):
    """Opens a page of ``site``, a control plane that listens, as somebody who is logged in there."""
    contexts = []

    def open_page(name, path):
        context = chromium.new_context(locale="en-GB", accept_downloads=True)
        contexts.append(context)
        context.add_cookies([{"name": SESSION_COOKIE, "value": f"cookie-of-{name}", "url": site.url}])
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{site.url}{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()
