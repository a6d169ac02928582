from __future__ import annotations

import os
import signal
from html import unescape

import httpx
import pytest

from .conftest import Person, Site, eventually

pytestmark = pytest.mark.hub


@pytest.mark.parametrize(
    ("name", "password", "said"),
    [
        ("ada", "not-my-secret", "The user name or the password is wrong."),
        ("nobody", "not-my-secret", "The user name or the password is wrong."),
        ("A/B", "not-my-secret", "The user name or the password is wrong."),
        ("lena", "locked out", "Try again in 14 minutes."),
        ("otto", "gone", "This user is deactivated."),
    ],
)
def test_a_refused_login_says_why_on_the_login_page(site: Site, name: str, password: str, said: str) -> None:
    answer = site.person(name).log_in(password)
    assert answer.status_code == 403
    assert said in unescape(answer.text)
    assert "<form" in answer.text
    assert password not in (site.home / "hub.log").read_text()


def test_who_is_no_member_gets_the_same_answer_as_for_a_project_that_is_not_there(site: Site) -> None:
    grace = site.person("grace")
    assert grace.log_in("battery staple").status_code == 302
    for project in ("weather", "no-such"):
        said = f"There is no project '{project}' that you can see."
        page = grace.client.get(f"hub/spawn/grace/{project}")
        assert (page.status_code, said in unescape(page.text)) == (404, True)
        form = grace.start(project, executors="1")
        assert (form.status_code, said in unescape(form.text)) == (404, True)
        rest = site.probe("POST", f"users/grace/servers/{project}")
        assert (rest.status_code, rest.json()["message"].startswith("There is no project")) == (404, True)
        assert not site.folder("grace", project).exists()


def test_a_server_needs_a_project(site: Site, ada: Person) -> None:
    rest = site.probe("POST", "users/ada/server")
    assert rest.status_code == 400
    assert "Choose a project" in rest.json()["message"]
    assert "Choose a project" in ada.client.get("hub/spawn").text


def test_impossible_options_come_back_in_the_form_with_the_numbers_and_what_was_typed(site: Site, ada: Person) -> None:
    answer = ada.start("weather", executors="5", gpus_per_executor="1")
    assert answer.status_code == 422
    assert "5 GPUs were asked for; this machine has 2." in answer.text
    assert 'value="5"' in answer.text
    assert not site.folder("ada", "weather").exists()


def test_what_is_no_number_comes_back_as_it_was_typed(ada: Person) -> None:
    answer = ada.start("weather", executors="plenty")
    assert answer.status_code == 422
    assert 'value="plenty"' in answer.text


def test_impossible_options_are_refused_by_rest_with_the_numbers(site: Site) -> None:
    options = {"user_options": {"executors": 3, "gpus_per_executor": 1}}
    answer = site.probe("POST", "users/ada/servers/weather", json=options)
    assert answer.status_code == 422
    assert "3 GPUs were asked for; this machine has 2." in answer.json()["message"]


def test_a_link_with_options_starts_nothing(site: Site, ada: Person) -> None:
    answer = ada.client.get("hub/spawn/ada/weather?opt-executors=2")
    assert answer.status_code == 400
    assert "A link can't start a server" in unescape(answer.text)
    assert not site.server("ada", "weather").get("pending")


def test_a_killed_service_comes_back(site: Site) -> None:
    url = site.url + "services/hops/api/v1/health"
    first = httpx.get(url, trust_env=False).json()["pid"]
    os.kill(first, signal.SIGKILL)

    def again() -> bool:
        answer = httpx.get(url, trust_env=False)
        return answer.status_code == 200 and answer.json()["pid"] != first

    eventually(again, "the return of the service", seconds=20)
