"""As much of Livy's protocol as sparkmagic needs, on stock PySpark: every request is answered at once, nothing is held.

The peer of our session service: a session is a Python process with ``SparkSession.builder``, no pool, no class archive.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

DRIVER = """
import ast, contextlib, io, json, os, sys
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
from pyspark.sql import SparkSession
spark = SparkSession.builder.master("local[1]").config("spark.driver.memory", "1g").getOrCreate()
names = {"spark": spark, "sc": spark.sparkContext, "__name__": "__main__"}
print("ready", file=answers, flush=True)
for line in sys.stdin:
    said, value, tree = io.StringIO(), None, ast.parse(json.loads(line))
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(said):
        exec(compile(tree, "cell", "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    print(json.dumps(said.getvalue() + ("" if value is None else repr(value))), file=answers, flush=True)
"""


@dataclass
class PlainSession:
    """One stock driver."""

    id: int
    process: subprocess.Popen[str]
    ready: threading.Event = field(default_factory=threading.Event)
    statements: list[dict[str, Any]] = field(default_factory=list)

    def livy(self) -> dict[str, Any]:
        """The session as Livy shows it."""
        state = "dead" if self.process.poll() is not None else "idle" if self.ready.is_set() else "starting"
        return {
            "id": self.id,
            "appId": None,
            "owner": None,
            "kind": "pyspark",
            "state": state,
            "log": [],
            "appInfo": {},
        }

    def run(self, code: str) -> dict[str, Any]:
        """Begins a statement."""
        statement = {"id": len(self.statements), "code": code, "state": "running", "output": None, "progress": 0.0}
        self.statements.append(statement)
        threading.Thread(target=self._answer, args=(statement,), daemon=True).start()
        return statement

    def _answer(self, statement: dict[str, Any]) -> None:
        self.process.stdin.write(json.dumps(statement["code"]) + "\n")
        self.process.stdin.flush()
        data = {"text/plain": json.loads(self.process.stdout.readline())}
        statement["output"] = {"status": "ok", "execution_count": statement["id"], "data": data}
        statement |= {"state": "available", "progress": 1.0}


@contextlib.contextmanager
def plain_livy(python: Path, folder: Path) -> Iterator[str]:  # noqa: C901 - a server's few requests in one place
    """Runs the server and yields its address; its drivers end with it."""
    sessions: dict[int, PlainSession] = {}
    numbers = iter(range(10**9))

    def start() -> PlainSession:
        process = subprocess.Popen(
            [str(python), "-c", DRIVER], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        session = PlainSession(next(numbers), process)
        sessions[session.id] = session
        threading.Thread(target=lambda: process.stdout.readline() and session.ready.set(), daemon=True).start()
        return session

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_: object) -> None:
            """Says nothing."""

        def _send(self, status: int, content: object) -> None:
            body = json.dumps(content).encode()
            head = f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            self.wfile.write(head.encode() + body)

        def _found(self) -> tuple[list[str], PlainSession | None]:
            parts = self.path.partition("?")[0].strip("/").split("/")
            return parts, sessions.get(int(parts[1])) if len(parts) > 1 else None

        def do_GET(self) -> None:
            """A session, a statement, or the list."""
            parts, session = self._found()
            if len(parts) == 1:
                self._send(200, {"from": 0, "total": len(sessions), "sessions": [s.livy() for s in sessions.values()]})
            elif session is None:
                self._send(404, {"msg": "no such session"})
            elif len(parts) == 4:
                self._send(200, session.statements[int(parts[3])])
            else:
                self._send(200, {"id": session.id, "log": [], **session.livy()})

        def do_POST(self) -> None:
            """A new session or statement."""
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            _parts, session = self._found()
            self._send(201, session.run(body["code"]) if session is not None else start().livy())

        def do_DELETE(self) -> None:
            """Ends a session."""
            _parts, session = self._found()
            if session is not None:
                _end(sessions.pop(session.id))
            self._send(200, {"msg": "deleted"})

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        for session in sessions.values():
            _end(session)


@contextlib.contextmanager
def answers_at_once(service: str) -> Iterator[str]:
    """Yields the address of a proxy that lets ``service`` answer at once, as other servers of the protocol do."""
    parts = urlsplit(service)
    connections = threading.local()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_: object) -> None:
            """Says nothing."""

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = self.path + ("&" if "?" in self.path else "?") + "hold=false"
            if not hasattr(connections, "own"):
                connections.own = HTTPConnection(parts.hostname, parts.port)
            names = ("Authorization", "Content-Type")
            headers = {name: self.headers[name] for name in names if name in self.headers}
            connections.own.request(self.command, parts.path + path, body or None, headers)
            answer = connections.own.getresponse()
            content = answer.read()
            kind = answer.headers["Content-Type"]
            head = f"HTTP/1.1 {answer.status} OK\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n\r\n"
            self.wfile.write(head.encode() + content)

        do_GET = do_POST = do_DELETE = _pass_on  # noqa: N815 - http.server's names

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _end(session: PlainSession) -> None:
    session.process.stdin.close()  # its loop ends, and stops Spark's Java machine with it
    try:
        session.process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        session.process.kill()
        session.process.wait()
