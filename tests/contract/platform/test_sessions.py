"""The contract of the Spark sessions' port: the session service's answers as it gives them, and the fake."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from hops_contract.happenings import ByWhom, HowSession, SessionHappenings
from hops_contract.origins import FORWARDED_BY, FORWARDED_FOR
from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_livy.conf import shape_of
from hops_livy.happenings import Happenings
from hops_livy.journal import Journal
from hops_livy.overview import Viewer, item
from hops_livy.queue_place import Place
from hops_livy.routes.examples import HAPPENING
from hops_livy.sessions import Session, SessionState
from hops_livy.settings import Limits
from hops_livy.wire import SessionRequest
from hops_platform.adapters.sessions.livy import HELD_AT_ONCE, LivySessions
from hops_platform.audit.actions import ActorKind
from hops_platform.engines.sessions import SessionsUse
from hops_platform.errors import (
    ConflictError,
    EngineRefusedError,
    EngineUnavailableError,
    ForbiddenError,
    MalformedRequestError,
    NotFoundError,
    UnauthenticatedError,
)
from hops_platform.sessions.hearing import event_of
from hops_platform.sessions.schemas import SessionResources, SparkSession, SparkSessionList
from hops_platform.testing.contracts.sessions import SessionsContract
from hops_platform.testing.fakes import MemorySessions


class Service(ThreadingHTTPServer):
    """Answers as told, and notes what it was asked."""

    status = 204
    answer: Any = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.bodies: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.asked: list[tuple[str, str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/services/livy"


class Answering(BaseHTTPRequestHandler):
    server: Service

    def do_DELETE(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length:
            self.server.bodies.append(json.loads(self.rfile.read(length)))
        self.server.headers.append(dict(self.headers.items()))
        self.server.asked.append((self.command, self.path, self.headers.get("Authorization")))
        self.send_response(self.server.status)
        body = b"" if self.server.answer is None else json.dumps(self.server.answer).encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE

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

    def test_who_stays_a_member_is_told_why(self, engine: LivySessions, service: Service) -> None:
        engine.end_all("weather__ada", reason="Spark is off & away.")
        ((method, path, _),) = service.asked
        assert (method, path) == ("DELETE", "/services/livy/owners/weather__ada?reason=Spark+is+off+%26+away.")

    def test_it_tells_what_a_project_uses_and_what_it_is(self, engine: LivySessions, service: Service) -> None:
        service.status, service.answer = 200, {"sessions": 2, "executors": 3, "memory_mib": 4096, "gpus": 1}
        assert engine.use_of("weather") == SessionsUse(sessions=2, executors=3, memory_mib=4096, gpus=1)
        assert service.asked == [("GET", "/services/livy/projects/weather/use", "Bearer signed")]
        service.answer = {"sessions": "many"}
        with pytest.raises(EngineRefusedError):
            engine.use_of("weather")
        service.answer = {"status": "ok", "version": "0.1.0"}
        assert engine.probe() == "Session service 0.1.0"

    @pytest.mark.parametrize(
        ("status", "error"), [(500, EngineUnavailableError), (503, EngineUnavailableError), (403, EngineRefusedError)]
    )
    def test_what_it_answers_says_whether_to_try_again(
        self, engine: LivySessions, service: Service, status: int, error: type[Exception]
    ) -> None:
        service.status = status
        with pytest.raises(error):
            engine.end_all("weather__ada")

    def test_people_are_asked_for_with_their_own_tokens(self, engine: LivySessions, service: Service) -> None:
        service.status, service.answer = 200, {"ended": [3]}
        engine.look("of-ada", {"scope": "own"})
        engine.look("of-ada", {"scope": "own", "seen": "v&1"}, wait_s=12)
        engine.log("of-ada", 7, size=50)
        engine.stop("of-ada", 7)
        assert engine.stop_idle("of-ada", {"scope": "all", "sessions": [3]}) == [3]
        assert [call[:2] for call in service.asked] == [
            ("GET", "/services/livy/overview?scope=own"),
            ("GET", "/services/livy/overview?scope=own&seen=v%261&wait_s=12"),
            ("GET", "/services/livy/overview/7/log?size=50"),
            ("DELETE", "/services/livy/overview/7"),
            ("POST", "/services/livy/overview:stop-idle"),
        ]
        assert {call[2] for call in service.asked} == {"Bearer of-ada"}
        assert service.bodies == [{"scope": "all", "sessions": [3]}]

    def test_beyond_so_many_that_wait_one_is_answered_at_once(self, engine: LivySessions, service: Service) -> None:
        service.status, service.answer = 200, {}
        for _ in range(HELD_AT_ONCE):
            engine._places.acquire()
        engine.look("of-ada", {"scope": "own", "seen": "v"}, wait_s=12)
        engine._places.release()
        engine.look("of-ada", {"scope": "own", "seen": "v"}, wait_s=12)
        engine.look("of-ada", {"scope": "own", "seen": "v"}, wait_s=12)
        held = ["wait_s" in path for _, path, _ in service.asked]
        assert held == [False, True, True], "a place is given back"

    @pytest.mark.parametrize(
        ("status", "error"),
        [
            (400, MalformedRequestError), (401, UnauthenticatedError), (403, ForbiddenError), (404, NotFoundError),
            (409, ConflictError), (429, EngineRefusedError), (503, EngineUnavailableError),
        ],
    )  # fmt: skip
    def test_a_refusal_is_passed_on_as_it_was_said(
        self, engine: LivySessions, service: Service, status: int, error: type[Exception]
    ) -> None:
        service.status, service.answer = status, {"detail": "There is no session 7 that you can see.", "remedy": None}
        with pytest.raises(error, match="that you can see" if status < 500 else "failed"):
            engine.stop("of-ada", 7)

    @pytest.mark.parametrize("answer", [None, [], "text"])
    def test_an_answer_that_is_none_is_a_refusal(self, engine: LivySessions, service: Service, answer: Any) -> None:
        service.status, service.answer = 200, answer
        with pytest.raises(EngineRefusedError, match="nothing readable"):
            engine.look("of-ada", {"scope": "own"})

    @pytest.mark.parametrize("answer", [{}, {"ended": None}, {"ended": 3}, {"ended": ["x"]}])
    def test_numbers_that_are_none_are_a_refusal(self, engine: LivySessions, service: Service, answer: Any) -> None:
        service.status, service.answer = 200, answer
        with pytest.raises(EngineRefusedError, match="nothing readable"):
            engine.stop_idle("of-ada", {"scope": "own"})

    def test_what_became_of_sessions_is_told(self, engine: LivySessions, service: Service) -> None:
        service.status = 200
        service.answer = {"stream": "a1", "items": [HAPPENING, {**HAPPENING, "number": 13, "by": None, "is": "begun"}]}
        told = engine.happened("a1", 11, limit=5)
        assert service.asked[0][1:] == ("/services/livy/happenings?stream=a1&after=11&limit=5", "Bearer signed")
        first, second = told.items
        assert (told.stream, first.number, first.what, first.by, first.source, first.owner) == (
            "a1", 12, HowSession.ENDED, ByWhom(user="grace", kind=PrincipalKind.USER), "192.0.2.7", "ada",
        )  # fmt: skip
        assert (second.what, second.by) == (HowSession.BEGUN, None)
        assert first.details == {"state": "killed", "lived_s": 850}

    def test_what_the_session_service_writes_is_what_the_audit_reads(
        self, engine: LivySessions, service: Service, tmp_path: Path
    ) -> None:
        happenings = Happenings(tmp_path / "happenings.jsonl")
        happenings.load()
        session = Session(
            id=7,
            owner=Principal(kind=PrincipalKind.PROJECT_USER, user="ada", project="weather"),
            kind="pyspark",
            name=None,
            shape=shape_of(SessionRequest(), {}),
            limits=Limits(),
            journal=Journal(tmp_path / "7"),
            begun_from="127.0.0.1",
            ended_by=Principal(kind=PrincipalKind.USER, user="grace"),
            ended_from="192.0.2.7",
        )
        happenings.begun(session)
        session.state, session.reason = SessionState.KILLED, "It was stopped by Data Owner grace."
        happenings.ended(session)
        told = SessionHappenings(stream=happenings.stream, items=happenings.after("", 0, limit=5))
        service.status, service.answer = 200, told.model_dump(mode="json", by_alias=True)
        begun, ended = map(event_of, engine.happened("", 0, limit=5).items)
        assert (begun.actor, begun.actor_kind, begun.source, begun.thing, begun.reason) == (
            "ada", ActorKind.PROJECT_USER, "127.0.0.1", "7", "",
        )  # fmt: skip
        assert (ended.actor, ended.actor_kind, ended.source, ended.reason) == (
            "grace", ActorKind.USER, "192.0.2.7", "It was stopped by Data Owner grace.",
        )  # fmt: skip
        assert begun.details == {"kind": "pyspark", "executors": 1, "memory_mib": 2048, "gpus": 0}
        assert ended.details == {"state": "killed", "lived_s": 0, "user": "ada"}
        assert ended.moment >= begun.moment

    def test_what_an_earlier_session_service_told_is_read(self, engine: LivySessions, service: Service) -> None:
        earlier = {name: value for name, value in HAPPENING.items() if name not in {"source", "since"}}
        service.status, service.answer = 200, {"stream": "a1", "items": [earlier]}
        (told,) = engine.happened("a1", 11, limit=5).items
        assert (told.source, told.since) == ("", None)

    def test_only_where_somebody_is_who_ends_a_session_is_handed_on_with_a_proof(
        self, engine: LivySessions, service: Service
    ) -> None:
        service.status, service.answer = 200, {"ended": [7]}
        engine.stop("of-ada", 7, source="192.0.2.7")
        engine.stop_idle("of-ada", {"scope": "own"}, source="192.0.2.7")
        engine.stop("of-ada", 7)
        engine.look("of-ada", {"scope": "own"})
        forwarded = [(sent.get(FORWARDED_FOR), sent.get(FORWARDED_BY)) for sent in service.headers]
        assert forwarded == [("192.0.2.7", "signed")] * 2 + [(None, None)] * 2

    @pytest.mark.parametrize(
        "wrong", [{"is": "odd"}, {"at": "now"}, {"by": "ada"}, {"number": None}, {"details": 3}, {"source": 7}]
    )
    def test_a_happening_that_is_none_is_a_refusal(
        self, engine: LivySessions, service: Service, wrong: dict[str, Any]
    ) -> None:
        service.status, service.answer = 200, {"stream": "a1", "items": [{**HAPPENING, **wrong}]}
        with pytest.raises(EngineRefusedError, match="nothing readable"):
            engine.happened("a1", 0, limit=5)

    def test_an_owner_without_sessions_is_done(self, engine: LivySessions, service: Service) -> None:
        service.status = 404
        engine.end_all("weather__ada")


def test_a_service_that_is_away_is_told_as_such() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # taken, so that nobody else answers there, and not listened at
        away = LivySessions(f"http://127.0.0.1:{nobody.getsockname()[1]}/services/livy", sign=lambda: "signed")
        with pytest.raises(EngineUnavailableError, match="does not answer"):
            away.end_all("weather__ada")


NOT_SHOWN = {"owner", "kernel", "heard"}
"""Of an item: what programs need."""


def test_the_page_is_told_all_of_a_session_that_it_shows(tmp_path: Path) -> None:
    ada = Principal(kind=PrincipalKind.PROJECT_USER, user="ada", project="weather", role=ProjectRole.DATA_OWNER)
    conf = {"spark.executor.resource.gpu.amount": "2", "spark.hops.gpu.label": "a100"}
    session = Session(
        id=3, owner=ada, kind="pyspark", name="n", shape=shape_of(SessionRequest(numExecutors=2, conf=conf), conf),
        limits=Limits(), journal=Journal(tmp_path),
    )  # fmt: skip
    session.wait_at(Place(position=2, length=5, waits_for="2 GPUs"))
    told = item(session, Viewer(principal=ada, token="t", standing=None))  # type: ignore[arg-type]
    shown = SparkSession.model_validate(told)
    assert SparkSession.model_fields.keys() == told.keys() - NOT_SHOWN
    assert SessionResources.model_fields.keys() == told["resources"].keys() - {"dynamic"}
    assert shown.queue is not None
    assert (shown.queue.position, shown.queue.length) == (2, 5)
    assert (shown.resources.gpus_per_executor, shown.resources.gpu_label, shown.resources.gpus) == (2, "a100", [])


def test_what_is_kept_ready_is_told_where_the_service_tells_it() -> None:
    answer = {"scope": "own", "items": [], "next": None, "total": 0, "idle": 0, "version": "v", "kept_ready": None}
    assert SparkSessionList.model_validate(answer).kept_ready is None
    everybodys = answer | {"scope": "all", "kept_ready": {"sessions": 3, "memory_mib": 1843}}
    kept = SparkSessionList.model_validate(everybodys).kept_ready
    assert kept is not None
    assert (kept.sessions, kept.memory_mib) == (3, 1843)
