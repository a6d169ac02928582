"""A session service that plays scripted statements: Livy's protocol, with and without live events."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Script:
    """What a statement does: its messages, and its output at the end."""

    events: list[dict[str, Any]] = field(default_factory=list)
    output: dict[str, Any] = field(default_factory=lambda: {"status": "ok", "data": {}})
    hangs: bool = False
    breaks_after: int | None = None
    loses_answer: bool = False


@dataclass
class Service:
    """State of the scripted service; tests set the first fields and read the last ones."""

    scripts: dict[str, Script] = field(default_factory=dict)
    serves_events: bool = True
    polls_until_idle: int = 1
    dies_while_starting: bool = False
    queued: list[str] = field(default_factory=list)
    """What a session waits for, answer by answer; the last goes on while ``stays_queued``."""
    stays_queued: bool = False
    reason: str | None = None
    refuses: tuple[int, dict[str, Any]] | None = None
    sessions: dict[int, dict[str, Any]] = field(default_factory=dict)
    statements: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    posted: list[dict[str, Any]] = field(default_factory=list)
    checked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    code_help: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    counts: list[str | None] = field(default_factory=list)
    keys: dict[str, int] = field(default_factory=dict)
    deleted: list[int] = field(default_factory=list)
    connected: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    cell_ids: list[str | None] = field(default_factory=list)
    cancelled: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def script(self, code: str) -> Script:
        if code == "print(spark.version)":
            return Script(output=text("4.3.0\n"))
        return self.scripts.get(code, Script())


def text(value: str) -> dict[str, Any]:
    return {"status": "ok", "execution_count": 1, "data": {"text/plain": value}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, *_: Any) -> None:
        pass

    @property
    def service(self) -> Service:
        return self.server.service

    def _answer(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _parts(self) -> list[str]:
        self.service.tokens.append(self.headers.get("Authorization", ""))
        return [part for part in urlsplit(self.path).path.split("/") if part]

    def _body(self) -> dict[str, Any]:
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")

    def do_POST(self) -> None:  # noqa: PLR0911 - one for each path
        parts, body, service = self._parts(), self._body(), self.service
        if parts[0] in ("sessions", "sessions:check") and len(parts) <= 2 and service.refuses:
            return self._answer(*service.refuses)
        if parts == ["sessions:check"]:
            service.checked.append((urlsplit(self.path).query, body))
            return self._answer(200, {"msg": "possible"})
        if parts == ["sessions"]:
            session = {
                "id": len(service.posted), "state": "starting", "kind": "pyspark", "log": [], "polls": 0,
                **{name: body.get(name) for name in ("name", "kernel", "notebook")},
            }  # fmt: skip
            service.posted.append(body)
            service.sessions[session["id"]] = session
            return self._answer(201, session)
        if parts[-1] == "cancel":
            service.cancelled.set()
            service.statements[int(parts[3])]["state"] = "cancelled"
            return self._answer(200, {"msg": "canceled"})
        session = service.sessions.get(int(parts[1]))
        if session is None or session["state"] in ("dead", "killed"):
            return self._answer(404, {"detail": "There is no such session.", "remedy": "Start one."})
        if parts[-1] == "connect":
            service.connected.append((session["id"], body))
            session.update(body)
            return self._answer(200, session)
        return self._help(parts[-1], body) if parts[-1] in service.code_help else self._take(body["code"])

    def _help(self, subject: str, body: dict[str, Any]) -> None:
        self.service.asked.append((subject, body))
        return self._answer(200, self.service.code_help[subject])

    def _take(self, code: str) -> None:
        service = self.service
        key = self.headers["Idempotency-Key"]
        if key in service.keys:
            return self._answer(201, service.statements[service.keys[key]])
        service.keys[key] = len(service.statements)
        service.counts.append(self.headers["Execution-Count"])
        service.cell_ids.append(self.headers["Cell-Id"])
        script = service.script(code)
        statement = {
            "id": len(service.statements), "code": code, "state": "running" if script.hangs else "available",
            "output": script.output, "progress": 0.0,
        }  # fmt: skip
        service.statements.append(statement)
        if script.loses_answer:
            script.loses_answer = False
            return self._answer(503, {"detail": "The answer got lost."})
        return self._answer(201, statement)

    def do_GET(self) -> None:  # noqa: PLR0911 - one for each path
        parts, service = self._parts(), self.service
        if parts == ["sessions"]:
            return self._answer(200, {"sessions": list(service.sessions.values())})
        if parts == ["overview"]:
            return self._answer(200, {"items": list(service.sessions.values())[::-1]})
        session = service.sessions.get(int(parts[1]))
        if session is None:
            return self._answer(404, {"detail": "There is no such session."})
        if parts[2:] == ["statements"]:
            unseen = [one for one in service.statements if one.get("seen") is False]
            return self._answer(200, {"total_statements": len(unseen), "statements": unseen})
        if len(parts) < 4:
            return self._answer(200, self._about(session, parts[2:]))
        statement = service.statements[int(parts[3])]
        if len(parts) == 5:
            return self._events(service.script(statement["code"]))
        return self._answer(200, statement)

    def _about(self, session: dict[str, Any], path: list[str]) -> dict[str, Any]:
        if path == ["summary"]:
            told = {name: session.get(name) for name in ("id", "kernel", "notebook", "ends", "idle_timeout_s")}
            return {**told, "state": session["state"], "reason": self.service.reason or ""}
        if path == ["log"]:
            return {"log": ["first line", "last line"]}
        if self.service.queued:
            waits = self.service.queued[0] if self.service.stays_queued else self.service.queued.pop(0)
            return session | {"queue": {"position": 1}, "appInfo": {"reason": waits}}
        session["polls"] += 1
        if session["state"] == "starting" and session["polls"] >= self.service.polls_until_idle:
            session["state"] = "dead" if self.service.dies_while_starting else "idle"
        return session

    def do_DELETE(self) -> None:
        number = int(self._parts()[1])
        self.service.deleted.append(number)
        self.service.sessions.pop(number, None)
        self._answer(200, {"msg": "deleted"})

    def _events(self, script: Script) -> None:
        if not self.service.serves_events:
            return self._answer(404, {"detail": "no"})
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        start = int(self.headers.get("Last-Event-ID") or -1) + 1
        for number, event in enumerate(script.events):
            if number < start:
                continue
            if script.breaks_after is not None and number == script.breaks_after and not start:
                return None
            name = "" if event["type"] == "progress" else f"id: {number}\r\n"
            self.wfile.write(f"{name}data: {json.dumps(event)}\r\n\r\n".encode())
            self.wfile.flush()
        if script.hangs:
            self.service.cancelled.wait(200)
        self.wfile.write(b'data: {"type": "done", "content": {}}\r\n\r\n')
        return None


class ScriptedLivy:
    """Runs :class:`Service` on a free port of the loopback interface."""

    def __init__(self) -> None:
        self.service = Service()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.service = self.service  # type: ignore[attr-defined]
        self.service.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Service:
        self._thread.start()
        return self.service

    def __exit__(self, *_: object) -> None:
        self.service.cancelled.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(60)
