"""A platform that plays a part: the real pages and Hub templates over a REST API whose answers a test writes.

It lets a browser see what is rare or slow on a real one: problems of each kind, servers that start, long lists.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from jinja2 import Environment, FileSystemLoader

from hops_contract.options import Capacity, ServerLimits, ServerOptions
from hops_platform.http import given_parts
from hops_platform.pages import router
from hops_platform.security.browser import BrowserUser, current_browser_user
from hops_platform.settings import Settings
from hops_spawner.form import FormRefusedError, options_from_form, render_form
from tests.listening import listening

PREFIX = "/services/hops"
CSRF = "the-token-of-the-page"
ROOT = Path(__file__).parents[3]
SINCE = "2026-05-04T10:00:00Z"


def a_project(name: str, title: str = "", **more: Any) -> dict[str, Any]:
    return {
        "name": name, "title": title, "description": "", "listed": False, "role": "data_owner", "version": 1,
        "created_at": SINCE,
        "environment": {"state": "ready", "error": None}, "archived_at": None,
        "services": ["jupyter", "kafka", "sharing", "spark"], **more,
    }  # fmt: skip


def a_user(name: str, title: str = "", **more: Any) -> dict[str, Any]:
    return {
        "name": name, "title": title, "active": True, "admin": False, "must_change_password": False,
        "locked_until": None, "second_factor": False, "created_at": SINCE, **more,
    }  # fmt: skip


def a_share(project: str, **more: Any) -> dict[str, Any]:
    """Who has a dataset."""
    return {
        "project": project, "title": "", "state": "offered", "mode": "read", "download": False, "self_service": False,
        "members": None, "since": None, "created_at": SINCE, "version": 1, **more,
    }  # fmt: skip


def a_received(project: str, dataset: str, **more: Any) -> dict[str, Any]:
    """A dataset of another project."""
    return {
        "project": project, "title": "", "dataset": dataset, "description": "", "path": f"Shared/{project}/{dataset}",
        "state": "offered", "mode": "read", "download": False, "since": None, "created_at": SINCE, **more,
    }  # fmt: skip


def a_published(project: str, dataset: str, **more: Any) -> dict[str, Any]:
    """A dataset that everybody finds."""
    return {
        "project": project, "title": "", "dataset": dataset, "description": "", "owners": ["grace"],
        "published_at": SINCE, "yours": [], **more,
    }  # fmt: skip


def a_session(number: int, user: str = "ada", **more: Any) -> dict[str, Any]:
    now = time.time()
    return {
        "id": number, "name": None, "project": "weather", "user": user, "own": user == "ada", "kind": "pyspark",
        "state": "idle", "reason": None, "app_id": "local-1", "created": now - 5400, "idle_since": now - 600,
        "idle_timeout_s": 7200, "ends": now + 6600, "statements": 3, "waiting": 0, "queue": None,
        "last_statement": {
            "state": "available", "status": "ok", "started": now - 610, "completed": now - 600,
            "line": "days = spark.read.parquet('days')" if user == "ada" else None,
        },
        "resources": {
            "executors": 2, "min_executors": None, "max_executors": None, "executor_cores": 1,
            "executor_memory_mib": 2048, "driver_memory_mib": 1024, "gpus_per_executor": 0,
            "gpu_label": None, "gpus": [],
        },
        "spark_ui": f"/user/ada/weather/hops/session/{number}/ui/" if user == "ada" else None,
        **more,
    }  # fmt: skip


def a_problem(status: int, detail: str, remedy: str | None = None, **violations: str) -> JSONResponse:
    listed = [{"field": field, "message": message} for field, message in violations.items()]
    body = {"type": "t", "title": "t", "status": status, "detail": detail, "remedy": remedy, "violations": listed}
    return JSONResponse(body, status, media_type="application/problem+json")


class ScriptedPlatform:
    """State that a test sets and looks at."""

    def __init__(self) -> None:
        self.url = ""
        self.admin = False
        self.must_change_password = False
        self.projects: dict[str, dict[str, Any]] = {}
        self.servers: dict[str, dict[str, Any]] = {}
        self.members: list[dict[str, Any]] = [
            {"user": "ada", "title": "Ada Lovelace", "role": "data_owner", "since": SINCE, "version": 1}
        ]
        self.users: list[dict[str, Any]] = [a_user("ada", "Ada Lovelace", admin=True)]
        self.join_requests: list[dict[str, Any]] = []
        self.candidates: list[dict[str, Any]] = []
        self.listed: dict[str, dict[str, Any]] = {}
        self.deleted: list[dict[str, Any]] = []
        self.outbox: list[dict[str, Any]] = []
        self.engines: list[dict[str, Any]] = []
        self.sessions: list[dict[str, Any]] = []
        self.total_sessions = 0
        self.kept_ready: dict[str, int] = {"sessions": 0, "memory_mib": 0}
        self.limits = ServerLimits().model_dump()
        self.running: list[str] | None = []
        self.refusals: dict[str, JSONResponse] = {}  # "PUT projects/weather/server" -> what is answered instead
        self.received: list[dict[str, Any]] = []
        self.published: list[dict[str, Any]] = []
        self.shares: list[dict[str, Any]] = []
        self.calls: list[tuple[str, str, Any]] = []
        self.tags: dict[str, str] = {}  # "PUT projects/weather/limits" -> the If-Match that came last
        self.events: list[dict[str, Any]] = []
        self.options = ServerOptions()
        self.capacity = Capacity(cores=8, memory_mib=16 * 1024, gpus=2, gpu_labels=("a100", "t4"))

    # One branch a route: a table of functions would only spread them.
    def answer(self, method: str, path: str, body: Any, query: dict[str, str]) -> Any:  # noqa: C901, PLR0911, PLR0912, PLR0915
        match method, path.split("/"):
            case "GET", ["projects"]:
                archived = query.get("archived") == "true"
                shown = [one for one in self.projects.values() if (one["archived_at"] is not None) == archived]
                return self._page(shown, query, "name")
            case "POST", ["projects"]:
                self.projects[body["name"]] = a_project(**{key: body[key] for key in ("name", "title", "description")})
                return self.projects[body["name"]]
            case "GET", ["projects", name]:
                return self.projects.get(name) or a_problem(404, f"There is no project '{name}' that you can see.")
            case "PATCH", ["projects", name]:
                self.projects[name] |= body
                return self.projects[name]
            case "DELETE", ["projects", name]:
                del self.projects[name]
                return None
            case "GET", ["projects", name, "server"]:
                return self.servers.get(name, {"state": "stopped"})
            case "PUT", ["projects", name, "server"]:
                self.servers[name] = {"state": "starting"}
                return self.servers[name]
            case "DELETE", ["projects", name, "server"]:
                self.servers[name] = {"state": "stopped"}
                return None
            case "GET", ["projects", _, "server-options"]:
                return {"options": self.options.model_dump(mode="json")}
            case "GET", ["projects", _, "members"]:
                return self._page(self.members, query, "user")
            case "POST", ["projects", _, "members"]:
                self.members.append({"title": "", "since": SINCE, "version": 1, **body})
                return self.members[-1]
            case "PATCH", ["projects", _, "members", name]:
                member = next(member for member in self.members if member["user"] == name)
                member |= body
                return member
            case "DELETE", ["projects", _, "members", name]:
                self.members = [member for member in self.members if member["user"] != name]
                return None
            case "GET", ["projects", _, "join-requests"]:
                return self._page(self.join_requests, query, "user")
            case "POST", ["projects", _, "join-requests", verb]:
                name, _, what = verb.partition(":")
                self.join_requests = [one for one in self.join_requests if one["user"] != name]
                if what == "decline":
                    return None
                self.members.append({"user": name, "title": "", "since": SINCE, "version": 1, **body})
                return self.members[-1]
            case "GET", ["projects", _, "invitations"] | ["me", "invitations"] | ["registrations"]:
                return {"items": [], "next": None}
            case "GET", ["me", "address"]:
                return {"address": None, "mail": True}
            case "GET", ["me", "certificates"]:
                return {"items": [], "next": None}
            case "GET", ["me", "security-keys"]:
                return {"items": [], "origin": None}
            case "GET", ["projects", _, "candidates"]:
                return [one for one in self.candidates if one["name"].startswith(query["search"])]
            case "GET", ["listed-projects"]:
                sought = query.get("search", "")
                return self._page([one for one in self.listed.values() if sought in one["name"]], query, "name")
            case "POST", ["listed-projects", name, "join-request"]:
                self.listed[name] |= {"standing": "asked"}
                return self.listed[name]
            case "DELETE", ["listed-projects", name, "join-request"]:
                self.listed[name] |= {"standing": "none"}
                return None
            case "GET", ["deleted-projects"]:
                return self._page(self.deleted, query, "name")
            case "POST", ["deleted-projects", verb]:
                name = verb.removesuffix(":restore")
                self.projects[name] = a_project(name)
                return self.projects[name]
            case "DELETE", ["deleted-projects", name]:
                self.deleted = [one for one in self.deleted if one["name"] != name]
                return None
            case "GET", ["projects", _, "datasets"]:
                names = ("Experiments", "Jupyter", "Logs", "Models", "Resources")
                return self._page([{"name": name, "description": ""} for name in names], query, "name")
            case "GET", ["projects", _, "shares"]:
                return self._page(self.received, query, "path")
            case "POST", ["projects", _, "shares"]:
                return {"state": "accepted", "path": f"Shared/{body['project']}/{body['dataset']}"}
            case "POST", ["projects", _, "shares", owner, verb]:
                dataset, _, what = verb.partition(":")
                share = next(one for one in self.received if (one["project"], one["dataset"]) == (owner, dataset))
                if what == "decline":
                    self.received.remove(share)
                    return None
                share["state"] = "accepted"
                return share
            case "DELETE", ["projects", _, "shares", owner, dataset]:
                self.received = [one for one in self.received if (one["project"], one["dataset"]) != (owner, dataset)]
                return None
            case "GET", ["projects", _, "datasets", _, "shares"]:
                return self._page(self.shares, query, "project")
            case "POST", ["projects", _, "datasets", _, "shares"]:
                self.shares.append(a_share(**body))
                return self.shares[-1]
            case "DELETE", ["projects", _, "datasets", _, "shares", name]:
                self.shares = [one for one in self.shares if one["project"] != name]
                return None
            case "GET", ["projects", _, "share-targets"]:
                return [{"name": "tides", "title": "Tides of the coast"}]
            case "POST", ["projects", name, "datasets", dataset, "publication"]:
                self.published.append(a_published(name, dataset))
                return self.published[-1]
            case "DELETE", ["projects", _, "datasets", _, "publication"]:
                self.published.clear()
                return None
            case "GET", ["published-datasets"]:
                sought = query.get("search", "")
                found = [one for one in self.published if sought in f"{one['project']}/{one['dataset']}"]
                return self._page(found, query, "dataset")
            case "GET", ["projects", _, "use"]:
                return {"items": [], "storage_counted_at": None}
            case "GET", ["projects", _, "activity"]:
                return {"items": [], "next": None}
            case "GET", ["engines"]:
                return self.engines
            case "GET", ["projects", _, "limits"]:
                return self.limits
            case "PUT", ["projects", _, "limits"]:
                self.limits = body
                return body
            case "GET", ["site", "projects"]:
                sought = query.get("search", "")
                shown = [
                    {"name": name, "title": project["title"], "owners": ["ada"], "limits": self.limits,
                     "running": self.running, "storage_bytes": 0, "topics": 0, "archived_at": None, "created_at": SINCE}
                    for name, project in self.projects.items() if sought in name
                ]  # fmt: skip
                return self._page(shown, query, "name") | {"capacity": self.capacity.model_dump(mode="json")}
            case "GET", ["users"]:
                return self._page(self.users, query, "name")
            case "POST", ["users"]:
                self.users.append(a_user(body["name"], body["title"], admin=body["admin"], must_change_password=True))
                return self.users[-1]
            case "PATCH", ["users", name]:
                user = next(user for user in self.users if user["name"] == name)
                user |= {key: value for key, value in body.items() if key in user}
                return user
            case "GET", ["sessions"]:
                return self._sessions(query)
            case "GET", ["sessions", number, "log"]:
                return {"total": 900, "log": [f"a line of session {number}", "the last line"]}
            case "DELETE", ["sessions", number]:
                return self._end(int(number), "It was stopped by administrator ada.")
            case "POST", ["sessions:stop-idle"]:
                for number in body["sessions"]:
                    self._end(number, "It was idle and was stopped by administrator ada.")
                return {"ended": body["sessions"]}
            case "GET", ["realm-accounts"]:
                return self._page([], query, "id")
            case "GET", ["outbox"]:
                return self._page(self.outbox, query, "id")
        return None

    def _sessions(self, query: dict[str, str]) -> dict[str, Any]:
        version = json.dumps([self.sessions, self.kept_ready])
        if query.get("seen") == version:
            time.sleep(0.2)  # held, for as long as a test can wait
        shown = {"all": lambda _: True, "project": lambda one: one["project"] == query["project"]}
        wanted = list(filter(shown.get(query["scope"], lambda one: one["own"]), self.sessions))
        idle = sum(one["state"] == "idle" for one in wanted)
        return {
            "scope": query["scope"], "items": wanted, "next": None, "total": self.total_sessions or len(wanted),
            "idle": idle, "version": version, "kept_ready": self.kept_ready if query["scope"] == "all" else None,
        }  # fmt: skip

    def _end(self, number: int, reason: str) -> dict[str, Any]:
        session = next(one for one in self.sessions if one["id"] == number)
        session |= {"state": "killed", "reason": reason, "idle_since": None, "ends": None}
        return session

    @staticmethod
    def _page(rows: list[dict[str, Any]], query: dict[str, str], key: str) -> dict[str, Any]:
        rows = [row for row in sorted(rows, key=lambda row: row[key]) if row[key] > query.get("after", "")]
        limit = int(query["limit"])
        return {"items": rows[:limit], "next": rows[limit - 1][key] if len(rows) > limit else None}


def make_app(platform: ScriptedPlatform) -> FastAPI:
    app = FastAPI()
    api = APIRouter()

    @api.api_route("/api/v1/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def rest(path: str, request: Request):
        raw = await request.body()
        body = json.loads(raw) if raw else None
        if request.method != "GET":
            platform.calls.append((request.method, path, body))
            if "If-Match" in request.headers:
                platform.tags[f"{request.method} {path}"] = request.headers["If-Match"]
            if request.headers.get("X-Hops-CSRF") != CSRF:
                return a_problem(403, "A changing call from a browser needs the page's token.")
        refusal = platform.refusals.get(f"{request.method} {path}")
        answer = refusal or platform.answer(request.method, path, body, dict(request.query_params))
        if isinstance(answer, JSONResponse):
            return answer
        if answer is None:
            return JSONResponse(None, 200)
        version = answer.get("version", 1) if isinstance(answer, dict) else 1
        return JSONResponse(answer, headers={"ETag": f'"{version}"'})

    def reader() -> BrowserUser:
        person = SimpleNamespace(
            name="ada", admin=platform.admin, auditor=False, must_change_password=platform.must_change_password
        )
        return BrowserUser(caller=SimpleNamespace(person=person, lacks_second_factor=False), csrf_token=CSRF)  # type: ignore[arg-type]

    def parts() -> Any:
        return SimpleNamespace(settings=Settings(service_prefix=f"{PREFIX}/"))

    app.dependency_overrides[current_browser_user] = reader
    app.dependency_overrides[given_parts] = parts
    app.include_router(api, prefix=PREFIX)
    app.include_router(router, prefix=PREFIX)
    app.include_router(hub_pages(platform))
    return app


def hub_pages(platform: ScriptedPlatform) -> APIRouter:  # noqa: C901 - one inner function a page
    """The Hub's templates, with its progress events."""
    templates = Environment(loader=FileSystemLoader(ROOT / "jupyterhub_config" / "templates"), autoescape=True)
    hub = APIRouter()

    def render(name: str, status: int = 200, **given: Any) -> HTMLResponse:
        person = SimpleNamespace(name="ada", escaped_name="ada")
        html = templates.get_template(f"{name}.html").render(**{
            "prefix": "/", "base_url": "/hub/", "user": person, "login_url": "/hub/login", "logout_url": "/hub/logout",
            "for_user": person, "xsrf": "x", "authenticator": SimpleNamespace(request_otp=False), **given,
        })  # fmt: skip
        return HTMLResponse(html, status)

    @hub.get("/hub/login")
    def login(error: str = "", username: str = ""):
        return render("login", user=None, login_error=error, username=username, authenticator_login_url="/hub/login")

    def form_page(problem=None, typed=None):
        html = render_form(
            platform.options, ServerLimits(), platform.capacity, problem, project_title="Weather of the coast",
            project="weather", typed=typed,
        )  # fmt: skip
        return render("spawn", 422 if problem else 200, url="/hub/spawn/ada/weather", spawner_options_form=html)

    @hub.get("/hub/spawn/ada/{project}")
    def form(project: str):
        return form_page()

    @hub.post("/hub/spawn/ada/{project}")
    async def submit(project: str, request: Request):
        sent = await request.form()
        typed = {name: [str(value) for value in sent.getlist(name)] for name in sent}
        try:
            platform.options = options_from_form(typed)
        except FormRefusedError as refusal:
            return form_page(refusal.problem(), typed)
        return HTMLResponse("<title>started</title>")

    @hub.get("/hub/spawn-pending/ada/{project}")
    def pending(project: str):
        spawner = SimpleNamespace(name=project, orm_spawner=SimpleNamespace(display_name="Weather of the coast"))
        return render("spawn_pending", spawner=spawner, progress_url="/hub/api/progress")

    @hub.get("/hub/api/progress")
    async def progress():
        async def send():
            for event in platform.events:
                await asyncio.sleep(event.pop("after_s", 0))
                yield f"data: {json.dumps(event)}\n\n"

        return StreamingResponse(send(), media_type="text/event-stream")

    @hub.delete("/hub/api/users/ada/servers/{project}")
    def cancel(project: str, request: Request):
        platform.calls.append(("DELETE", f"hub/{project}", request.headers.get("X-XSRFToken")))
        return HTMLResponse("", 204)

    @hub.get("/hub/{page}")
    def other(page: str, failed: str = "", reason: str = ""):
        return render(
            page, failed=failed, failed_message=reason, server_name="weather", spawn_url="/hub/spawn/ada/weather",
            status_code=403, status_message="Forbidden", message=reason,
        )  # fmt: skip

    @hub.get("/user/ada/{project}/")
    def lab(project: str):
        return HTMLResponse("<title>Lab</title>")

    return hub


@contextmanager
def serving(platform: ScriptedPlatform) -> Iterator[ScriptedPlatform]:
    """Serves ``platform`` on a free port of the loopback."""
    with listening(make_app(platform), whole=True) as port:
        platform.url = f"http://127.0.0.1:{port}"
        yield platform
