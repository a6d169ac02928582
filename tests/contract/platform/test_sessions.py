"""The contract of the Spark sessions' port: the session service's answers as it gives them, and the fake."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from hops_platform.adapters.sessions.livy import LivySessions
from hops_platform.errors import EngineRefusedError, EngineUnavailableError
from hops_platform.testing.contracts import SessionsContract
from hops_platform.testing.fakes import MemorySessions


class Service(ThreadingHTTPServer):
    """Answers as told, and notes what it was asked."""

    status = 204

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.asked: list[tuple[str, str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/services/livy"


class Answering(BaseHTTPRequestHandler):
    server: Service

    def do_DELETE(self) -> None:
        self.server.asked.append(("DELETE", self.path, self.headers.get("Authorization")))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class TestMemorySessions(SessionsContract):
    @pytest.fixture
    def engine(self) -> MemorySessions:
        return MemorySessions()


class TestLivySessions(SessionsContract):
    @pytest.fixture
    def engine(self, service: Service) -> LivySessions:
        return LivySessions(service.url, sign=lambda: "signed")

    def test_it_asks_with_a_token_of_its_own(self, engine: LivySessions, service: Service) -> None:
        engine.end_all("weather__ada")
        assert service.asked == [("DELETE", "/services/livy/owners/weather__ada", "Bearer signed")]

    @pytest.mark.parametrize(
        ("status", "error"), [(500, EngineUnavailableError), (503, EngineUnavailableError), (403, EngineRefusedError)]
    )
    def test_what_it_answers_says_whether_to_try_again(
        self, engine: LivySessions, service: Service, status: int, error: type[Exception]
    ) -> None:
        service.status = status
        with pytest.raises(error):
            engine.end_all("weather__ada")

    def test_an_owner_without_sessions_is_done(self, engine: LivySessions, service: Service) -> None:
        service.status = 404
        engine.end_all("weather__ada")


def test_a_service_that_is_away_is_told_as_such() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # taken, so that nobody else answers there, and not listened at
        away = LivySessions(f"http://127.0.0.1:{nobody.getsockname()[1]}/services/livy", sign=lambda: "signed")
        with pytest.raises(EngineUnavailableError, match="does not answer"):
            away.end_all("weather__ada")
