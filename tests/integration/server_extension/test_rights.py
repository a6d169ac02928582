"""What a Data Scientist's notebook server hands over, and what it does not; on real Jupyter servers."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jupyterhub
import pytest
from jupyterlab_hops.programs import MOST_NOTEBOOK_BYTES, MOST_PROGRAM_BYTES
from jupyterlab_hops.rights import RIGHTS
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from hops_spawner.files import AUTHORIZER, CONTENTS, EXTENSIONS
from tests.waiting import until

from .conftest import ME, TOKEN, me

WALK = Path(__file__).with_name("walk.py")
SOURCE = Path(__file__).parents[3] / "server_extension"
SECRET = "day,temperature\n1,21.5\n"
NOTEBOOK = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND")
ASK = "Ask a Data Owner of weather to do it, or to make you one"


def filled(server):
    """A project with data, a program and a notebook in it."""
    folder = server.root / "Jupyter"
    folder.mkdir(exist_ok=True)
    (server.root / "Models").mkdir(exist_ok=True)
    (folder / "data.csv").write_text(SECRET)
    (folder / "data.bin").write_bytes(b"\xff" + SECRET.encode())
    (folder / "page.html").write_text(f"<p>{SECRET}</p>")
    (folder / "code.py").write_text("print(1)\n")
    (folder / "notes.ipynb").write_text(json.dumps(NOTEBOOK))
    return server


@pytest.fixture(scope="module")
def scientist(start_server, make_folder):
    """The server of one who was a Data Scientist when it was started."""
    return filled(start_server(make_folder(role="data_scientist")))


@pytest.fixture(scope="module")
def owner(server):
    """The server of one who was a Data Owner then."""
    return filled(server)


def told(answer):
    """What a refusal says."""
    kind = answer.headers.get("content-type", "")
    return answer.json()["message"] if kind.startswith("application/json") else answer.text


def open_socket(server, path):
    url = f"{server.url.replace('http', 'ws', 1)}/{path}"
    return connect(url, additional_headers={"Authorization": f"token {TOKEN}"}, proxy=None)


# The table.


def test_every_route_of_a_real_server_stands_in_the_table(platform, make_folder, tmp_path):
    platform.answers["GET", "/hub/api"] = (200, {}, {"X-JupyterHub-Version": jupyterhub.__version__})
    settings = {"jpserver_extensions": EXTENSIONS, "authorizer_class": AUTHORIZER, "contents_manager_class": CONTENTS}
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "jupyter_server_config.json").write_text(
        json.dumps({"ServerApp": settings | {"allow_root": True}})
    )
    hub = {
        "API_URL": f"{platform.url}/hub/api", "API_TOKEN": "t", "BASE_URL": "/", "CLIENT_ID": "c", "HOST": "",
        "OAUTH_CALLBACK_URL": "/user/ada/weather/oauth_callback", "OAUTH_SCOPES": '["access:servers"]',
        "ROOT_DIR": str(tmp_path), "SERVICE_PREFIX": "/user/ada/weather/", "SERVICE_URL": "http://127.0.0.1:0/",
        "USER": "ada",
    }  # fmt: skip
    walked = subprocess.run(
        [sys.executable, str(WALK)],
        env={f"JUPYTERHUB_{name}": value for name, value in hub.items()}
        | {
            "PATH": os.environ["PATH"], "HOME": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
            "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"), "HOPS_SERVER_FOLDER": str(make_folder()),
            "PYTHONPATH": str(SOURCE),
        },
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    routes = [json.loads(line) for line in walked.stdout.splitlines() if line.startswith('["route"')]
    assert len(routes) > 60, walked.stderr[-2000:]
    handlers = {f"{module}.{name}": pattern for _, pattern, module, name in routes}
    assert {name: pattern for name, pattern in handlers.items() if name not in RIGHTS} == {}
    for expected in ("jupyterlab_hops.handlers.ProjectHandler", "jupyterlab_server.handlers.LabHandler"):
        assert expected in handlers
    assert any(name.startswith("jupyterhub.") for name in handlers)


# What is handed over to nobody but Data Owners.

FILES = [
    "/files/Jupyter/data.csv",
    "/files/Jupyter/data.csv?download=1",
    "/files/Jupyter/code.py",
    "/files/Jupyter/notes.ipynb?download=1",
    "/files/Jupyter/page.html",
    "/files/%4aupyter/data.csv",
    "/files/Jupyter%2fdata.csv",
    "/files/Models/../Jupyter/data.csv",
    "/files/Models/%2e%2e/Jupyter/data.csv",
    "/files//Jupyter/data.csv",
    "/files/./Jupyter/data.csv",
    "/files/Jupyter/data.csv/",
    "/files/Jupyter/data.csv?",
    "//files/Jupyter/data.csv",
    "/x/../files/Jupyter/data.csv",
    "/static/../files/Jupyter/data.csv",
    "/view/Jupyter/page.html",
    "/view/Jupyter/data.csv",
    "/nbconvert/html/Jupyter/notes.ipynb",
    "/nbconvert/html/Jupyter/notes.ipynb?download=true",
    "/nbconvert/script/Jupyter/notes.ipynb?download=true",
    "/nbconvert/notebook/Jupyter/data.csv",
    "/api/contents/Jupyter/data.csv",
    "/api/contents/Jupyter/data.csv?format=base64&type=file",
    "/api/contents/Jupyter/data.csv?type=file&format=text&content=1",
    "/api/contents/Jupyter/data.csv?type=notebook",
    "/api/contents/Jupyter/data.csv?content=0&content=1",
    "/api/contents/Jupyter/data.csv/",
    "/api/contents/Jupyter/data%2ecsv",
    "/api/contents/Jupyter/code.py?format=base64",
    "/api/contents/Models/../Jupyter/data.csv",
    "/api/contents/Models/%2e%2e/Jupyter/data.csv",
    "/api/contents//Jupyter/data.csv",
    "/api/notebooks/Jupyter/data.csv",
    "/tree/Jupyter/data.csv",
    "/edit/Jupyter/data.csv",
    "/notebooks/Jupyter/data.csv",
    "/lab/api/listings/../../../files/Jupyter/data.csv",
    "/lab/extensions/../Jupyter/data.csv",
    "/lab/extensions/%2e%2e/Jupyter/data.csv",
    "/lab/api/themes/../../Jupyter/data.csv",
    "/lsp/status",
    "/proxy/8888/",
    "/custom/custom.css",
]


@pytest.mark.parametrize("path", FILES)
def test_no_way_to_a_file_hands_it_to_a_data_scientist(scientist, path):
    for method in METHODS:
        filled(scientist)  # a member deletes files
        # As it stands here: the client would tidy up the path.
        url = scientist.client.base_url.copy_with(raw_path=(scientist.base + path).encode())
        answer = scientist.client.request(method, url, follow_redirects=True)
        assert "temperature" not in answer.text, (method, path, answer.status_code)
        assert base64.b64encode(SECRET.encode()).decode()[:12] not in answer.text
        assert "print(1)" not in answer.text
        assert "attachment" not in answer.headers.get("content-disposition", ""), (method, path)
        if method != "DELETE":
            assert (scientist.root / "Jupyter" / "data.csv").read_text() == SECRET
    filled(scientist)


@pytest.mark.parametrize(
    "path",
    [
        "/files/Jupyter/data.csv", "/files/Jupyter/code.py?download=1", "/view/Jupyter/page.html",
        "/nbconvert/html/Jupyter/notes.ipynb", "/api/contents/Jupyter/data.csv?format=base64&type=file",
    ],
)  # fmt: skip
def test_a_refusal_says_who_can_help_and_a_data_owner_gets_what_was_refused(scientist, owner, platform, path):
    refused = scientist.client.get(path)
    assert refused.status_code == 403
    assert ASK in told(refused)
    assert owner.client.get(path).status_code == 200


def test_files_of_another_projects_dataset_leave_by_no_route_of_the_server_not_even_a_data_owners(owner, platform):
    shared = owner.root / "Shared" / "tides" / "raw"
    shared.mkdir(parents=True, exist_ok=True)
    (shared / "day.csv").write_text(SECRET)
    link = owner.root / "Jupyter" / "theirs"
    link.unlink(missing_ok=True)
    link.symlink_to(shared)
    for folder in ("Shared/tides/raw", "Jupyter/theirs", "Jupyter/../Shared/tides/raw", "%53hared/tides/raw"):
        for path in (f"/files/{folder}/day.csv", f"/api/contents/{folder}/day.csv?format=base64&type=file"):
            answer = owner.client.get(path)
            assert (answer.status_code, SECRET in answer.text) == (403, False), path
            assert "dataset of another project" in told(answer)
    saved = owner.client.put(
        "/api/contents/Shared/tides/raw/new.csv", json={"type": "file", "format": "text", "content": "x"}
    )
    assert (saved.status_code, list(shared.iterdir())) == (403, [shared / "day.csv"])
    for source in ("Shared/tides/raw/day.csv", "Jupyter/theirs/day.csv", "/Jupyter/../Shared/tides/raw/day.csv"):
        copied = owner.client.post("/api/contents/Jupyter", json={"copy_from": source})
        assert (copied.status_code, "dataset of another project" in told(copied)) == (403, True), source
    assert not list((owner.root / "Jupyter").glob("day*"))
    (owner.root / "Jupyter" / "own.csv").write_text(SECRET)
    for old, new in (
        ("Shared/tides/raw/day.csv", "Jupyter/day.csv"),
        ("Jupyter/own.csv", "Shared/tides/raw/own.csv"),
        ("Shared/tides/raw/day.csv", "Shared/tides/other/day.csv"),
    ):
        moved = owner.client.patch(f"/api/contents/{old}", json={"path": new})
        assert (moved.status_code, (owner.root / old).exists()) == (403, True), new
    renamed = owner.client.patch("/api/contents/Shared/tides/raw/day.csv", json={"path": "Shared/tides/raw/days.csv"})
    assert renamed.status_code == 200
    link.unlink()


def test_data_is_not_copied_to_a_programs_name(scientist):
    for name in ("copy.py", "copy.txt", "copy.ipynb", "copy.log"):
        body = {"copy_from": "Jupyter/data.csv"}
        answer = scientist.client.post(f"/api/contents/Jupyter/{name}", json=body)
        assert (answer.status_code, "no name of a program" in told(answer)) == (403, True), name
        assert not (scientist.root / "Jupyter" / name).exists()
    kept = scientist.client.post("/api/contents/Models", json={"copy_from": "Jupyter/data.csv"})
    assert kept.status_code == 201, "a copy that stays data is nobody's business"
    (scientist.root / "Models" / "data.csv").unlink()


def test_an_export_by_post_is_refused(scientist, owner, platform):
    body = {"name": "n.ipynb", "content": NOTEBOOK}
    assert scientist.client.post("/nbconvert/script", json=body).status_code == 403
    assert owner.client.post("/nbconvert/script", json=body).status_code == 200


def test_a_file_in_the_servers_own_folder_is_no_file_of_lab(start_server, make_folder, platform):
    folder = make_folder(role="data_scientist")
    (folder / "labextensions" / "x" / "static").mkdir(parents=True)
    (folder / "labextensions" / "x" / "package.json").write_text('{"name": "x", "version": "1", "jupyterlab": {}}')
    (folder / "labextensions" / "x" / "static" / "data.csv").write_text(SECRET)
    (folder / "kernels" / "mine").mkdir(parents=True)
    (folder / "kernels" / "mine" / "kernel.json").write_text('{"argv": ["true"], "display_name": "m", "language": "x"}')
    (folder / "kernels" / "mine" / "data.csv").write_text(SECRET)
    (folder / "kernels" / "mine" / "logo-64x64.png").write_text("logo")
    (folder / "kernels" / "mine" / "logo-svg.svg").write_text(SECRET * 4096)
    server = start_server(folder)
    for path in (
        "/lab/extensions/x/static/data.csv", "/lab/extensions/x/package.json", "/kernelspecs/mine/data.csv",
        "/kernelspecs/mine/logo-svg.svg", "/kernelspecs/mine/./logo-svg.svg", "/kernelspecs/mine/kernel.json",
        "/kernelspecs/mine/..%2f..%2ftoken.jwt",
    ):  # fmt: skip
        assert server.client.get(path).status_code in {403, 404}, path
    assert server.client.get("/kernelspecs/mine/logo-64x64.png").text == "logo"


# What a Data Scientist works with.


def test_folders_programs_and_notebooks_are_opened_and_data_is_described(scientist):
    def get(path):
        return scientist.client.get(f"/api/contents/{path}")

    assert get("Jupyter").json()["type"] == get("Jupyter?content=1&type=directory").json()["type"] == "directory"
    assert get("Jupyter/code.py?type=file&format=text&content=1").json()["content"] == "print(1)\n"
    assert get("Jupyter/notes.ipynb?type=notebook&content=1").json()["content"]["nbformat"] == 4
    (scientist.root / "Jupyter" / "output.log").write_text("epoch 1\n")
    assert get("Jupyter/output.log?type=file&format=text").json()["content"] == "epoch 1\n"
    assert get("Jupyter/output.log?type=file&format=base64").status_code == 403
    described = get("Jupyter/data.csv?content=0").json()
    assert (described["size"], described["content"]) == (len(SECRET), None)
    assert get("Jupyter/gone.csv").status_code == 404


def test_size_counts_as_well(scientist):
    folder = scientist.root / "Jupyter"
    for name, size in (("big.txt", MOST_PROGRAM_BYTES + 1), ("big.ipynb", MOST_NOTEBOOK_BYTES + 1)):
        with (folder / name).open("wb") as file:
            file.truncate(size)
        assert scientist.client.get(f"/api/contents/Jupyter/{name}").status_code == 403
        (folder / name).unlink()


def put(server, path, **body):
    return server.client.put(f"/api/contents/Jupyter/{path}", json=body)


def encoded(content):
    return base64.b64encode(content).decode()


def test_programs_and_notebooks_are_saved_and_uploaded_and_data_is_not(scientist):
    assert put(scientist, "a.py", type="file", format="base64", content=encoded(b"a = 1")).status_code == 201
    assert put(scientist, "a.py", type="file", format="text", content="a = 2").status_code == 200
    assert put(scientist, "a.ipynb", type="notebook", format="json", content=NOTEBOOK).status_code == 201
    assert put(scientist, "a folder.d", type="directory").status_code == 201
    for path, body in (
        ("b.csv", {"type": "file", "format": "text", "content": SECRET}),
        ("data.csv", {"type": "file", "format": "base64", "content": encoded(b"new")}),
        ("b.parquet", {"type": "file", "format": "base64", "content": encoded(b"new"), "chunk": 1}),
        ("b.txt", {"type": "file", "format": "base64", "content": encoded(b"new"), "chunk": 1}),
        ("b.csv", {"type": "notebook", "content": NOTEBOOK}),
        ("b.txt", {"type": "file", "format": "text", "content": "x" * (MOST_PROGRAM_BYTES + 1)}),
        ("b", {"type": "file", "format": "text", "content": "x"}),
    ):
        refused = put(scientist, path, **body)
        assert (refused.status_code, ASK in told(refused)) == (403, True), path
        assert not (scientist.root / "Jupyter" / path).exists() or path == "data.csv"
    assert (scientist.root / "Jupyter" / "data.csv").read_text() == SECRET


def test_a_notebook_with_large_outputs_is_saved(scientist):
    output = {"output_type": "stream", "name": "stdout", "text": "x" * (MOST_PROGRAM_BYTES + 1)}
    cell = {"cell_type": "code", "id": "a", "source": "", "metadata": {}, "execution_count": 1, "outputs": [output]}
    saved = put(scientist, "large.ipynb", type="notebook", content=NOTEBOOK | {"cells": [cell]})
    assert saved.status_code == 201
    assert scientist.client.get("/api/contents/Jupyter/large.ipynb").status_code == 200
    (scientist.root / "Jupyter" / "large.ipynb").unlink()


def test_files_are_copied_moved_and_kept_within_the_project_but_data_gets_no_programs_name(scientist):
    call = scientist.client.request
    assert call("POST", "/api/contents/Models", json={"copy_from": "Jupyter/data.csv"}).status_code == 201
    assert call("PATCH", "/api/contents/Models/data.csv", json={"path": "Models/may.csv"}).status_code == 200
    refused = call("PATCH", "/api/contents/Models/may.csv", json={"path": "Models/may.txt"})
    assert (refused.status_code, ASK in told(refused)) == (403, True)
    assert call("POST", "/api/contents/Jupyter/notes.ipynb/checkpoints").status_code == 201
    assert call("POST", "/api/contents/Jupyter/data.csv/checkpoints").status_code == 201
    assert call("POST", "/api/contents/Jupyter/data.csv/checkpoints/checkpoint").status_code == 204
    (scientist.root / "Models" / "v1.md").mkdir()
    assert call("PATCH", "/api/contents/Models/v1.md", json={"path": "Models/v2.md"}).status_code == 200


def test_lab_itself_terminals_and_the_project_are_a_data_scientists_too(scientist, platform):
    for path in (
        "/lab", "/lab/tree/Jupyter", "/api/status", "/api/kernelspecs", "/api/kernels", "/api/sessions", "/api/me",
        "/lab/api/settings", "/lab/api/workspaces", "/lab/api/translations", "/hops/project",
    ):  # fmt: skip
        assert scientist.client.get(path).status_code == 200, path
    script = re.search(r'src="(?:/user/ada/weather)?(/static/lab/[^"]+)"', scientist.client.get("/lab").text)[1]
    assert scientist.client.get(script).status_code == 200


def test_a_terminal_is_code_and_opens(scientist):
    name = scientist.client.post("/api/terminals").json()["name"]
    with open_socket(scientist, f"terminals/websocket/{name}") as terminal:
        assert json.loads(terminal.recv(timeout=60))[0] in {"setup", "stdout"}
    assert scientist.client.delete(f"/api/terminals/{name}").status_code == 204


def test_pages_of_a_data_scientists_server_tell_the_browser_to_save_no_files(scientist, owner, platform):
    for path in ("/lab", "/hops/project", "/hops/tensorboards"):
        word = scientist.client.get(path).headers["content-security-policy"]
        assert re.search(r"; sandbox [a-z -]*allow-scripts", word), word
        assert "allow-downloads" not in word
        assert "frame-ancestors" in word
        assert "allow-same-origin" not in owner.client.get(path).headers["content-security-policy"]


@pytest.mark.parametrize("role", ["data_scientist", "data_owner"])
def test_sparks_pages_are_shown_and_saved_by_data_owners_alone(role, platform, scientist, owner):
    server = scientist if role == "data_scientist" else owner
    platform.answers["GET", "/services/livy/sessions/3/ui/log"] = (
        200, b"a log", {"Content-Disposition": "attachment; filename=log.zip", "Content-Type": "text/plain"},
    )  # fmt: skip
    page = server.client.get(
        server.client.post("/hops/session/3:pages").json()["url"].removeprefix(server.base) + "log"
    )
    assert (page.status_code, page.text) == (200, "a log")
    assert ("content-disposition" in page.headers) is (role == "data_owner")
    policies = ";".join(page.headers.get_list("content-security-policy"))
    assert ("allow-presentation allow-same-origin" in policies) is (role == "data_scientist")


# The role of now.


def test_a_data_owner_who_is_one_no_longer_is_refused_within_seconds(owner, platform, start_server, make_folder):
    server = filled(start_server(make_folder()))
    assert server.client.get("/files/Jupyter/data.csv").text == SECRET
    platform.answers[ME] = me("data_scientist")
    answer = until(
        lambda: server.client.get("/files/Jupyter/data.csv"),
        wanted=lambda answer: answer.status_code == 403,
        pause_s=0.1,
    )
    assert ASK in told(answer)
    assert server.client.get("/api/contents/Jupyter/code.py").status_code == 200


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (me("data_owner", user="grace"), 403),
        (me("data_owner", project="oceans"), 403),
        (me("data_owner", kind="user"), 403),
        ((200, {"kind": "project_user", "name": "ada", "project": "weather", "memberships": []}), 403),
        ((401, {"title": "t", "detail": "The token has expired."}), 403),
        ((404, {"title": "t", "detail": "There is no such project."}), 403),
        ((500, b"no"), 503),
        ((200, {}), 503),
        ((200, b"no"), 503),
    ],
)
def test_who_is_not_told_to_be_a_data_owner_is_none(platform, start_server, make_folder, answer, status):
    server = filled(start_server(make_folder()))
    platform.answers[ME] = answer
    refused = server.client.get("/files/Jupyter/data.csv")
    assert (refused.status_code, SECRET in refused.text) == (status, False)
    assert server.client.get("/api/contents/Jupyter/code.py").status_code == 200


def test_who_began_as_a_data_scientist_is_one_until_the_next_start(scientist, platform):
    assert scientist.client.get("/files/Jupyter/data.csv").status_code == 403
    assert not [call for call in platform.calls if call[1] == ME[1]]


def test_a_changed_configuration_in_the_servers_folder_changes_nothing(platform, start_server, make_folder):
    folder = make_folder(role="data_scientist")
    server = filled(start_server(folder))
    config = json.loads((folder / "server.json").read_text())
    (folder / "server.json").write_text(json.dumps(config | {"role": "data_owner"}))
    assert server.client.get("/files/Jupyter/data.csv").status_code == 403


def test_a_server_of_no_project_hands_over_nothing(start_server):
    server = filled(start_server(None))
    assert server.client.get("/files/Jupyter/data.csv").status_code == 403
    assert server.client.get("/api/contents/Jupyter/code.py").status_code == 200


def test_a_route_that_nobody_decided_on_is_a_data_owners(platform, start_server, make_folder):
    extensions = EXTENSIONS | {"jupyter_lsp": True}
    theirs = start_server(make_folder(role="data_scientist"), extensions=extensions)
    owners = start_server(make_folder(), extensions=extensions)
    refused = theirs.client.get("/lsp/status")
    assert (refused.status_code, ASK in told(refused)) == (403, True)
    assert owners.client.get("/lsp/status").status_code == 200

    def status_of_socket(server):
        try:
            with open_socket(server, "lsp/ws/x"):
                return 101
        except InvalidStatus as refusal:
            return refusal.response.status_code

    assert (status_of_socket(theirs), status_of_socket(owners)) == (403, 101)
