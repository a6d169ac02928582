"""Apache Livy at an address: certificates, connections, answers without an end, and a service that is killed."""

import contextlib
import shutil
import signal
import socket
import tempfile
import threading
from pathlib import Path

import pytest
from fastapi.responses import JSONResponse

from hops_livy.upstream.answers import AwayError, GoneError, TooMuchError
from tests.contract.livy.scripted_livy import ScriptedLivy, text
from tests.ports import free_port
from tests.unit.house.certificates import certificate

from .served_livy import ask, served
from .service_process import Service, run, start_session


def test_a_certificate_is_checked_with_the_authorities_of_the_setting(tmp_path):
    authorities, key = certificate(tmp_path, days=30)
    with served(ScriptedLivy(), ssl_certfile=authorities, ssl_keyfile=key) as url:
        with pytest.raises(GoneError):
            ask({"url": url, "authorities": authorities})
        with pytest.raises(AwayError, match="its certificate is not trusted; HOPS_LIVY_UPSTREAM_CA") as refused:
            ask({"url": url})
        assert not refused.value.maybe_taken


def test_where_nobody_listens_is_told_so():
    with pytest.raises(AwayError, match=r"can't be reached \(.*\)") as refused:
        ask({"url": f"http://127.0.0.1:{free_port()}"})
    assert not refused.value.maybe_taken


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


@contextlib.contextmanager
def endless(chunk, pause_s):
    """Answers once, and goes on with it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stopped = threading.Event()

        def answer():
            connection, _address = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                connection.sendall(HEAD)
                while not stopped.is_set():
                    connection.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                    stopped.wait(pause_s)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        try:
            yield {"url": f"http://127.0.0.1:{listener.getsockname()[1]}"}
        finally:
            stopped.set()
            thread.join(30)


def test_an_answer_without_an_end_is_cut_off():
    with endless(b" " * 65536, 0) as settings, pytest.raises(TooMuchError, match="larger than 16 MiB"):
        ask(settings)


def test_an_answer_that_trickles_is_not_waited_for():
    with endless(b" ", 0.05) as settings, pytest.raises(AwayError, match="did not answer") as late:
        ask(settings, lambda client: client._call("GET", "/sessions/x", patience_s=0.5))
    assert late.value.maybe_taken


def test_a_cookie_is_not_kept():
    livy = ScriptedLivy()
    livy.behind = lambda _request: JSONResponse({"log": []}, headers={"Set-Cookie": "hadoop.auth=somebody; Path=/"})

    async def twice(client):
        await client.log("sessions", "x")
        await client.log("sessions", "x")

    with served(livy) as url:
        ask({"url": url}, twice)
    assert [("cookie" in headers) for _, _, headers, _ in livy.requests] == [False, False]


@pytest.fixture
def home():
    root = Path(tempfile.mkdtemp(prefix="upstream-"))
    yield root
    shutil.rmtree(root)


def test_a_killed_service_finds_its_sessions_there_again_and_no_environment_is_needed(home, control_plane):
    livy = ScriptedLivy(outputs={"1+1": text("2")})
    secret = home / "secret"
    secret.touch(0o600)
    secret.write_text("s3cret")
    with served(livy) as url:
        service = Service(
            home,
            control_plane,
            {
                "HOPS_LIVY_UPSTREAM_URL": url,
                "HOPS_LIVY_UPSTREAM_AUTH": "bearer",
                "HOPS_LIVY_UPSTREAM_SECRET_FILE": str(secret),
            },
        ).start()
        try:
            with service.client() as client:
                number = start_session(client)
                assert run(client, number, "1+1")["output"]["data"] == {"text/plain": "2"}
                service.halt(signal.SIGKILL)
                service.start()
                assert client.get(f"/sessions/{number}").json()["state"] == "idle"
                assert client.get(f"/sessions/{number}/statements/0").json()["output"]["data"] == {"text/plain": "2"}
                assert run(client, number, "1+1")["output"]["data"] == {"text/plain": "2"}
                assert [statement.code for statement in livy.session().statements] == ["1+1", "1+1"]
        finally:
            service.stop()
    assert livy.sessions == {}
    assert {headers["authorization"] for _, _, headers, _ in livy.requests} == {"Bearer s3cret"}
    assert "s3cret" not in (home / "service.log").read_text()
