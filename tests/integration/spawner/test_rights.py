"""What members get out of their notebook servers on a real site, by their roles of now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from tests.waiting import until

from .conftest import Person, Site, stop_and_wait
from .terminal import in_terminal

pytestmark = pytest.mark.hub
SECRET = "day,temperature"


@pytest.fixture
def data(site: Site, ready_project: str) -> Iterator[str]:
    """A file that is no program."""
    file = site.home / "projects" / ready_project / "Jupyter" / "may.csv"
    file.write_text(f"{SECRET}\n1,21.5\n")
    yield "Jupyter/may.csv"
    file.unlink()


@contextmanager
def by_token(site: Site, person: Person) -> Iterator[httpx.Client]:
    """Calls a person's notebook server as a script would."""
    token = person.hub("POST", f"users/{person.name}/tokens", json={"note": "script"}).json()["token"]
    base = f"{site.url}user/{person.name}/weather/"
    with httpx.Client(
        base_url=base, headers={"Authorization": f"token {token}"}, timeout=60, trust_env=False
    ) as client:
        yield client


def change_role(owner: Person, user: str, role: str) -> None:
    place = f"projects/weather/members/{user}"
    version = next(one for one in owner.ask("GET", "projects/weather/members").json()["items"] if one["user"] == user)
    answer = owner.client.patch(
        f"services/hops/api/v1/{place}",
        json={"role": role},
        headers=owner.site.token_of(owner) | {"If-Match": f'"{version["version"]}"'},
    )
    assert answer.status_code == 200, answer.text


def test_a_data_scientist_gets_no_file_neither_by_cookie_nor_by_token_nor_from_inside(
    site: Site, ada: Person, running_server: psutil.Process, data: str
) -> None:
    ada.client.get("user/ada/weather/lab", follow_redirects=True)
    said = "Ask a Data Owner of weather"
    for path in (f"files/{data}", f"files/{data}?download=1", f"view/{data}", f"nbconvert/html/{data}"):
        answer = ada.client.get(f"user/ada/weather/{path}")
        assert (answer.status_code, SECRET in answer.text, said in answer.text) == (403, False, True), path
    with by_token(site, ada) as server:
        assert server.get(f"api/contents/{data}").status_code == 403
        assert server.get("api/contents/Jupyter").status_code == 200
        lab = server.get("lab")
        assert (lab.status_code, "sandbox" in lab.headers["content-security-policy"]) == (200, True)
        # The server's own token at the Hub, which code has, is no way round.
        ask = (
            "import os, urllib.request as r, urllib.error as e\n"
            f"q = r.Request('http://127.0.0.1:' + str({port_of(running_server)}) + '/user/ada/weather/files/{data}',"
            " headers={'Authorization': 'token ' + os.environ['JUPYTERHUB_API_TOKEN']})\n"
            "try: print('got-' + r.urlopen(q).read().decode())\n"
            "except e.HTTPError as error: print('status-' + str(error.code))"
        )
        program = site.home / "projects" / "weather" / "Jupyter" / "ask.py"
        program.write_text(ask)
        try:
            assert "status-403" in in_terminal(server, f"python {program}")
        finally:
            program.unlink()
        # Nor does code take over the server that runs it.
        assert "Permission denied" in in_terminal(server, "head -c 1 /proc/$PPID/environ; tail -c +99 /proc/$PPID/maps")


def port_of(server: psutil.Process) -> int:
    """The port on which a notebook server listens, in its own network where it has one."""
    port = urlsplit(server.environ()["JUPYTERHUB_SERVICE_URL"]).port
    assert port is not None
    return port


def test_a_data_owner_gets_files_until_they_are_one_no_longer(
    site: Site, olga: Person, somebody: Person, data: str
) -> None:
    body = {"user": somebody.name, "role": "data_owner"}
    assert olga.ask("POST", "projects/weather/members", json=body).status_code == 201
    assert somebody.log_in().status_code == 302
    somebody.start_and_wait("weather")
    try:
        with by_token(site, somebody) as server:
            assert SECRET in server.get(f"files/{data}").text
            assert server.get(f"api/contents/{data}").json()["content"].startswith(SECRET)
            change_role(olga, somebody.name, "data_scientist")
            until(lambda: server.get(f"files/{data}").status_code == 403, "the refusal")
            assert server.get(f"api/contents/{data}").status_code == 403
    finally:
        stop_and_wait(site, somebody.name, "weather")
        assert olga.ask("DELETE", f"projects/weather/members/{somebody.name}").status_code in {200, 204}
