"""The extension's routes on a real Jupyter server."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from jupyterlab_hops.handlers import BOARD_ID, routes

from tests.waiting import until

from .conftest import make_token

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
RENEW = "/services/hops/api/v1/tokens:renew"
MEMBERS = "/services/hops/api/v1/projects/weather/members?limit=100"
DATASETS = "/services/hops/api/v1/projects/weather/datasets?limit=100"
NOBODY = "http://127.0.0.1:9"
REFUSAL = {
    "title": "Not a member",
    "detail": "ada is not a member of weather any more.",
    "type": "urn:x",
    "remedy": "Ask a Data Owner.",
}


def examples():
    for pattern, _ in routes("/"):
        yield (
            pattern.replace(BOARD_ID, "0" * 32)
            .replace(r"\d{1,18}", "1")
            .replace("[A-Za-z][A-Za-z0-9_.:-]{0,199}", "raw")
            .replace("(.*)", "x")
            .replace("(", "")
            .replace(")", "")
        )


def test_no_route_is_open_to_strangers(server):
    server.stranger.cookies.clear()
    for path in examples():
        for method in METHODS:
            answer = server.stranger.request(method, path)
            if answer.status_code == 302:
                assert "/login" in answer.headers["location"], (method, path)
            else:
                # 405: this route has no such method, for nobody.
                assert answer.status_code in (401, 403, 405), (method, path, answer.status_code)


def test_a_changing_call_with_a_cookie_alone_is_refused_without_the_xsrf_token(server):
    login = server.stranger.get("/tree", params={"token": "jupyter-token"})
    assert server.stranger.get("/hops/tensorboards").status_code == 200, login
    assert server.stranger.post("/hops/tensorboards", json={"logdir": "Experiments"}).status_code == 403
    token = server.stranger.cookies.get("_xsrf") or ""
    answer = server.stranger.post("/hops/tensorboards", json={"logdir": "nowhere"}, headers={"X-XSRFToken": token})
    assert answer.status_code == 422


def test_the_project_is_the_configuration_without_paths_its_members_and_its_datasets(server, platform):
    members = [{"user": "ada", "title": "Ada", "role": "data_owner"}, {"user": "bob", "role": "data_scientist"}]
    platform.answers["GET", MEMBERS] = (200, {"items": members[:1], "next": "a/b"})
    platform.answers["GET", f"{MEMBERS}&after=a%2Fb"] = (200, {"items": members[1:], "next": None})
    datasets = [{"name": "Jupyter", "description": "Notebooks.", "created_at": "x"}, {"name": "Raw", "description": ""}]
    platform.answers["GET", DATASETS] = (200, {"items": datasets[:1], "next": "Jupyter"})
    platform.answers["GET", f"{DATASETS}&after=Jupyter"] = (200, {"items": datasets[1:], "next": None})
    assert server.client.get("/hops/project").json() == {
        "version": "0.1.0", "project": "weather", "title": "Weather of the coast", "user": "ada", "role": "data_owner",
        "options": {"executors": 1}, "start_folder": "Jupyter", "members_problem": None, "token_problem": None,
        "members": [members[0], {"user": "bob", "title": "bob", "role": "data_scientist"}],
        "datasets": [{"name": "Jupyter", "description": "Notebooks."}, {"name": "Raw", "description": None}],
        "datasets_problem": None,
        "links": {"project": "/services/hops/projects/weather", "projects": "/hub/home"},
    }  # fmt: skip


OWN = {"name": "raw", "description": "As it came.", "standard": False, "created_at": "x", "version": 1, "shared": None}
OF_TIDES = {
    "name": "Shared/tides/levels", "description": "", "standard": False, "created_at": "x", "version": 1,
    "shared": {"project": "tides", "dataset": "levels", "mode": "write", "download": False},
}  # fmt: skip
OFFER = {
    "project": "moon", "title": "Moon", "dataset": "rocks", "description": "", "path": "Shared/moon/rocks",
    "state": "offered", "mode": "read", "download": False, "since": None, "created_at": "x",
}  # fmt: skip
SHARES = "/services/hops/api/v1/projects/weather/shares?limit=100"
PAGES = "/services/hops/projects/weather"


@pytest.fixture
def with_datasets(platform):
    platform.answers["GET", DATASETS] = (200, {"items": [OWN, OF_TIDES], "next": None})
    taken = OFFER | {"project": "tides", "dataset": "levels", "state": "accepted"}
    platform.answers["GET", SHARES] = (200, {"items": [OFFER, taken], "next": None})
    return platform


def test_datasets_are_told_with_the_windows_in_which_a_person_decides(server, with_datasets):
    answer = server.client.get("/hops/datasets").json()
    assert answer == {
        "items": [
            {
                "name": "raw", "description": "As it came.", "shared": None, "page": f"{PAGES}/datasets/raw",
                "sharing": f"{PAGES}/datasets/raw/sharing", "stored": False,
            },
            {
                "name": "Shared/tides/levels", "description": None, "shared": OF_TIDES["shared"],
                "page": f"{PAGES}/datasets/Shared:tides:levels", "sharing": None, "stored": False,
            },
        ],
        "waiting": [
            {
                "project": "moon", "title": "Moon", "dataset": "rocks", "description": None, "state": "offered",
                "mode": "read", "download": False,
            }
        ],
        "received": f"{PAGES}/received", "published": f"{PAGES}/published",
    }  # fmt: skip


def test_part_of_the_datasets_does_not_pass_for_all(server, with_datasets):
    with_datasets.answers["GET", SHARES] = (403, REFUSAL)
    answer = server.client.get("/hops/datasets")
    assert (answer.status_code, answer.json()["detail"]) == (403, REFUSAL["detail"])


def test_a_dataset_is_described_with_its_size_and_who_has_it(server, with_datasets, project_folder):
    folder = project_folder / "raw"
    (folder / "2026").mkdir(parents=True)
    (folder / "README.md").write_text("# Raw\n")
    (folder / "2026" / "may.csv").write_bytes(b"x" * 1000)
    (folder / "link").symlink_to("/")
    user = {"project": "tides", "title": "", "state": "accepted", "mode": "read", "download": False, "members": 2}
    with_datasets.answers["GET", DATASETS.replace("?", "/raw/shares?")] = (200, {"items": [user], "next": None})
    answer = server.client.get("/hops/datasets/raw").json()
    assert answer["size"] == {"bytes": 1006, "files": 2, "whole": True}
    assert (answer["readme"], answer["users"]) == ("raw/README.md", [user | {"title": "tides"}])
    # Who else has another project's is not for us to know.
    shared = server.client.get("/hops/datasets/Shared:tides:levels").json()
    assert (shared["size"]["files"], shared["readme"], shared["users"]) == (0, None, None)


@pytest.mark.parametrize("name", ["absent", "Shared:..:secret", "Shared", "r%61w%2f..", "raw..", "x" * 200])
def test_what_does_not_stand_in_the_list_is_not_there(server, with_datasets, name):
    assert server.client.get(f"/hops/datasets/{name}").status_code == 404


@pytest.fixture(scope="module")
def platform_down(start_server, make_folder):
    """A server whose control plane and session service are gone."""
    return start_server(make_folder(control_plane_url=f"{NOBODY}/services/hops/", livy_url=f"{NOBODY}/services/livy"))


def test_a_control_plane_that_is_down_costs_only_members_and_datasets(platform_down):
    answer = platform_down.client.get("/hops/project").json()
    assert (answer["project"], answer["members"], answer["datasets"]) == ("weather", [], [])
    for problem in (answer["members_problem"], answer["datasets_problem"]):
        assert (problem["status"], problem["detail"]) == (503, "The control plane does not answer.")


@pytest.mark.parametrize(
    ("members", "role"),
    [
        ((200, {"items": [{"user": "ada", "title": "Ada", "role": "data_scientist"}], "next": None}), "data_scientist"),
        ((503, REFUSAL), "data_owner"),
    ],
)
def test_my_role_is_the_control_planes_and_that_of_the_start_while_it_is_away(server, platform, members, role):
    platform.answers["GET", MEMBERS] = members
    assert server.client.get("/hops/project").json()["role"] == role


def test_datasets_that_cannot_be_read_to_their_end_are_a_problem_and_cost_no_member(server, platform):
    members = [{"user": "ada", "title": "Ada", "role": "data_owner"}]
    platform.answers["GET", MEMBERS] = (200, {"items": members, "next": None})
    platform.answers["GET", DATASETS] = (200, {"items": [{"name": "Jupyter"}], "next": "Jupyter"})
    platform.answers["GET", f"{DATASETS}&after=Jupyter"] = (403, REFUSAL)
    answer = server.client.get("/hops/project").json()
    assert (answer["members"], answer["members_problem"], answer["datasets"]) == (members, None, [])
    assert answer["datasets_problem"]["detail"] == REFUSAL["detail"]


def test_a_session_service_that_is_down_is_said_in_a_problem(platform_down):
    answer = platform_down.client.get("/hops/session")
    assert answer.status_code == 503
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert "The session service does not answer." in answer.json()["detail"]
    assert answer.json()["remedy"]


def test_my_sessions_come_with_their_reasons_and_resources(server, platform):
    resources = {
        "executors": 2, "executor_cores": 1, "executor_memory_mib": 1024, "driver_memory_mib": 1024,
        "gpus_per_executor": 0, "gpu_label": None, "min_executors": 1, "max_executors": 4,
    }  # fmt: skip
    sessions = [
        {"id": 5, "state": "running", "kind": "batch", "name": "nightly"},
        {"id": 4, "state": "dead", "name": None},
        {
            "id": 3, "state": "busy", "kind": "pyspark", "name": "pyspark-a", "reason": "", "created": 5.5,
            "idle_timeout_s": 60.0, "ends": 65.5, "queue": {"position": 2, "length": 5}, "resources": resources,
        },
    ]  # fmt: skip
    platform.answers.update({
        ("GET", "/services/livy/overview?scope=own&limit=200"): (200, {"items": sessions}),
        ("DELETE", "/services/livy/sessions/3"): (200, {"msg": "deleted"}),
        ("POST", "/services/livy/sessions/3/connect"): (200, sessions[2]),
    })  # fmt: skip
    assert server.client.get("/hops/session").json() == {
        "items": [
            {
                "id": 4, "kind": "pyspark", "name": None, "kernel": None, "notebook": None, "state": "dead",
                "reason": None, "created": None, "idle_timeout_s": None, "ends": None, "queue": None,
                "resources": None,
            },
            {
                "id": 3, "kind": "pyspark", "name": "pyspark-a", "kernel": None, "notebook": None, "state": "busy",
                "reason": None, "created": 5.5, "idle_timeout_s": 60.0, "ends": 65.5,
                "queue": {"position": 2, "length": 5}, "resources": resources,
            },
        ]
    }  # fmt: skip
    # Who looks on is not taken for the client of a session: nothing is asked of each.
    assert not [path for _, path, _ in platform.calls if path.startswith("/services/livy/sessions/")]
    assert server.client.post("/hops/session/3:keep").status_code == 204
    assert server.client.post("/hops/session/9:keep").status_code == 404
    assert server.client.delete("/hops/session/3").status_code == 204
    answer = server.client.delete("/hops/session/9")
    assert (answer.status_code, answer.json()["detail"]) == (404, "no")


UNTOLD = {"dynamic", "gpus"}
NEIGHBOURS: dict = {
    "id": 5, "name": "pyspark-3f2b8c52-6d0e-4a3e-9d43-5b1f0f6f2c11-0a1b2c", "owner": "weather__bob",
    "project": "weather", "user": "bob", "own": False, "kind": "pyspark", "state": "idle", "reason": None,
    "notebook": None, "app_id": "local-1", "created": 5.5, "idle_since": 9.5, "idle_timeout_s": 7200.0, "ends": 7209.5,
    "statements": 3, "waiting": 0, "queue": None,
    "last_statement": {
        "id": 2, "state": "available", "status": "ok", "started": 8.0, "completed": 9.5, "line": None,
    },
    "resources": {
        "dynamic": False, "executors": 2, "min_executors": None, "max_executors": None, "executor_cores": 1,
        "executor_memory_mib": 1024, "driver_memory_mib": 1024, "gpus_per_executor": 1, "gpu_label": None,
        "gpus": [0, 1],
    },
    "spark_ui": None,
}  # fmt: skip


def test_the_projects_sessions_come_with_their_kernels_and_a_list_is_held_for_who_has_seen_it(server, platform, token):
    answer = {"scope": "project", "items": [NEIGHBOURS], "next": None, "total": 1, "idle": 1, "version": "v1"}
    platform.answers["GET", "/services/livy/overview?scope=project&limit=200"] = (200, answer)
    platform.answers["GET", "/services/livy/overview?scope=project&limit=200&seen=v%26&wait_s=12"] = (200, answer)
    unneeded = {"owner", "project", "resources"}
    resources = {key: NEIGHBOURS["resources"][key] for key in NEIGHBOURS["resources"].keys() - UNTOLD}
    told = {key: value for key, value in NEIGHBOURS.items() if key not in unneeded} | {
        "kernel": "3f2b8c52-6d0e-4a3e-9d43-5b1f0f6f2c11", "gpus": [0, 1], "resources": resources,
    }  # fmt: skip
    expected = {"scope": "project", "items": [told], "total": 1, "version": "v1"}
    assert server.client.get("/hops/overview?scope=project").json() == expected
    assert server.client.get("/hops/overview?scope=project&seen=v%26").json() == expected
    assert {call[2] for call in platform.calls} == {f"Bearer {token}"}


def test_who_is_a_data_owner_no_more_gets_their_own_sessions(server, platform):
    own = {"scope": "own", "items": [], "next": None, "total": 0, "idle": 0, "version": "v2"}
    platform.answers["GET", "/services/livy/overview?scope=project&limit=200"] = (403, REFUSAL)
    platform.answers["GET", "/services/livy/overview?scope=own&limit=200"] = (200, own)
    assert server.client.get("/hops/overview?scope=project").json()["scope"] == "own"
    del platform.answers["GET", "/services/livy/overview?scope=own&limit=200"]
    assert server.client.get("/hops/overview").status_code == 404


def test_a_session_is_looked_into_and_ended(server, platform):
    lines = {"id": 5, "from": 0, "total": 2, "log": ["one", "two"]}
    ended = NEIGHBOURS | {"state": "killed", "reason": "It was stopped by Data Owner ada."}
    platform.answers.update({
        ("GET", "/services/livy/overview/5/log?size=500"): (200, lines),
        ("DELETE", "/services/livy/overview/5"): (200, ended),
        ("POST", "/services/livy/overview:stop-idle"): (200, {"ended": [5]}),
    })  # fmt: skip
    assert server.client.get("/hops/overview/5/log").json() == {"total": 2, "lines": ["one", "two"]}
    assert server.client.delete("/hops/overview/5").json()["reason"] == "It was stopped by Data Owner ada."
    answer = server.client.post("/hops/overview:stop-idle", json={"scope": "project", "sessions": [5, 6]})
    assert answer.json() == {"ended": [5]}
    assert platform.bodies[-1] == {"scope": "project", "sessions": [5, 6]}
    assert server.client.delete("/hops/overview/9").status_code == 404


def test_a_notebook_that_comes_back_is_told_what_its_cells_wrote(server, platform):
    statements = [
        {"id": 9, "code": "b()", "state": "running", "cell": 7, "cell_id": "b", "completed": 0},
        {"id": 8, "code": "SELECT 1", "state": "available", "cell": None, "cell_id": None, "completed": 1500},
        {"id": 7, "code": "a()", "state": "available", "cell": 6, "cell_id": "a", "completed": 2500},
        {"id": 6, "code": "b()", "state": "available", "cell": 5, "cell_id": "b", "completed": 1500},
    ]
    mine = NEIGHBOURS | {"own": True, "notebook": "Jupyter/days.ipynb"}
    found = {"items": [mine | {"id": 8, "state": "killed"}, mine]}
    sessions = "/services/livy/overview?scope=own&notebook=Jupyter%2F"
    listed = "/services/livy/sessions/5/statements?order=desc&size=200&output=false"
    platform.answers.update({
        ("GET", f"{sessions}days.ipynb"): (200, found),
        ("GET", f"{sessions}new.ipynb"): (200, {"items": []}),
        ("GET", listed): (200, {"total_statements": 4, "statements": statements}),
        ("GET", "/services/livy/sessions/5/statements/9?hold=false"): (
            200,
            statements[0]
            | {"output": None, "partial": [{"type": "stream", "content": {"name": "stdout", "text": "begun\n"}}]},
        ),
    })  # fmt: skip
    running = {"statement": 9, "cell_id": "b", "count": 7, "code": "b()", "running": True, "completed": None}
    done = {"statement": 7, "cell_id": "a", "count": 6, "code": "a()", "running": False, "completed": 2.5}
    answer = server.client.get("/hops/outputs", params={"notebook": "Jupyter/days.ipynb"}).json()
    assert answer == {"session": 5, "cells": [running, done]}
    outputs = [{"output_type": "stream", "name": "stdout", "text": "begun\n"}]
    assert server.client.get("/hops/outputs/5/9").json() == running | {"outputs": outputs}
    nothing = {"session": None, "cells": []}
    assert server.client.get("/hops/outputs", params={"notebook": "Jupyter/new.ipynb"}).json() == nothing
    assert server.client.get("/hops/outputs").status_code == 422
    assert server.client.get("/hops/limited").status_code == 422
    assert server.client.get("/hops/limited", params={"kernel": "x" * 101}).status_code == 422
    assert server.client.get("/hops/limited", params={"kernel": "k-1"}).json() == {"reason": None}
    assert server.client.get("/hops/outputs/5/10").status_code == 404


def test_a_notebook_whose_session_has_ended_is_told_what_its_cells_wrote_before(server, platform):
    reason = "SessionEnded: The driver ran out of memory."
    statement = {"id": 9, "code": "b()", "state": "error", "cell": 7, "cell_id": "b", "completed": 2500}
    written = [{"type": "stream", "content": {"name": "stdout", "text": "begun\n"}}]
    output = {"status": "error", "ename": "SessionEnded", "evalue": reason, "traceback": [], "outputs": written}
    ended = NEIGHBOURS | {"id": 8, "own": True, "notebook": "Jupyter/days.ipynb", "state": "dead"}
    platform.answers.update({
        ("GET", "/services/livy/overview?scope=own&notebook=Jupyter%2Fdays.ipynb"): (
            200, {"items": [ended, ended | {"id": 6, "state": "killed"}]},
        ),
        ("GET", "/services/livy/sessions/8/statements?order=desc&size=200&output=false"): (
            200, {"total_statements": 1, "statements": [statement]},
        ),
        ("GET", "/services/livy/sessions/8/statements/9?hold=false"): (200, statement | {"output": output}),
    })  # fmt: skip
    run = {"statement": 9, "cell_id": "b", "count": 7, "code": "b()", "running": False, "completed": 2.5}
    answer = server.client.get("/hops/outputs", params={"notebook": "Jupyter/days.ipynb"}).json()
    assert answer == {"session": 8, "cells": [run]}
    assert [one["output_type"] for one in server.client.get("/hops/outputs/8/9").json()["outputs"]] == [
        "stream", "error",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "odd", [{}, [], {"items": [{"state": "idle", "notebook": "a.ipynb"}]}, {"items": {"id": 5}, "ended": 5}], ids=str
)
def test_an_answer_that_is_not_what_was_agreed_on_is_the_services_and_no_failure_of_this_server(server, platform, odd):
    platform.answers.update(
        dict.fromkeys(
            [
                ("GET", "/services/livy/overview?scope=own&limit=200"),
                ("GET", "/services/livy/overview/5/log?size=500"), ("DELETE", "/services/livy/overview/5"),
                ("POST", "/services/livy/overview:stop-idle"),
                ("GET", "/services/livy/sessions/5/statements/9?hold=false"), ("GET", MEMBERS), ("GET", DATASETS),
            ],
            (200, odd),
        )
    )  # fmt: skip
    wanted = {"scope": "own", "sessions": [5]}
    answers = [
        server.client.get("/hops/session"),
        server.client.get("/hops/overview"),
        server.client.get("/hops/overview/5/log"),
        server.client.post("/hops/overview:stop-idle", json=wanted),
        server.client.get("/hops/outputs/5/9"),
        server.client.post("/hops/notebook:renamed", json={"old": "a.ipynb", "new": "b.ipynb"}),
    ]
    assert [answer.status_code for answer in answers] == [502] * len(answers)
    assert answers[0].json()["detail"] == "The session service answered without what is needed."
    shown = server.client.get("/hops/project").json()
    assert shown["members_problem"]["detail"] == "The control plane answered without what is needed."
    assert shown["datasets_problem"]["remedy"].startswith("Restart your server")


def test_the_session_of_a_renamed_notebook_is_told_its_new_path(server, platform, token):
    mine = NEIGHBOURS | {"own": True, "notebook": "Jupyter/a b.ipynb", "kernel": "k-1"}
    others = [mine | {"id": 8, "state": "killed"}, mine | {"id": 7, "notebook": "Jupyter/a b.ipynb.ipynb"}]
    platform.answers.update({
        ("GET", "/services/livy/overview?scope=own&limit=200"): (200, {"items": [*others, mine]}),
        ("POST", "/services/livy/sessions/5/connect"): (200, {"id": 5}),
    })  # fmt: skip
    names = {"old": "Jupyter/a b.ipynb", "new": "Resources/b.ipynb"}
    assert server.client.post("/hops/notebook:renamed", json=names).json() == {"sessions": [5]}
    assert platform.bodies == [{"kernel": "k-1", "notebook": "Resources/b.ipynb"}]
    assert {call[2] for call in platform.calls} == {f"Bearer {token}"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"new": "a.ipynb"}, "old"),
        ({"old": "a.ipynb"}, "new"),
        ({"old": "/", "new": "a.ipynb"}, "old"),
        ({"old": "a.ipynb", "new": "x" * 1001}, "new"),
        ({"old": "a.ipynb", "new": ["b.ipynb"]}, "new"),
    ],
)
def test_a_new_path_must_be_said_well(server, platform, body, field):
    answer = server.client.post("/hops/notebook:renamed", json=body)
    assert (answer.status_code, answer.json()["violations"][0]["field"]) == (422, field)
    assert platform.calls == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "scope"),
        ({"scope": "all", "sessions": []}, "scope"),
        ({"scope": "own"}, "sessions"),
        ({"scope": "own", "sessions": ["5"]}, "sessions"),
        ({"scope": "own", "sessions": [True]}, "sessions"),
        ({"scope": "own", "sessions": [-1]}, "sessions"),
    ],
)
def test_what_is_to_be_ended_must_be_said_well(server, platform, body, field):
    answer = server.client.post("/hops/overview:stop-idle", json=body)
    assert (answer.status_code, answer.json()["violations"][0]["field"]) == (422, field)
    assert platform.calls == []


def test_an_unknown_scope_is_asked_of_nobody(server, platform):
    assert server.client.get("/hops/overview?scope=all").status_code == 422
    assert platform.calls == []


def test_stop_and_restart_go_through_the_control_plane_with_this_servers_token(server, platform, token):
    path = "/services/hops/api/v1/projects/weather"
    platform.answers["GET", f"{path}/server"] = (200, {"state": "ready"})
    platform.answers["DELETE", f"{path}/server"] = (204, None)
    platform.answers["POST", f"{path}/server:restart"] = (202, None)
    stopping, restarting = (server.client.post(f"/hops/server:{verb}") for verb in ("stop", "restart"))
    assert (stopping.status_code, restarting.status_code) == (202, 202)
    assert stopping.json() == {"state": "stopping", "url": "/hub/home"}
    assert restarting.json() == {"state": "restarting", "url": "/services/hops/projects/weather#restarting"}
    wanted = {("GET", "server"), ("DELETE", "server"), ("POST", "server:restart")}
    wanted = {(method, f"{path}/{what}", f"Bearer {token}") for method, what in wanted}
    # The stop is asked for after its answer.
    until(lambda: set(platform.calls), wanted=lambda calls: calls == wanted)


def test_a_restart_tells_the_kernels_to_leave_their_sessions_and_takes_the_word_back_where_it_is_refused(
    server, platform, server_folder
):
    platform.answers["POST", "/services/hops/api/v1/projects/weather/server:restart"] = (404, REFUSAL)
    assert server.client.post("/hops/server:restart").status_code == 404
    assert not (server_folder / "sessions-stay").exists()
    platform.answers["POST", "/services/hops/api/v1/projects/weather/server:restart"] = (202, None)
    assert server.client.post("/hops/server:restart").status_code == 202
    assert (server_folder / "sessions-stay").is_file()
    (server_folder / "sessions-stay").unlink()


def test_a_stop_that_the_control_plane_would_refuse_is_said(server, platform):
    platform.answers["GET", "/services/hops/api/v1/projects/weather/server"] = (404, REFUSAL)
    answer = server.client.post("/hops/server:stop")
    assert (answer.status_code, answer.json()["detail"]) == (404, REFUSAL["detail"])
    assert [call[0] for call in platform.calls] == ["GET"]


def test_bad_bodies_name_the_field(server):
    for content in (b"", b"[]", b'{"logdir": 3}', b'{"logdir": "' + b"x" * 20_000 + b'"}', b"{"):
        answer = server.client.post("/hops/tensorboards", content=content)
        assert answer.status_code == 422, content[:20]
        assert answer.json()["violations"][0]["field"] == "logdir"


def test_lab_itself_is_served_beside_the_extension(server):
    page = server.client.get("/lab")
    assert page.status_code == 200
    assert "jupyter-config-data" in page.text


def test_a_server_outside_of_a_project_starts_and_says_so(start_server):
    answer = start_server(None).client.get("/hops/project")
    assert answer.status_code == 503
    assert answer.json()["title"] == "No project"


def test_the_token_is_renewed_at_half_of_its_life_and_written_for_the_owner_alone(start_server, make_folder, platform):
    now = time.time()
    second = make_token(now, now + 1000, "second")
    folder = make_folder(token=make_token(now - 100, now + 101, "first"))
    platform.answers["POST", RENEW] = (200, {"token": second, "expires_at": "x", "user": "ada"})
    start_server(folder)
    file = folder / "token.jwt"
    until(lambda: file.read_text() == second)
    assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in folder.iterdir()) == ["listens", "server.json", "token.jwt"]


def test_a_refused_renewal_is_said_in_the_project(start_server, make_folder, platform):
    platform.answers["POST", RENEW] = (403, REFUSAL)
    server = start_server(make_folder(token=make_token(time.time() - 100, time.time() + 100)))
    problem = until(lambda: server.client.get("/hops/project").json()["token_problem"])
    assert problem["detail"] == "ada is not a member of weather any more."


def test_no_answer_shows_a_path_of_the_host(server, project_folder, platform):
    texts = [server.client.get(path).text for path in ("/hops/project", "/hops/session", "/hops/tensorboards")]
    texts.append(server.client.post("/hops/tensorboards", json={"logdir": "../x"}).text)
    for text in texts:
        assert not re.search(re.escape(str(Path(project_folder).parent)), text)
