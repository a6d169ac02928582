from __future__ import annotations

import re
from html import unescape

import pytest

from .conftest import Person, Site

pytestmark = pytest.mark.hub

WRONG = "The user name or the password is wrong"


@pytest.mark.parametrize("name", ["ada", "nobody", "A/B"])
def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(
    site: Site, people: dict[str, Person], name: str
) -> None:
    answer = site.person(name).log_in("not-my-secret")
    assert answer.status_code == 403
    assert WRONG in unescape(answer.text)
    assert "<form" in answer.text
    assert "not-my-secret" not in (site.home / "hub.log").read_text()


def test_a_locked_name_is_told_when_to_try_again(site: Site) -> None:
    person = site.person("lena")
    said = [unescape(person.log_in(f"guess {number}").text) for number in range(6)]
    assert WRONG in said[0]
    assert "is locked for 30 seconds after 5 failed attempts" in said[5]


def test_a_project_of_others_and_one_that_is_not_there_get_the_very_same_answers(
    site: Site, grace: Person, ready_project: str
) -> None:
    def answers(project: str) -> list[tuple[int, str]]:
        got = [
            grace.client.get(f"hub/spawn/grace/{project}"),
            grace.start(project, executors="1"),
            grace.hub("POST", f"users/grace/servers/{project}"),
            grace.client.get(f"user/grace/{project}/lab"),
        ]
        assert not site.folder("grace", project).exists()
        return [(answer.status_code, unescape(answer.text).replace(project, "PROJECT")) for answer in got]

    foreign, absent = answers("weather"), answers("no-such")
    assert [status for status, _ in foreign[:3]] == [404] * 3
    assert all("There is no project 'PROJECT' that you can see." in text for _, text in foreign[:3])
    assert [without_tokens(text) for _, text in foreign] == [without_tokens(text) for _, text in absent]
    assert [status for status, _ in foreign] == [status for status, _ in absent]


def test_a_server_needs_a_project(ada: Person) -> None:
    rest = ada.hub("POST", "users/ada/server")
    assert rest.status_code == 400
    assert "Choose a project" in rest.json()["message"]
    assert "Choose a project" in ada.client.get("hub/spawn").text
    assert "Choose a project" in ada.start("", executors="1").text


@pytest.mark.parametrize("name", ["Weather", "two--hyphens", "weather__olga", "a.b", "x" * 31])
def test_a_server_named_like_no_project_can_be_is_refused(site: Site, ada: Person, name: str) -> None:
    rest = ada.hub("POST", f"users/ada/servers/{name}")
    assert rest.status_code in {400, 404}
    assert "Choose a project" in rest.json()["message"] or "Invalid server_name" in rest.json()["message"]
    assert ada.start(name, executors="1").status_code in {400, 404}
    assert not site.server("ada", name).get("pending")


@pytest.mark.usefixtures("no_server")
def test_impossible_options_come_back_in_the_form_with_the_numbers_and_what_was_typed(site: Site, ada: Person) -> None:
    answer = ada.start("weather", executors="5", gpus_per_executor="1")
    assert answer.status_code == 422
    assert "5 GPUs were asked for; this machine has 2." in answer.text
    assert 'value="5"' in answer.text
    assert not site.folder("ada", "weather").exists()


@pytest.mark.usefixtures("no_server")
def test_what_is_no_number_comes_back_as_it_was_typed(ada: Person) -> None:
    answer = ada.start("weather", executors="plenty")
    assert answer.status_code == 422
    assert 'value="plenty"' in answer.text


@pytest.mark.usefixtures("no_server")
def test_impossible_options_are_refused_by_rest_with_the_numbers(ada: Person) -> None:
    answer = ada.hub("POST", "users/ada/servers/weather", json={"executors": 3, "gpus_per_executor": 1})
    assert answer.status_code == 422
    assert "3 GPUs were asked for; this machine has 2." in answer.json()["message"]


@pytest.mark.usefixtures("no_server")
def test_a_link_with_options_starts_nothing(site: Site, ada: Person) -> None:
    answer = ada.client.get("hub/spawn/ada/weather?opt-executors=2")
    assert answer.status_code == 400
    assert "A link can't start a server" in unescape(answer.text)
    assert not site.server("ada", "weather").get("pending")


def without_tokens(page: str) -> str:
    """A page without what differs at every request."""
    return re.sub(r'(_xsrf(=|" value=")|data-xsrf=")[^"&]*', "", page)
