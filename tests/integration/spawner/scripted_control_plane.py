"""A control plane and session service whose answers a test writes down beforehand; it speaks the contract's words."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI, Header, Request
from fastapi.responses import JSONResponse

from hops_contract.options import Capacity, ServerLimits, ServerOptions
from hops_contract.problems import TYPE_PREFIX

HOME = Path(os.environ["HOPS_HOME"])
PREFIX = os.environ["JUPYTERHUB_SERVICE_PREFIX"].rstrip("/")
app = FastAPI()


def script() -> dict:
    return json.loads((HOME / "script.json").read_text())


def problem(
    kind: str, status: int, detail: str, remedy: str | None = None, violations: list | None = None
) -> JSONResponse:
    content = {
        "type": TYPE_PREFIX + kind, "title": kind, "status": status, "detail": detail, "remedy": remedy,
        "violations": violations or [],
    }  # fmt: skip
    return JSONResponse(content, status_code=status, media_type="application/problem+json")


def is_hub(authorization: str) -> bool:
    return authorization == f"Bearer {(HOME / 'secrets' / 'hub-credential').read_text().strip()}"


@app.get(PREFIX + "/api/v1/health")
@app.get(PREFIX + "/health")
def health() -> dict:
    return {"status": "ok", "pid": os.getpid()}


@app.post(PREFIX + "/api/v1/tokens")
async def tokens(request: Request):
    body = await request.json()
    user = script()["users"].get(body["username"])
    if user is None or user["password"] != body["password"]:
        return problem("unauthenticated", 401, "The user name or the password is wrong.", "Check both.")
    if user.get("locked"):
        return problem("locked", 423, "This user is locked after too many failures.", "Try again in 14 minutes.")
    if not user.get("active", True):
        return problem("deactivated", 403, "This user is deactivated.", "Ask an administrator.")
    answer = {"token": "t", "expires_at": "2030-01-01T00:00:00Z", "user": body["username"]}
    return JSONResponse(answer, status_code=201)


@app.get(PREFIX + "/api/v1/users/{user}")
def user(user: str, authorization: Annotated[str, Header()] = ""):
    known = script()["users"].get(user)
    if not is_hub(authorization) or known is None:
        return problem("not-found", 404, "There is no such user.")
    return {"name": user, "admin": known.get("admin", False), "active": known.get("active", True)}


@app.get(PREFIX + "/api/v1/projects/{project}/members/{user}/server-options")
def server_options(project: str, user: str, authorization: Annotated[str, Header()] = ""):
    if not is_hub(authorization) or user not in script()["members"].get(project, []):
        return problem("not-found", 404, f"There is no project '{project}' that you can see.")
    return {
        "options": ServerOptions().model_dump(mode="json"),
        "limits": ServerLimits().model_dump(mode="json"),
        "capacity": Capacity(cores=2, memory_mib=8192, gpus=2).model_dump(mode="json"),
    }


@app.post(PREFIX + "/api/v1/projects/{project}/server-grants")
async def grants(project: str, request: Request, authorization: Annotated[str, Header()] = ""):
    body = await request.json()
    if not is_hub(authorization) or body["user"] not in script()["members"].get(project, []):
        return problem("not-found", 404, f"There is no project '{project}' that you can see.")
    if script().get("environment_not_ready"):
        return problem("environment-not-ready", 409, "The environment of the project is being made.", "Wait a moment.")
    options = ServerOptions.model_validate(body["options"] or {})
    if options.total_gpus > 2:
        message = f"{options.total_gpus} GPUs were asked for; this machine has 2."
        return problem(
            "options", 422, "These options can't be had.", "Ask for less.",
            [{"field": "options.gpus_per_executor", "message": message}],
        )  # fmt: skip
    folder = HOME / "projects" / project
    (folder / "Jupyter").mkdir(parents=True, exist_ok=True)
    return {
        "config": {
            "project": project, "project_title": project.title(), "user": body["user"], "role": "data_owner",
            "options": options.model_dump(mode="json"), "project_folder": script().get("project_folder") or str(folder),
            "environment": str(HOME / "environments" / "base"),
            "control_plane_url": os.environ["HOPS_CONTROL_PLANE_URL"], "livy_url": os.environ["HOPS_LIVY_URL"],
        },
        "token": "header.payload.signature", "display_name": project.title(),
    }  # fmt: skip


@app.get(PREFIX + "/")
def home_page() -> dict:
    return {"page": "projects"}


if __name__ == "__main__":
    address = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    sys.exit(uvicorn.run(app, host=address.hostname, port=address.port, log_level="warning"))
