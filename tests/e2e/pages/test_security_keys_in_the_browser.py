"""A security key in Chromium, played by its own virtual authenticator: registered, asked at a log-in, removed."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, PlainTextResponse
from jinja2 import Environment, FileSystemLoader
from playwright.sync_api import expect

from hops_platform.security.browser import SESSION_COOKIE
from hops_platform.testing.factories import make_platform
from hops_platform.users import service as users
from tests.listening import listening

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"
TEMPLATES = Path(__file__).parents[3] / "jupyterhub_config" / "templates"
KEY = {
    "protocol": "ctap2", "transport": "usb", "hasResidentKey": False, "hasUserVerification": False,
    "isUserVerified": False, "automaticPresenceSimulation": True,
}  # fmt: skip


def hub_log_in(url):
    """The Hub's page of the second step, in which the control plane is asked as the Hub asks it."""
    templates = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    hub = APIRouter()

    def tokens(body):
        return httpx.post(f"{url()}api/v1/tokens", json=body, timeout=60, trust_env=False)

    @hub.get("/hub/login")
    def show():
        asked = tokens({"username": "ada", "password": PASSWORD}).json()
        step = SimpleNamespace(
            challenge=asked["challenge"], failed=False, security_key=json.dumps(asked["security_key"])
        )
        given = {
            "prefix": "/", "base_url": "/hub/", "login_url": "/hub/login", "authenticator_login_url": "/hub/login",
            "user": None, "username": "ada", "xsrf": "x", "exception": step,
        }  # fmt: skip
        return HTMLResponse(templates.get_template("login.html").render(**given))

    @hub.post("/hub/login")
    async def submit(request: Request):
        form = await request.form()
        body = {"challenge": form["challenge"], "assertion": json.loads(form["assertion"])}
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(f"{url()}api/v1/tokens", json=body)
        return PlainTextResponse(f"{answer.status_code} {answer.json().get('user')}")

    return hub


@pytest.fixture
def url(tmp_path):
    made = make_platform(tmp_path)
    with made.parts.database.session() as session:
        users.create_user(session, name="ada", title="", password=PASSWORD, admin=False, must_change_password=False)
    made.logins.tokens["cookie-of-ada"] = "ada"
    made.app.include_router(hub_log_in(lambda: f"http://127.0.0.1:{port}/services/hops/"))
    with listening(made.app, whole=True) as port:
        # Browsers know keys at names alone.
        site = f"http://localhost:{port}"
        made.parts.settings.public_url = f"{site}/"
        yield f"{site}/services/hops/"


@pytest.fixture
def page(chromium, url):
    faults = []
    context = chromium.new_context(locale="en-GB")
    context.add_cookies([{"name": SESSION_COOKIE, "value": "cookie-of-ada", "url": url}])
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    opened.on("pageerror", lambda error: faults.append(str(error)))
    key = context.new_cdp_session(opened)
    key.send("WebAuthn.enable")
    key.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})
    opened.goto(f"{url}security")
    yield opened
    context.close()
    assert faults == []


def test_a_key_is_added_lets_in_at_the_hub_and_is_removed_with_its_own_answer(page, url):
    expect(page.get_by_text("You have none.")).to_be_visible()
    page.get_by_role("button", name="Add a key").click()
    page.get_by_role("dialog").get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Name of the key").fill("On my key ring")
    page.get_by_role("button", name="Ask the key").click()
    expect(page.get_by_role("dialog", name="Your recovery codes")).to_be_visible()
    page.get_by_role("button", name="I have them").click()
    expect(page.get_by_text("not used yet")).to_be_visible()
    page.goto(url.replace("services/hops/", "hub/login"))
    page.get_by_role("button", name="Use a security key").click()
    expect(page.get_by_text("200 ada")).to_be_visible()
    page.goto(f"{url}security")
    expect(page.locator("#security-key-rows")).to_contain_text("last used")
    page.get_by_role("button", name="Remove On my key ring").click()
    page.get_by_role("dialog").get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("You have none.")).to_be_visible()
