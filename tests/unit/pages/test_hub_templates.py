"""The Hub's pages, rendered as the Hub renders them: its own environment, autoescaping, asynchronous."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from types import SimpleNamespace

import jupyterhub
import pytest
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader
from jupyterhub._data import DATA_FILES_PATH

OURS = Path(__file__).parents[3] / "jupyterhub_config" / "templates"
STOCK = str(Path(DATA_FILES_PATH) / "templates")
HOSTILE = "<script>alert('x')</script>\"'"
PAGES = ["login", "spawn", "spawn_pending", "not_running", "stop_pending", "home", "error", "404", "logout"]


@pytest.fixture
def hub_environment() -> Environment:
    stock = FileSystemLoader([STOCK])
    loader = ChoiceLoader([PrefixLoader({"templates": stock}, "/"), FileSystemLoader([str(OURS), STOCK])])
    return Environment(loader=loader, autoescape=True, enable_async=True)


@pytest.fixture
def render(hub_environment):
    def _render(name: str, **given) -> str:
        person = SimpleNamespace(name="ada", escaped_name="ada", json_escaped_name="ada", spawner=SimpleNamespace())
        names = {
            "base_url": "/hub/", "prefix": "/", "user": person, "login_url": "/hub/login", "logout_url": "/hub/logout",
            "static_url": lambda path, **_: f"/hub/static/{path}", "xsrf": "x", "xsrf_token": "x",
            "parsed_scopes": {}, "services": [], "version_hash": "", "login_service": "", "no_spawner_check": True,
            "authenticator": SimpleNamespace(request_otp=False), "authenticator_login_url": "/hub/login?next=",
            "spawner": SimpleNamespace(name="weather", orm_spawner=None), "for_user": person,
            "url": "/hub/spawn/ada/weather",
            "spawner_options_form": "<p>form</p>", "progress_url": "/hub/api/x/progress",
            "spawn_url": "/hub/spawn/ada/weather",
            "server_name": "weather", "status_code": 404, "status_message": "Not Found",
        }  # fmt: skip
        return asyncio.run(hub_environment.get_template(f"{name}.html").render_async(**{**names, **given}))

    return _render


def scripts(html: str) -> list[str]:
    return re.findall(r"<script\b[^>]*>(?:.*?)</script>", html, re.DOTALL)


def test_the_templates_are_made_for_the_installed_hub():
    assert jupyterhub.__version__.startswith("6.")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_whole_without_the_control_plane_and_runs_nothing_inline(render, page):
    html = render(page)
    assert "--jp-brand-color1" in html, "the style stands in the page"
    assert '<html lang="en">' in html
    assert "<main" in html
    assert len(re.findall(r"<h1\b", html)) == (0 if page == "spawn" else 1)
    for script in scripts(html):
        assert re.fullmatch(r'<script type="module" src="/services/hops/static/hub/[a-z-]+\.js"></script>', script)
    assert not re.search(r"<[^>]+\son[a-z]+=", html)
    assert "//cdn" not in html
    assert not re.search(r'(?:src|href)="https?://', html)


@pytest.mark.parametrize("page", PAGES)
def test_the_scripts_that_a_page_names_exist(render, page):
    static = Path(__file__).parents[3] / "hops_platform" / "pages" / "static"
    for path in re.findall(r'src="/services/hops/static/([^"]+)"', render(page)):
        assert (static / path).is_file()


def test_login_names_the_reason_and_keeps_the_user_name(render):
    html = render("login", user=None, username=HOSTILE, login_error="Too many failures: try again at 10:42 UTC.")
    assert 'role="alert"' in html
    assert "Too many failures: try again at 10:42 UTC." in html
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html


def test_the_second_step_of_a_login_asks_for_a_code_and_holds_no_password(render):
    asked = SimpleNamespace(challenge=HOSTILE, failed=False)
    html = render("login", user=None, username="ada", login_error="Type the code.", exception=asked)
    assert '<label for="code_input">' in html
    assert 'name="password"' not in html
    assert 'name="_xsrf" value="x"' in html
    assert 'role="alert"' not in html
    assert "<script>alert" not in html
    again = SimpleNamespace(challenge="sealed", failed=True)
    html = render("login", user=None, username="ada", login_error="The code is not right.", exception=again)
    assert 'role="alert"' in html
    assert 'name="challenge" value="sealed"' in html
    other = render("login", user=None, login_error="Wrong.", exception=SimpleNamespace())
    assert 'name="password"' in other


def test_the_second_step_offers_a_security_key_where_there_is_one(render):
    options = '{"challenge": "x", "rpId": "hops.example.org"}'
    asked = SimpleNamespace(challenge="sealed", failed=False, security_key=options)
    html = render("login", user=None, username="ada", exception=asked)
    assert f'data-options="{options.replace(chr(34), "&#34;")}"' in html
    assert 'name="assertion"' in html
    assert 'id="use-key"' in html
    without = SimpleNamespace(challenge="sealed", failed=False, security_key="")
    assert "use-key" not in render("login", user=None, username="ada", exception=without)
    hostile = SimpleNamespace(challenge="sealed", failed=False, security_key=HOSTILE)
    assert "<script>alert" not in render("login", user=None, username="ada", exception=hostile)


def test_login_leads_to_whoever_forgot_the_password_or_has_no_account(render):
    html = render("login", user=None)
    assert 'href="/services/hops/forgot-password"' in html
    assert 'href="/services/hops/register"' in html


def test_login_offers_what_realms_there_are_and_keeps_the_choice(render):
    ways = SimpleNamespace(
        request_otp=False,
        password_realms=[("staff", HOSTILE), ("local", "HopsLab")],
        other_ways=[("negotiate/tickets", "Kerberos"), ("oidc/web/login", "Example ID")],
        password_pages=[("Staff", "https://passwords.example.org/")],
    )
    html = render("login", user=None, authenticator=ways, next="%2Fhub%2Ftoken")
    assert "<script>alert" not in html
    assert '<label for="realm_input">Account of</label>' in html
    assert 'href="/hub/negotiate/tickets?next=%2Fhub%2Ftoken"' in html
    assert 'href="/hub/oidc/web/login?next=%2Fhub%2Ftoken"' in html
    assert 'href="https://passwords.example.org/"' in html
    again = render("login", user=None, authenticator=ways, exception=SimpleNamespace(realm="local"), login_error="No.")
    assert '<option value="local" selected>' in again
    assert "realm_input" not in render("login", user=None)


def test_login_labels_its_fields_and_carries_the_hubs_token(render):
    html = render("login", user=None)
    assert 'name="_xsrf" value="x"' in html
    for name in ("username_input", "password_input"):
        assert f'<label for="{name}">' in html
        assert f'id="{name}"' in html


@pytest.mark.parametrize(
    ("page", "given"),
    [
        ("login", {"user": None, "login_error": HOSTILE}),
        ("spawn", {"error_message": HOSTILE}),
        ("not_running", {"failed": True, "failed_message": HOSTILE, "server_name": HOSTILE}),
        ("spawn_pending", {"spawner": SimpleNamespace(name="w", orm_spawner=SimpleNamespace(display_name=HOSTILE))}),
        ("error", {"message": HOSTILE, "status_message": HOSTILE}),
    ],
)
def test_text_of_people_is_escaped(render, page, given):
    html = render(page, **given)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html


def test_a_failed_start_gives_the_reason_and_the_way_to_other_options(render):
    html = render("not_running", failed=True, failed_message="There is no memory for 9 GiB; 4 GiB are free.")
    assert "There is no memory for 9 GiB; 4 GiB are free." in html
    assert re.search(r'href="/hub/spawn/ada/weather">Change the options<', html)


def test_a_failed_start_shows_the_log_that_the_spawner_gives(render):
    html = render("not_running", failed=True, failed_html_message="<details><pre>the end</pre></details>")
    assert "<details><pre>the end</pre></details>" in html


def test_what_is_behind_the_proxy_and_does_not_answer_is_tried_again_at_its_address(render):
    given = {"status_code": 503, "status_message": "Service Unavailable"}
    html = render("error", user=None, message_html="Try it <a href='/hub/home'>from the hub</a>", **given)
    assert 'href="">Try again<' in html
    assert "says why it ended" in html
    for wrong in ("from the hub", "Log in<", "is starting. Try"):
        assert wrong not in html
    assert "A part of the platform is starting." in render("error", user=None, message="Not yet.", **given)


def test_a_refused_form_speaks_for_itself(render):
    html = render("spawn", spawner_options_form="<p data-problem>why</p>", error_message="HTTP 422: why")
    assert "HTTP 422" not in html
    assert "HTTP 500: x" in render("spawn", error_message="HTTP 500: x")


def test_the_pending_page_knows_where_to_look_stop_and_change(render):
    html = render("spawn_pending")
    assert 'data-progress-url="/hub/api/x/progress"' in html
    assert 'data-stop-url="/hub/api/users/ada/servers/weather"' in html
    assert 'href="/hub/spawn/ada/weather" hidden>Change the options' in html
    assert 'role="progressbar"' in html


def test_the_hubs_home_leads_to_the_projects(render):
    assert 'http-equiv="refresh" content="0; url=/services/hops/"' in render("home")


def test_a_site_below_a_prefix_keeps_it_everywhere(render):
    html = render("spawn", prefix="/jupyter/", base_url="/jupyter/hub/")
    assert "/jupyter/services/hops/static/hub/spawn-form.js" in html
    assert '"/services' not in html


def test_pages_that_stay_the_hubs_own_get_our_frame(render):
    html = render("page")
    assert 'href="/services/hops/"' in html
    assert "/hub/static/js/" in html
