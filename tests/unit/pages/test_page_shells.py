"""The control plane's pages as HTML: what they carry, what they refuse to run, and who gets which."""

from __future__ import annotations

import asyncio
import posixpath
import re
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI

from hops_platform import pages
from hops_platform.engines.realms import ProofKind, SiteRealm
from hops_platform.http import given_parts
from hops_platform.security.browser import (
    BrowserUser,
    LoginNeededError,
    browser_user_if_any,
    current_browser_user,
    install_login_redirect,
)
from hops_platform.settings import RegistrationRule, Settings
from hops_platform.testing.realm_fakes import MemoryRealm

STATIC = Path(pages.__file__).parent / "static"
# They open small from Lab, and have no header to get past.
WINDOWS = ["projects/weather/datasets/raw/sharing", "projects/weather/published", "projects/weather/received"]
PATHS = [
    "",
    "projects/weather",
    "projects/weather/audit",
    "projects/weather/datasets/raw",
    "projects/weather/trash",
    "audit",
    "sessions",
    "account",
    "security",
    "admin",
    "confirm-address",
    "forgot-password",
    "invitation",
    "register",
    "reset-password",
    *WINDOWS,
]
PUBLIC = ["confirm-address", "forgot-password", "invitation", "register", "reset-password"]
HOSTILE = "\"><script>alert('x')</script>"


def get(app: FastAPI, path: str, **headers: str) -> httpx.Response:
    async def _get() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
            return await client.get(f"/services/hops/{path}", headers=headers)

    return asyncio.run(_get())


@pytest.fixture
def parts():
    return SimpleNamespace(
        # The real ones: what a page comes to read of them is there.
        settings=Settings(
            registration=RegistrationRule.APPROVAL, mail_host="mail.example.org", mail_from="hops@example.org"
        ),
        engines=SimpleNamespace(
            mailer=SimpleNamespace(sends=True),
            realms={
                "staff": SiteRealm(name="staff", title=HOSTILE, engine=MemoryRealm(), password_url="https://id.org/"),
                "tickets": SiteRealm(name="tickets", title="Tickets", engine=MemoryRealm(ProofKind.TICKET)),
            },
        ),
    )


@pytest.fixture
def site(parts):
    app = FastAPI()
    app.state.parts = parts
    app.dependency_overrides[given_parts] = lambda: parts
    app.include_router(pages.router, prefix="/services/hops")
    install_login_redirect(app)
    return app


@pytest.fixture
def visit(site):
    def _visit(
        path: str,
        *,
        name: str = "ada",
        admin: bool = True,
        auditor: bool = False,
        must_change_password: bool = False,
        lacks_second_factor: bool = False,
        csrf: str = "c",
        realm: str | None = None,
    ):
        person = SimpleNamespace(name=name, admin=admin, auditor=auditor, must_change_password=must_change_password)
        reader = BrowserUser(
            caller=SimpleNamespace(person=person, lacks_second_factor=lacks_second_factor), csrf_token=csrf, realm=realm
        )
        for dependency in (current_browser_user, browser_user_if_any):
            site.dependency_overrides[dependency] = lambda: reader
        return get(site, path)

    return _visit


def test_every_page_is_looked_at():
    places = {route.path for route in pages.router.routes} - {"/static/{path:path}"}
    assert places == {f"/{path}".replace("/weather", "/{project}").replace("/raw", "/{dataset}") for path in PATHS}


@pytest.mark.parametrize("path", PATHS)
def test_a_page_runs_only_files_of_this_site(visit, path):
    answer = visit(path)
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["Cache-Control"] == "no-store"
    for script in re.findall(r"<script\b.*?</script>", answer.text, re.DOTALL):
        assert re.fullmatch(r'<script type="module" src="/services/hops/static/[a-z/-]+\.js"></script>', script)
    assert not re.search(r"<[^>]+\s(on[a-z]+|style)=", answer.text)
    assert "<style" not in answer.text


def test_whoever_is_of_a_realm_is_told_where_the_password_is_changed(visit):
    own, staff, tickets, gone = (visit("account", realm=one).text for one in (None, "staff", "tickets", "gone"))
    assert 'id="password-form"' in own
    for page in (staff, tickets, gone):
        assert 'id="password-form"' not in page
        assert "no password of yours" in page
    assert 'href="https://id.org/"' in staff
    assert "<script>alert" not in staff
    assert 'realm: "staff"' in staff
    assert "api/v1/tokens" not in tickets
    assert ('id="address-password"' in own, 'id="address-password"' in staff) == (True, True)
    for page in (tickets, gone):
        assert ('id="address-password"' in page, "15 minutes" in page) == (False, True)
    assert 'href="/hub/negotiate/tickets?next=/services/hops/account"' in tickets


def test_a_second_factor_asks_for_the_realms_password_if_it_has_one(visit):
    own, staff, tickets = (visit("security", realm=one).text for one in (None, "staff", "tickets"))
    assert ('id="begin-password"' in own, 'id="begin-password"' in staff) == (True, True)
    assert 'id="begin-password"' not in tickets
    assert "15 minutes" in tickets


def test_only_the_page_with_previews_shows_pictures_that_a_script_made(visit):
    with_blobs = {path for path in PATHS if "blob:" in visit(path).headers["Content-Security-Policy"]}
    assert with_blobs == {"projects/weather/datasets/raw"}
    assert "img-src 'self' blob:;" in visit("projects/weather/datasets/raw").headers["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["...", "-a", "a b", "a%2fb", HOSTILE.replace("/", "%2f"), "a" * 65])
def test_what_can_be_no_dataset_is_not_found(visit, name):
    answer = visit(f"projects/weather/datasets/{name}")
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize("path", PATHS)
def test_a_page_has_one_heading_landmarks_and_a_way_past_the_header(visit, path):
    html = visit(path).text
    assert len(re.findall(r"<h1\b", html)) == 1
    assert ('<a class="hops-skip" href="#main">' in html) is (path not in WINDOWS)
    assert '<main id="main"' in html
    assert ('<nav class="hops-nav" aria-label="Main">' in html) is (path not in WINDOWS)
    assert 'lang="en"' in html


@pytest.mark.parametrize("path", PATHS)
def test_every_control_of_a_page_has_a_label(visit, path):
    html = visit(path).text
    labelled = set(re.findall(r'<label for="([^"]+)"', html))
    within = re.sub(r"<label class=\"hops-choice\"[^>]*>.*?</label>", "", html, flags=re.DOTALL)
    for control in re.findall(r"<(?:input|select|textarea)\b[^>]*>", within):
        identity = re.search(r'\bid="([^"]+)"', control)
        assert (identity and identity.group(1) in labelled) or "aria-label" in control, control
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    for reference in re.findall(r'aria-(?:labelledby|describedby)="([^"]+)"', html):
        assert set(reference.split()) <= set(ids)


@pytest.mark.parametrize("path", PATHS)
def test_names_and_tokens_are_escaped(visit, path):
    html = visit(path, name=HOSTILE, csrf=HOSTILE).text
    assert "<script>alert" not in html


def with_imports(names):
    """The files of these names and all that they import."""
    found, left = set(), [STATIC / name for name in names]
    while left:
        file = left.pop().resolve()
        if file not in found:
            found.add(file)
            left += [file.parent / name for name in re.findall(r'from "(\./[^"]+)"', file.read_text())]
    return found


def test_the_files_that_pages_name_are_there_and_small(visit):
    client_files = {file.relative_to(STATIC).as_posix() for file in STATIC.rglob("*") if file.is_file()}
    for path in PATHS:
        for name in re.findall(r'(?:src|href)="/services/hops/static/([^"]+)"', visit(path).text):
            assert name in client_files
    for file in STATIC.rglob("*.js"):
        for name in re.findall(r'from "\./([^"]+)"', file.read_text()):
            assert (file.parent / name).is_file(), f"{file.name} imports {name}"
    for path in PATHS:
        named = re.findall(r'(?:src|href)="/services/hops/static/([^"]+)"', visit(path).text)
        assert sum(file.stat().st_size for file in with_imports(named)) < 100_000, path


def test_scripts_never_write_html():
    for file in STATIC.rglob("*.js"):
        text = file.read_text()
        for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert way not in text, f"{file.name} uses {way}"


def test_only_an_administrator_finds_the_admin_page(visit):
    assert visit("admin", admin=False).status_code == 404
    assert "Administration" not in visit("", admin=False).text
    assert visit("admin").status_code == 200


def test_only_administrators_and_auditors_find_the_sites_audit(visit):
    assert visit("audit", admin=False).status_code == 404
    assert '/services/hops/audit"' not in visit("", admin=False).text
    for reader in ({"admin": True}, {"admin": False, "auditor": True}):
        assert visit("audit", **reader).status_code == 200
        assert '/services/hops/audit"' in visit("", **reader).text
    assert visit("admin", admin=False, auditor=True).status_code == 404


@pytest.mark.parametrize("name", ["Not-a-slug", "a" * 31, "..%2f..", HOSTILE.replace("/", "%2f")])
def test_what_can_be_no_project_is_not_found(visit, name):
    answer = visit(f"projects/{name}")
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text


def test_a_password_of_somebody_elses_choice_is_asked_to_be_changed(visit):
    for path in ("", "projects/weather", "admin"):
        answer = visit(path, must_change_password=True)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/services/hops/account")
    assert "Choose a password of your own first" in visit("account", must_change_password=True).text
    assert "Choose a password of your own first" not in visit("").text


def test_a_second_factor_that_the_site_asks_for_is_asked_to_be_set_up(visit):
    for path in ("", "projects/weather", "admin"):
        answer = visit(path, lacks_second_factor=True)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/services/hops/security")
    assert "Set up a second factor first" in visit("security", lacks_second_factor=True).text
    assert visit("account", lacks_second_factor=True).status_code == 200
    assert "Set up a second factor first" not in visit("security").text


def test_scopes_of_the_site_are_offered_to_administrators_alone(visit):
    assert 'value="site:read"' in visit("security").text
    assert 'value="site:read"' not in visit("security", admin=False).text
    assert 'value="projects:read"' in visit("security", admin=False).text


def test_whoever_is_not_logged_in_is_led_to_the_log_in_and_back(site):
    def nobody():
        raise LoginNeededError

    site.dependency_overrides[current_browser_user] = nobody
    answer = get(site, "projects/weather")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/services/hops/login?next=/services/hops/projects/weather"


@pytest.mark.parametrize("path", PUBLIC)
def test_pages_for_whoever_has_a_link_need_no_log_in_and_carry_nobodys_token(site, path):
    site.dependency_overrides[browser_user_if_any] = lambda: None
    answer = get(site, path)
    assert answer.status_code == 200
    assert '<meta name="hops-csrf" content="">' in answer.text
    assert '<meta name="hops-user" content="">' in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("rule", "form"), [("off", False), ("invitation", False), ("approval", True)])
def test_a_registration_is_offered_where_the_site_takes_any(site, parts, rule, form):
    parts.settings.registration = RegistrationRule(rule)
    assert ('id="ask-form"' in get(site, "register").text) is form


def test_a_site_without_mail_sends_people_to_an_administrator(site, parts):
    parts.engines.mailer.sends = False
    html = get(site, "forgot-password").text
    assert "An administrator can give you a link" in html
    assert "<form" not in html


def test_static_files_need_no_log_in_and_are_asked_for_again_cheaply(site):
    first = get(site, "static/core.css")
    assert first.status_code == 200
    assert first.headers["Content-Type"].startswith("text/css")
    again = get(site, "static/core.css", **{"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert get(site, "static/hub/login.js").headers["Content-Type"].startswith("text/javascript")


@pytest.mark.parametrize(
    "path", ["", "nothing.js", "../routes.py", "%2e%2e/routes.py", "..%2froutes.py", "hub", "a%00b"]
)
def test_static_files_lie_in_their_folder_only(site, path):
    assert get(site, f"static/{path}").status_code == 404


def files_of(html):
    """The own files that a page loads, with all that its scripts import."""
    left = set(re.findall(r'/static/([\w./-]+\.(?:js|css))"', html))
    loaded = set()
    while left:
        name = left.pop()
        loaded.add(name)
        imported = re.findall(r'(?:from|import)\s+"(\.[^"]+)"', (STATIC / name).read_text())
        left |= {posixpath.normpath(posixpath.join(posixpath.dirname(name), one)) for one in imported} - loaded
    return loaded


@pytest.mark.parametrize("path", PATHS)
def test_no_page_has_more_than_200_kb_of_own_code(visit, path):
    html = visit(path).text
    files = files_of(html)
    assert any(name.endswith(".js") for name in files), "the page's own script is found"
    assert len(html.encode()) + sum((STATIC / name).stat().st_size for name in files) <= 200_000
