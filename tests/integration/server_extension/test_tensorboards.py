"""TensorBoards of a real notebook server, in the real project environment."""

from __future__ import annotations

import concurrent.futures
import sys
import time

import httpx
import psutil
import pytest


def processes_of(server):
    return psutil.Process(server.process.pid).children(recursive=True)


def gone(processes, seconds=10.0):
    return not psutil.wait_procs(processes, timeout=seconds)[1]


def runs_of(server, board, wanted):
    path = f"{board['url'].removeprefix(server.base)}data/runs"
    deadline = time.monotonic() + 30
    while sorted(runs := server.client.get(path).json()) != wanted and time.monotonic() < deadline:
        time.sleep(0.2)
    return sorted(runs)


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
            answer = httpx.get(f"http://127.0.0.1:{port}/data/runs", trust_env=False)
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
    server.process.wait(20)
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
