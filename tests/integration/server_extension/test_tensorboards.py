"""TensorBoards of a real notebook server, in the real project environment."""

from __future__ import annotations

import concurrent.futures
import json
import socket
import sys
import time
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from tests.waiting import until


def processes_of(server):
    return psutil.Process(server.process.pid).children(recursive=True)


def gone(processes, seconds=60.0):
    return not psutil.wait_procs(processes, timeout=seconds)[1]


def runs_of(server, board, wanted):
    path = f"{board['url'].removeprefix(server.base)}data/runs"
    return until(lambda: sorted(server.client.get(path).json()), wanted=lambda runs: runs == wanted, pause_s=0.2)


def test_a_tensorboard_shows_all_runs_below_its_directory_once_for_several_callers(server, two_runs):
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        answers = list(
            pool.map(lambda _: server.client.post("/hops/tensorboards", json={"logdir": two_runs}), range(3))
        )
    assert [answer.status_code for answer in answers] == [201, 201, 201], answers[0].text
    again = server.client.post("/hops/tensorboards", json={"logdir": f"./{two_runs}/"})
    assert (again.status_code, again.json()) == (200, answers[0].json())
    board = answers[0].json()
    assert [answer.json() for answer in answers] == [board] * 3
    assert board["logdir"] == two_runs
    assert board["url"] == f"{server.base}/hops/tensorboards/{board['id']}/"
    assert 0 <= time.time() - board["started"] < 60
    assert server.client.get("/hops/tensorboards").json() == {"items": [board]}
    page = server.client.get(board["url"].removeprefix(server.base))
    assert page.status_code == 200
    assert "<title>TensorBoard</title>" in page.text
    assert runs_of(server, board, ["run1", "run2"]) == ["run1", "run2"]


def test_its_port_answers_nobody_who_does_not_know_the_path(server, two_runs):
    server.client.post("/hops/tensorboards", json={"logdir": two_runs})
    ports = {
        connection.laddr.port
        for process in processes_of(server)
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN
    }
    assert ports
    for process in processes_of(server):
        assert "hops/tensorboards" not in " ".join(process.cmdline())
    for port in ports:
        try:
            answer = httpx.get(f"http://127.0.0.1:{port}/data/runs", timeout=60, trust_env=False)
        except httpx.TransportError:
            continue  # not HTTP: TensorBoard's own data server speaks gRPC
        assert answer.status_code == 404


def test_members_of_a_project_have_their_own_at_the_same_time(server, start_server, make_folder, two_runs):
    other = start_server(make_folder(user="grace"))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        boards = list(
            pool.map(
                lambda one: one.client.post("/hops/tensorboards", json={"logdir": two_runs}).json(), (server, other)
            )
        )
    for one, board in zip((server, other), boards, strict=True):
        assert runs_of(one, board, ["run1", "run2"]) == ["run1", "run2"]
    assert boards[0]["id"] != boards[1]["id"]
    assert other.client.get(boards[0]["url"].removeprefix(server.base)).status_code == 404
    assert other.client.delete(f"/hops/tensorboards/{boards[1]['id']}").status_code == 204
    assert runs_of(server, boards[0], ["run1", "run2"]) == ["run1", "run2"], "the other's end is not its own"


def test_the_link_in_a_notebook_leads_to_it(server, two_runs):
    answer = server.client.get("/hops/tensorboards:open", params={"logdir": two_runs})
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(f"{server.base}/hops/tensorboards/")
    assert server.client.get(answer.headers["location"].removeprefix(server.base)).status_code == 200


def test_it_ends_when_asked_and_is_then_unknown(server, two_runs):
    board = server.client.post("/hops/tensorboards", json={"logdir": two_runs}).json()
    processes = processes_of(server)
    assert server.client.delete(f"/hops/tensorboards/{board['id']}").status_code == 204
    assert gone(processes)
    assert server.client.delete(f"/hops/tensorboards/{board['id']}").status_code == 404
    assert server.client.get(board["url"].removeprefix(server.base)).status_code == 404


@pytest.mark.parametrize("how", ["terminate", "kill"])
def test_it_ends_with_the_server_however_that_ends(start_server, make_folder, two_runs, how):
    server = start_server(make_folder())
    server.client.post("/hops/tensorboards", json={"logdir": two_runs})
    processes = processes_of(server)
    assert processes
    getattr(server.process, how)()
    server.process.wait(60)
    assert gone(processes)


def test_an_environment_without_tensorboard_is_said_with_the_end_of_its_log(start_server, make_folder, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    server = start_server(make_folder(environment=str(tmp_path)))
    answer = server.client.post("/hops/tensorboards", json={"logdir": "Experiments"})
    assert answer.status_code == 503
    assert "TensorBoard did not start" in answer.json()["detail"]
    assert "tensorboard" in answer.json()["detail"]
    assert str(tmp_path) not in answer.text


OF_THE_ORIGIN = {"set-cookie", "clear-site-data", "service-worker-allowed", "strict-transport-security"}
HOSTILE = f"""#!{sys.executable}
import json, os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

class Hostile(BaseHTTPRequestHandler):
    def do_GET(self):
        to = parse_qs(urlsplit(self.path).query).get("to")
        self.send_response(302 if to else 200)
        for name, value in [("Location", to[0])] if to else []:
            self.send_header(name, value)
        self.send_header("Set-Cookie", "jupyterhub-session-id=mine; Path=/")
        self.send_header("Clear-Site-Data", "*")
        self.send_header("Service-Worker-Allowed", "/")
        self.send_header("Strict-Transport-Security", "max-age=31536000")
        self.end_headers()
        self.wfile.write(json.dumps([self.path, dict(self.headers)]).encode())

server = ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
os.write(json.loads(os.environ["HOPS_TENSORBOARD"])["report_to"], str(server.server_port).encode())
server.serve_forever()
"""


@pytest.fixture(scope="module")
def hostile(start_server, make_folder, tmp_path_factory):
    """A notebook server whose project has put a program of its own in the place of TensorBoard, and that one's path."""
    environment = tmp_path_factory.mktemp("hostile")
    (environment / "bin").mkdir()
    python = environment / "bin" / "python"
    python.write_text(HOSTILE)
    python.chmod(0o700)
    server = start_server(make_folder(environment=str(environment)))
    board = server.client.post("/hops/tensorboards", json={"logdir": "Experiments"})
    assert board.status_code == 201, board.text
    return server, board.json()["url"].removeprefix(server.base)


@pytest.fixture
def bystander():
    """A port at which nobody may be asked anything, and what tells whether somebody was."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0)
        yield listener.getsockname()[1]
        with pytest.raises(BlockingIOError):
            listener.accept()


def ask(server, target, *headers):
    """Status and the rest of an answer to a request whose target is sent as it is written."""
    address = urlsplit(str(server.client.base_url))
    token = server.client.headers["Authorization"]
    lines = [f"GET {target} HTTP/1.1", f"Authorization: {token}", "Connection: close", *headers]
    if not any(line.startswith("Host:") for line in headers):
        lines.append(f"Host: {address.netloc}")
    with socket.create_connection((address.hostname, address.port), 20) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    return int(answer.split(" ")[1]), answer


def test_no_request_makes_it_ask_somebody_else(hostile, bystander):
    server, path = hostile
    here, there = f"{server.base}{path}", f"127.0.0.1:{bystander}"
    for target in (
        f"http://{there}{here}",
        f"http://{there}/",
        f"//{there}{here}",
        f"@{there}{here}",
        f"{server.base}/hops/tensorboards/{'0' * 32}/",
        f"{server.base}/hops/tensorboards/{bystander}/",
        f"{server.base}/proxy/{bystander}/",
        f"{server.base}/proxy/{there}/",
        f"{server.base}/proxy/absolute/{bystander}/",
    ):
        status, answer = ask(server, target)
        # Jupyter leads from an unknown path to the same one without its last slash.
        assert (status in {302, 400, 403, 404}, f"Location: http://{there}" in answer) == (True, False), target
    inside = (
        f"@{there}/",
        f"//{there}/",
        f"..%2f..%2f@{there}",
        f":{bystander}/",
        f"?url=http://{there}/",
        "%0d%0aX:1",
    )
    for rest in inside:
        status, answer = ask(server, here + rest)
        assert (status, json.dumps(here + rest) in answer) == (200, True), answer
    for header in (f"Host: {there}", f"X-Forwarded-Host: {there}", f"X-Forwarded-Port: {bystander}"):
        assert ask(server, here, header)[0] in {200, 403}, header


def test_it_leads_a_browser_nowhere_else_and_sets_no_cookie(hostile, bystander):
    server, path = hostile
    here = f"{server.base}{path}"
    for to in (f"http://127.0.0.1:{bystander}/", f"//127.0.0.1:{bystander}/", "/hub/logout", f"{here}../../"):
        answer = server.client.get(path, params={"to": to}, follow_redirects=False)
        assert (answer.status_code, answer.headers.get("location")) == (302, None), to
        assert not OF_THE_ORIGIN & set(answer.headers), answer.headers
        stream = server.client.get(path, params={"to": to}, headers={"Accept": "text/event-stream"})
        assert (stream.status_code, "location" in stream.headers) == (406, False)
    stays = server.client.get(path, params={"to": f"{here}data/"}, follow_redirects=False)
    assert stays.headers["location"] == f"{here}data/"
    assert server.client.get(path, headers={"Service-Worker": "script"}).status_code == 406
    told = server.client.get(path, headers={"Cookie": "a=b"}).json()[1]
    assert not {"cookie", "authorization", "x-xsrftoken"} & {name.lower() for name in told}
