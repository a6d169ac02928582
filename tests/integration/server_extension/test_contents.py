"""What the file browser's calls do to a project's files, on a real Jupyter server."""

from __future__ import annotations

import asyncio
import json
import os

import pytest
from jupyterlab_hops.contents import drop_empty_displays
from jupyterlab_hops.problems import ProblemError
from jupyterlab_hops.project import ProjectServer
from jupyterlab_hops.server_folder import ServerFolder

DATASETS = ("Jupyter", "Logs", "Resources", "Models")
NOTEBOOK = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture
def project(server):
    """The root of the server, with datasets that hold a file each."""
    for name in DATASETS:
        (server.root / name).mkdir(exist_ok=True)
        (server.root / name / "data.txt").write_text("old")
    return server.root


def call(server, method, path, /, **body):
    return server.client.request(method, f"/api/contents/{path}", json=body or None)


def first_level(project):
    """All that lies there, also what is hidden."""
    return {entry.name: entry.is_dir() for entry in project.iterdir()}


def test_a_notebook_is_saved_without_displays_that_hold_nothing(server, project):
    gone = {"output_type": "display_data", "data": {}, "metadata": {}}
    kept = [
        {"output_type": "display_data", "data": {"text/plain": "1"}, "metadata": {}},
        {"output_type": "stream", "name": "stdout", "text": "a"},
        {"output_type": "execute_result", "data": {}, "metadata": {}, "execution_count": 1},
    ]
    cell = {
        "cell_type": "code", "id": "a", "source": "", "metadata": {}, "execution_count": 1,
        "outputs": [gone, *kept, gone],
    }  # fmt: skip
    text = {"cell_type": "markdown", "id": "b", "source": "", "metadata": {}}
    content = NOTEBOOK | {"cells": [cell, text]}
    assert call(server, "PUT", "Jupyter/kept.ipynb", type="notebook", content=content).status_code in (200, 201)
    written = json.loads((project / "Jupyter" / "kept.ipynb").read_text())["cells"]
    assert [one["output_type"] for one in written[0]["outputs"]] == [one["output_type"] for one in kept]


@pytest.mark.parametrize(
    "content", [None, [], {"cells": 3}, {"cells": ["x"]}, {"cells": [{"outputs": 3}]}, {"cells": [{"outputs": ["x"]}]}]
)
def test_what_is_no_notebook_stays_what_it_is(content):
    before = repr(content)
    drop_empty_displays(content)
    assert repr(content) == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "Logs", {"path": "Old logs"}),
        ("PATCH", "Logs", {"path": "Jupyter/Logs"}),
        ("PATCH", "Jupyter/data.txt", {"path": "data.txt"}),
        ("PATCH", "Jupyter/data.txt", {"path": "Jupyter/../data.txt"}),
        ("PATCH", "Jupyter/way/Logs", {"path": "Jupyter/Logs"}),
        ("DELETE", "Models", {}),
        ("POST", "", {"type": "notebook"}),
        ("POST", "", {"type": "directory"}),
        ("POST", "", {"copy_from": "Jupyter/data.txt"}),
        ("POST", "", {"copy_from": "Jupyter"}),
        ("PUT", "notes.txt", {"type": "file", "format": "text", "content": "x"}),
        ("PUT", "big.bin", {"type": "file", "format": "text", "content": "x", "chunk": 1}),
        ("PUT", "Jupyter/way/notes.txt", {"type": "file", "format": "text", "content": "x"}),
        ("PUT", "a.ipynb", {"type": "notebook", "content": NOTEBOOK}),
    ],
)
def test_no_call_changes_the_first_level(server, project, method, path, body):
    if not (project / "Jupyter" / "way").is_symlink():
        (project / "Jupyter" / "way").symlink_to(project)
    before = first_level(project)
    answer = call(server, method, path, **body)
    assert answer.status_code == 403, answer.text
    assert answer.json()["message"].startswith("The first level of a project is its datasets.")
    assert "Open a dataset" in answer.json()["message"]
    assert first_level(project) == before
    assert (project / "Jupyter" / "data.txt").read_text() == "old"


def test_a_file_that_a_terminal_left_at_the_first_level_is_read_only(server, project):
    (project / "stray.txt").write_text("stray")
    model = call(server, "GET", "stray.txt").json()
    assert (model["content"], model["writable"]) == ("stray", False)
    changed = call(server, "PUT", "stray.txt", type="file", format="text", content="x")
    assert (changed.status_code, (project / "stray.txt").read_text()) == (403, "stray")
    assert call(server, "POST", "stray.txt/checkpoints").status_code == 403


def test_below_a_dataset_files_are_made_written_copied_renamed_and_deleted(server, project):
    made = call(server, "POST", "Jupyter", type="notebook")
    assert made.status_code == 201, made.text
    name = made.json()["path"]
    saved = call(server, "PUT", name, type="notebook", content=NOTEBOOK)
    assert (saved.status_code, saved.json()["writable"]) == (200, True)
    assert call(server, "POST", f"{name}/checkpoints").status_code == 201
    copied = call(server, "POST", "Logs", copy_from=name).json()["path"]
    assert call(server, "PATCH", copied, path="Models/model.ipynb").status_code == 200
    assert (project / "Models" / "model.ipynb").exists()
    assert call(server, "DELETE", "Models/model.ipynb").status_code == 204
    folder = call(server, "POST", "Jupyter", copy_from="Logs").json()["path"]
    assert (project / folder / "data.txt").read_text() == "old"
    for piece in (1, 2, -1):
        body = {"type": "file", "format": "text", "content": "x", "chunk": piece}
        assert call(server, "PUT", "Resources/big.txt", **body).status_code in {200, 201}
    assert (project / "Resources" / "big.txt").read_text() == "xxx"


def test_a_deleted_file_is_gone_and_leaves_no_trash_folder_behind(server, project):
    assert call(server, "DELETE", "Logs/data.txt").status_code == 204
    assert not [path for path in project.rglob("*") if "trash" in path.name.lower()]
    assert not (project / "Logs" / "data.txt").exists()


def test_a_folder_that_is_not_empty_stays_and_the_refusal_says_what_to_do(server, project):
    (project / "Jupyter" / "old" / ".cache").mkdir(parents=True)
    hidden = call(server, "DELETE", "Jupyter/old")
    (project / "Jupyter" / "old" / "a.txt").touch()
    full = call(server, "DELETE", "Jupyter/old")
    assert (full.status_code, full.json()["message"]) == (
        409,
        (
            "Jupyter/old is not empty, and only an empty folder can be deleted here. "
            "Delete what is in it first, then the folder."
        ),
    )
    assert (hidden.status_code, "hidden files (.cache)" in hidden.json()["message"]) == (409, True)
    assert (project / "Jupyter" / "old" / "a.txt").exists()


def test_no_refusal_tells_where_files_lie_on_the_host(server, project):
    os.mkfifo(project / "Jupyter" / "pipe")
    answers = [
        call(server, "DELETE", "Jupyter/gone.txt"),
        call(server, "PATCH", "Jupyter/gone.txt", path="Jupyter/x.txt"),
        call(server, "PATCH", "Jupyter/data.txt", path="Logs/data.txt"),
        call(server, "GET", "Jupyter/gone.txt"),
        call(server, "GET", "Jupyter/pipe"),
        call(server, "PUT", "Jupyter/gone/x.txt", type="file", format="text", content="x"),
        call(server, "PUT", "Jupyter/data.txt/x", type="file", format="text", content="x"),
        call(server, "PUT", "Jupyter/data.txt", type="directory"),
        call(server, "POST", "Jupyter", copy_from="Jupyter/gone.txt"),
    ]
    (project / "Jupyter" / "pipe").unlink()
    assert [answer.status_code for answer in answers[:2]] == [404, 404]
    assert "Somebody may have moved or deleted it: refresh" in answers[0].json()["message"]
    for answer in answers:
        assert answer.status_code >= 400, answer.request.url
        assert str(project) not in answer.text, answer.text


def test_a_notebook_goes_to_the_control_plane_where_it_can_not_be_saved_here(platform, make_folder):
    folder = ServerFolder.open(make_folder())
    server, content = ProjectServer(folder, "/"), json.dumps(NOTEBOOK).encode()
    save = "/services/hops/api/v1/projects/weather/datasets/Jupyter/content:save"
    platform.answers = {("POST", f"{save}?path=a%20b%2Fc.ipynb"): (200, {})}
    asyncio.run(server.send_notebook("Jupyter/a b/c.ipynb", content))
    assert platform.bodies == [NOTEBOOK]
    problem = {"title": "Over", "detail": "It is full.", "status": 409}
    platform.answers = {("POST", f"{save}?path=c.ipynb"): (409, problem)}
    with pytest.raises(ProblemError, match="It is full"):
        asyncio.run(server.send_notebook("Jupyter/c.ipynb", content))
