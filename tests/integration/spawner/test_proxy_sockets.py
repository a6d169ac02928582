"""The real proxy, before a socket whose answers are quicker than the end of the request."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from hops_spawner.proxy import proxy_command, socket_url
from tests.ports import free_port

PROGRAM = Path(__file__).resolve().parents[3] / "node_modules" / ".bin" / "configurable-http-proxy"
REQUESTS = 200


class Refuses:
    """Answers whatever comes as soon as its body is there, and ends the connection if it is told to."""

    def __init__(self, path: str) -> None:
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(100)
        self.connections = 0

    def serve(self) -> None:
        with suppress(OSError):  # it is closed
            while True:
                made, _ = self.listener.accept()
                self.connections += 1
                threading.Thread(target=self._answer, args=(made,), daemon=True).start()

    def _answer(self, made: socket.socket) -> None:
        with made, suppress(OSError):
            text = b""
            while part := made.recv(65536):
                text += part
                head, found, _ = text.partition(b"\r\n\r\n")
                if found and text.endswith(b"realm=x"):
                    made.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
                    if b"connection: close" in head.lower():
                        return
                    text = b""


@pytest.fixture
def refuses() -> Iterator[tuple[Refuses, str]]:
    with TemporaryDirectory(prefix="hops-") as folder:  # whose path is short enough for a socket
        path = str(Path(folder) / "hub.sock")
        server = Refuses(path)
        with closing(server.listener):
            thread = threading.Thread(target=server.serve)
            thread.start()
            yield server, path
            server.listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_connections_to_a_socket_are_kept_and_no_answer_is_lost(refuses: tuple[Refuses, str]) -> None:
    server, path = refuses
    port = free_port()
    command = [*proxy_command(str(PROGRAM)), "--ip", "127.0.0.1", "--port", str(port)]
    command += ["--api-port", str(free_port()), "--default-target", socket_url(path)]
    with subprocess.Popen(command, env=os.environ | {"CONFIGPROXY_AUTH_TOKEN": "t"}) as proxy:
        try:
            with httpx.Client(trust_env=False, base_url=f"http://127.0.0.1:{port}/hub/") as client:
                _until_there(client)
                told = [client.post("login", content=b"realm=x").status_code for _ in range(REQUESTS)]
        finally:
            proxy.terminate()
    assert told == [403] * REQUESTS
    assert server.connections < 10


def _until_there(client: httpx.Client) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            client.post("login", content=b"realm=x")
        except httpx.ConnectError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return
