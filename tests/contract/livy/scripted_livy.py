"""A small server that behaves as Apache Livy does, its bad habits included; nothing is computed.

States, fields, status codes and texts are those of Livy's own documentation and sources (0.7.0 to 0.8.0). What code
gives is looked up in a table. An ASGI application: tests ask it in the process, or serve it at an address.
"""

import asyncio
import itertools
from dataclasses import dataclass, field

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

OK = {"status": "ok", "data": {"text/plain": ""}}


def text(value):
    """What Livy gives for code that writes ``value``."""
    return {"status": "ok", "data": {"text/plain": value}}


def error(name, value, *traceback):
    """What Livy gives for code that fails."""
    return {"status": "error", "ename": name, "evalue": value, "traceback": [f"{line}\n" for line in traceback]}


@dataclass
class ScriptedStatement:
    id: int
    code: str
    kind: str
    output: dict
    state: str = "waiting"
    asked: int = 0
    cancels: int = 0

    def view(self):
        output = {**self.output, "execution_count": self.id} if self.state == "available" else None
        return {
            "id": self.id, "code": self.code, "state": self.state, "output": output, "progress": 0.0,
            "started": 0, "completed": 0,
        }  # fmt: skip


@dataclass
class ScriptedSession:
    """``looks`` is how many looks at it show ``starting`` before it is idle."""

    id: int
    body: dict
    batch: bool
    state: str = "starting"
    looks: int = 1
    app_id: str | None = None
    log: list = field(default_factory=lambda: ["stdout: ", "\nstderr: ", "\nYARN Diagnostics: "])
    statements: list = field(default_factory=list)
    driver: str = "alive"
    """``dead``: requests to it fail, and Livy does not notice. ``silent``: they hang."""

    @property
    def name(self):
        return self.body.get("name")


class ScriptedLivy:
    """The server.

    Args:
        version: ``0.7`` has fewer fields than ``0.8``.
        outputs: What code gives; code that is not there gives nothing. ``HOLD`` is a mark: such code goes on until it
            is cancelled.
        looks: How often a statement is looked at before it has ended.
        impersonates: Whether ``proxyUser`` is honoured.
    """

    HOLD = "hold"

    def __init__(self, *, version="0.8", outputs=None, looks=1, impersonates=True):
        self.version, self.outputs, self.looks, self.impersonates = version, outputs or {}, looks, impersonates
        self.sessions, self.batches = {}, {}
        self.requests, self.behind = [], None
        self.completions = {}
        self.session_looks = 1
        self.keeps_state_after_cancel = 0
        self.loses_answers = 0
        self._ids = itertools.count()
        self.app = FastAPI()
        self.app.middleware("http")(self._front)
        for kind in ("sessions", "batches"):
            self._routes(kind)

    def restart(self):
        """As without recovery: every session is forgotten, and ids begin at 0 again."""
        self.sessions, self.batches, self._ids = {}, {}, itertools.count()

    def session(self, number=0):
        return self.sessions[number]

    def add(self, *, name, proxy_user, kind="sessions", state="idle"):
        """A session of someone else's."""
        session = ScriptedSession(next(self._ids), {"name": name, "proxyUser": proxy_user}, kind == "batches", state)
        getattr(self, kind)[session.id] = session
        return session

    async def _front(self, request: Request, call_next):
        body = await request.body()
        self.requests.append((request.method, request.url.path, dict(request.headers), body))
        if self.behind is not None:
            return self.behind(request)
        if request.method not in ("GET", "HEAD", "OPTIONS") and "x-requested-by" not in request.headers:
            return HTMLResponse("<h2>HTTP ERROR 400</h2> Missing Required Header for CSRF protection.", 400)
        answer = await call_next(request)
        if self.loses_answers and request.method == "POST":
            self.loses_answers -= 1
            return Response("<html>upstream timed out</html>", 504, media_type="text/html")
        return answer

    def _find(self, kind, key):
        found = getattr(self, kind)
        if key.isdecimal():
            return found.get(int(key))
        return next((session for session in found.values() if session.name == key), None)

    def _view(self, session):
        view = {
            "id": session.id, "name": session.name, "owner": "hopslab", "state": session.state,
            "proxyUser": session.body.get("proxyUser") if self.impersonates else None, "appId": session.app_id,
            "appInfo": {"driverLogUrl": None, "sparkUiUrl": None}, "log": session.log[-10:],
        }  # fmt: skip
        if not session.batch:
            view["kind"] = session.body.get("kind", "shared")
        if self.version == "0.8" and not session.batch:
            # 0.8.0 shows the proxy user in the place of the ttl.
            view |= {"ttl": view["proxyUser"], "driverMemory": session.body.get("driverMemory"), "queue": None}
        return view

    def _look(self, session):
        if session.state == "starting" and session.looks >= 0:
            session.looks -= 1
            if session.looks < 0:
                session.state, session.app_id = (
                    ("running" if session.batch else "idle"),
                    f"application_9_{session.id:04}",
                )
        return self._view(session)

    def _routes(self, kind):
        app = self.app

        @app.get(f"/{kind}")
        async def every(request: Request):
            start, size = (
                int(request.query_params.get(name, default)) for name, default in (("from", 0), ("size", 100))
            )
            found = list(getattr(self, kind).values())
            return {
                "from": start,
                "total": len(found),
                "sessions": [self._look(s) for s in found[start : start + size]],
            }

        @app.post(f"/{kind}")
        async def create(request: Request):
            body = await request.json()
            name = body.get("name")
            if any(session.name == name for session in getattr(self, kind).values()):
                return self._refused(400, f"Rejected, Reason: Duplicate session name: Some({name}) for session 0")
            session = ScriptedSession(next(self._ids), body, kind == "batches", looks=self.session_looks)
            getattr(self, kind)[session.id] = session
            return JSONResponse(self._view(session), 201)

        @app.get(f"/{kind}/{{key}}")
        async def one(key: str):
            session = self._find(kind, key)
            return self._gone(key) if session is None else self._look(session)

        @app.delete(f"/{kind}/{{key}}")
        async def delete(key: str):
            session = self._find(kind, key)
            if session is None:
                return self._gone(key)
            del getattr(self, kind)[session.id]
            return {"msg": "deleted"}

        @app.get(f"/{kind}/{{key}}/log")
        async def log(key: str):
            session = self._find(kind, key)
            if session is None:
                return self._gone(key)
            return {"id": session.id, "from": 0, "total": len(session.log), "log": session.log}

        if kind == "sessions":
            self._statement_routes()

    def _statement_routes(self):  # noqa: C901 - a route each
        app = self.app

        async def driver_of(key):
            """The session, when its driver answers; else what Livy says."""
            session = self._find("sessions", key)
            if session is None:
                return None, self._gone(key)
            if session.state in ("dead", "killed", "error", "success", "shutting_down"):
                return None, self._refused(400, "requirement failed: Session isn't active.")
            if session.driver == "silent":
                await asyncio.sleep(3600)
            if session.driver == "dead":
                # A bare text with JSON's name on it.
                words = "java.util.concurrent.ExecutionException: java.nio.channels.ClosedChannelException"
                return None, JSONResponse(words, 500)
            return session, None

        @app.post("/sessions/{key}/connect")
        async def connect(key: str):
            session = self._find("sessions", key)
            return self._gone(key) if session is None else self._view(session)

        @app.post("/sessions/{key}/statements")
        async def submit(key: str, request: Request):
            session, trouble = await driver_of(key)
            if trouble is not None:
                return trouble
            if session.state in ("starting", "recovering"):
                return JSONResponse(f"java.lang.IllegalStateException: Session is in state {session.state}", 500)
            body = await request.json()
            output = self.outputs.get(body["code"], OK)
            statement = ScriptedStatement(len(session.statements), body["code"], body["kind"], output)
            session.statements.append(statement)
            session.state = "busy"
            return JSONResponse(statement.view(), 201)

        @app.get("/sessions/{key}/statements/{number}")
        async def statement(key: str, number: int):
            session, trouble = await driver_of(key)
            if trouble is not None:
                return trouble
            if number >= len(session.statements):
                return JSONResponse("Statement not found", 404)
            found = session.statements[number]
            self._work(session, found)
            return found.view()

        @app.post("/sessions/{key}/statements/{number}/cancel")
        async def cancel(key: str, number: int):
            session, trouble = await driver_of(key)
            if trouble is not None:
                return trouble
            found = session.statements[number]
            found.cancels += 1
            if found.state in ("waiting", "running", "cancelling"):
                found.state = "cancelling"
            return {"msg": "canceled"}

        @app.post("/sessions/{key}/completion")
        async def complete(key: str, request: Request):
            _session, trouble = await driver_of(key)
            if trouble is not None:
                return trouble
            body = await request.json()
            return {"candidates": self.completions.get((body["kind"], body["code"]), [])}

    def _work(self, session, statement):
        statement.asked += 1
        if statement.state == "cancelling":
            if statement.asked > self.keeps_state_after_cancel:
                statement.state, session.state = "cancelled", "idle"
        elif statement.output == self.HOLD:
            statement.state = "running"
        elif statement.state in ("waiting", "running"):
            statement.state = "available" if statement.asked > self.looks else "running"
            session.state = "busy" if statement.state == "running" else "idle"

    def _gone(self, key):
        return self._refused(404, f"Session '{key}' not found.")

    @staticmethod
    def _refused(status, message):
        return JSONResponse({"msg": message}, status)


def proxy_error(_request):
    """What a web server before Livy says when Livy is down."""
    return HTMLResponse("<html><h1>502 Bad Gateway</h1></html>", 502)


def login_page(_request):
    """What a gateway says to whom it does not know."""
    return RedirectResponse("https://sso.example.org/login?ticket=secret", 302)


def login_form(_request):
    """The same without a redirect."""
    return HTMLResponse("<form>Who are you?</form>", 200)
