"""A whole site: with TLS, in the foreground until Ctrl-C, and what it says when it can't start."""

import json
import socket
import ssl

import httpx
import psutil
import pytest

from hops_contract.layout import Home
from hopslab.site.stop import processes_of
from tests.integration.house.conftest import press_ctrl_c
from tests.ports import free_port
from tests.unit.house.certificates import certificate
from tests.waiting import until

START_S = 240


@pytest.mark.hub
def test_a_site_with_tls_runs_in_the_foreground_until_ctrl_c_and_leaves_nothing(site, tmp_path):
    cert, key = certificate(tmp_path, days=30)
    port = free_port()
    command = site(HOPS_PORT=port, HOPS_BIND="127.0.0.1", HOPS_TLS_CERT=cert, HOPS_TLS_KEY=key)
    said = tmp_path / "said.txt"
    with said.open("w") as output:
        front = command.start("up", output=output)
    try:
        until(lambda: "is ready" in said.read_text() or front.poll() is not None, said.read_text, seconds=START_S)
        assert front.poll() is None, said.read_text()
        assert f"https://127.0.0.1:{port}/" in said.read_text()
        family = psutil.Process(json.loads((command.home / "run" / "hub.json").read_text())["pid"]).children(
            recursive=True
        )
        assert len(family) >= 3  # the proxy and both services

        trusting = ssl.create_default_context(cafile=str(cert))
        with httpx.Client(base_url=f"https://localhost:{port}", verify=trusting, timeout=60, trust_env=False) as client:
            assert client.get("/services/hops/api/v1/health").json()["status"] == "ok"
            assert client.get("/services/livy/health").status_code == 200
            form = client.get("/hub/login")
            assert form.status_code == 200
            cookies = form.headers.get_list("set-cookie")
            assert cookies
            assert all("secure" in cookie.lower() for cookie in cookies), cookies
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"http://127.0.0.1:{port}/hub/login", timeout=60, trust_env=False)
        status = command.run("status", "--json")
        assert json.loads(status.stdout)["healthy"] is True, status.stdout
        doctor = json.loads(command.run("doctor", "--json").stdout)
        assert doctor["healthy"] is True, doctor
    finally:
        press_ctrl_c(front)
        code = front.wait(timeout=90)
    assert code == 130, said.read_text()
    assert not [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
    assert processes_of(Home(command.home)) == []
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_taken_port_is_told_before_anything_is_made(site):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = site(HOPS_PORT=taken.getsockname()[1])
        failed = command.run("up", "--detach")
        assert failed.returncode == 1
        assert "is in use by" in failed.stderr
        assert "HOPS_PORT=" in failed.stderr
        assert "Traceback" not in failed.stderr
    assert failed.stdout == ""
    assert not (command.home / "run").exists()
    assert "nothing is running" in command.run("status").stdout.lower()


def test_an_address_that_others_reach_is_refused_without_tls_before_anything_is_made(site):
    command = site(HOPS_BIND="0.0.0.0")
    refused = command.run("up", "--detach")
    assert refused.returncode == 1
    assert "HOPS_TLS_CERT" in refused.stderr
    assert not (command.home / "run").exists()


def test_a_home_that_can_not_be_written_is_told_in_a_sentence(site, tmp_path):
    (tmp_path / "file").write_text("")
    command = site()
    command.env["HOPS_HOME"] = str(tmp_path / "file" / "home")
    refused = command.run("up", "--detach")
    command.env["HOPS_HOME"] = str(command.home)
    assert refused.returncode == 1
    assert "HOPS_HOME" in refused.stderr
    assert "Traceback" not in refused.stderr
