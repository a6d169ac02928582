"""Lab's calls where the project's datasets, or those of another, are only read: refused in words."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
from types import SimpleNamespace

import pytest
from jupyter_server.services.contents import filecheckpoints, fileio
from jupyterlab_hops.contents import NO_CHECKPOINT_WHEN_FULL, READ_HERE, SHARED_READ_HERE, ProjectContents
from jupyterlab_hops.problems import ProblemError
from tornado import web

NOTEBOOK = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def refuse(path, *_given, **_named):
    raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))


@pytest.fixture
def contents(tmp_path, monkeypatch):
    for folder in ("Jupyter", "Shared/tides/raw"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.txt").write_text("old")
    (tmp_path / "own").mkdir()
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "own"))
    really_make = os.mkdir
    own = str(tmp_path / "own")
    contents = ProjectContents(root_dir=str(tmp_path), delete_to_trash=False)
    really_open = open
    monkeypatch.setattr(
        fileio,
        "open",
        lambda path, mode="r", **named: refuse(path) if set(mode) & set("wax+") else really_open(path, mode, **named),
        raising=False,
    )
    for module, name in (
        (os, "unlink"),
        (os, "makedirs"),
        (shutil, "move"),
        (filecheckpoints, "ensure_dir_exists"),
        (fileio, "copy2_safe"),
    ):
        monkeypatch.setattr(module, name, refuse)
    monkeypatch.setattr(
        os, "mkdir", lambda path, *given: (really_make if str(path) == own else refuse)(path, *given), raising=True
    )
    return contents


@pytest.mark.parametrize(("folder", "sentence"), [("Jupyter", READ_HERE), ("Shared/tides/raw", SHARED_READ_HERE)])
@pytest.mark.parametrize(
    "call",
    [
        lambda contents, folder: contents.save({"type": "notebook", "content": NOTEBOOK}, f"{folder}/b.ipynb"),
        lambda contents, folder: contents.save({"type": "file", "format": "text", "content": "new"}, f"{folder}/a.txt"),
        lambda contents, folder: contents.save({"type": "directory"}, f"{folder}/new"),
        lambda contents, folder: contents.save(
            {"type": "file", "format": "text", "content": "new", "chunk": 1}, f"{folder}/a.txt"
        ),
        lambda contents, folder: contents.copy(f"{folder}/a.txt", folder),
        lambda contents, folder: contents.rename_file(f"{folder}/a.txt", f"{folder}/b.txt"),
        lambda contents, folder: contents.delete_file(f"{folder}/a.txt"),
        lambda contents, folder: contents.create_checkpoint(f"{folder}/a.txt"),
    ],
    ids=["notebook", "file", "folder", "piece", "copy", "rename", "delete", "checkpoint"],
)
def test_what_can_not_be_written_is_told_with_what_to_do(contents, tmp_path, folder, sentence, call):
    with pytest.raises(web.HTTPError) as told:
        asyncio.run(call(contents, folder))
    assert (told.value.status_code, told.value.get_message()) == (403, sentence)
    assert (tmp_path / folder / "a.txt").read_text() == "old"


def test_other_refusals_stay_what_they_are(contents, tmp_path):
    with pytest.raises(web.HTTPError) as told:
        asyncio.run(contents.delete_file("Jupyter/absent.txt"))
    assert told.value.status_code == 404


def test_a_notebook_is_saved_past_the_mount_and_what_is_no_notebook_is_not(contents, tmp_path):
    sent = []

    async def send(path, content):
        sent.append((path, json.loads(content)["cells"]))
        (tmp_path / path).write_bytes(content)

    contents.send_notebook = send
    saved = asyncio.run(contents.save({"type": "notebook", "content": NOTEBOOK}, "/Jupyter/b.ipynb"))
    assert (saved["path"], saved["content"], sent) == ("Jupyter/b.ipynb", None, [("Jupyter/b.ipynb", [])])
    assert contents._sent == set()
    for path, model, sentence in (
        ("Jupyter/a.txt", {"type": "file", "format": "text", "content": "new"}, READ_HERE),
        ("Shared/tides/raw/b.ipynb", {"type": "notebook", "content": NOTEBOOK}, SHARED_READ_HERE),
    ):
        with pytest.raises(web.HTTPError) as told:
            asyncio.run(contents.save(model, path))
        assert told.value.get_message() == sentence
    assert len(sent) == 1
    with pytest.raises(web.HTTPError) as told:
        asyncio.run(contents.create_checkpoint("Jupyter/b.ipynb"))
    assert told.value.get_message() == NO_CHECKPOINT_WHEN_FULL


@pytest.mark.parametrize(("status", "shown"), [(409, 409), (401, 403)])  # Lab takes 401 for an end of its own log-in
def test_a_notebook_that_can_not_be_saved_past_it_says_why_and_that_nothing_is_lost(contents, status, shown):
    async def refuse(_path, _content):
        raise ProblemError(status, "quota-exceeded", "Over", "It uses 1 GiB of 1 GiB.", "Empty the trash.")

    contents.send_notebook = refuse
    with pytest.raises(web.HTTPError) as told:
        asyncio.run(contents.save({"type": "notebook", "content": NOTEBOOK}, "Jupyter/b.ipynb"))
    assert told.value.status_code == shown
    for part in ("It uses 1 GiB of 1 GiB. Empty the trash.", "could not be saved", "keep it open"):
        assert part in told.value.get_message()


@pytest.fixture
def mounted(contents, tmp_path, monkeypatch):
    """A mount that is only read, as Jupyter meets it: asked whether a file may be written, the system says no."""
    monkeypatch.undo()
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "own"))
    (tmp_path / "Jupyter" / "b.ipynb").write_text(json.dumps(NOTEBOOK))
    told = os.statvfs(tmp_path)
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode, **named: not mode & os.W_OK and may(path, mode, **named))
    monkeypatch.setattr(os, "statvfs", lambda _path: SimpleNamespace(f_flag=told.f_flag | os.ST_RDONLY))
    return contents


def test_a_notebook_that_is_there_is_saved_and_stays_one_that_can_be(mounted):
    sent = []

    async def send(path, _content):
        sent.append(path)

    mounted.send_notebook = send
    saved = asyncio.run(mounted.save({"type": "notebook", "content": NOTEBOOK}, "Jupyter/b.ipynb"))
    assert (saved["writable"], sent) == (True, ["Jupyter/b.ipynb"])
    assert asyncio.run(mounted.get("Jupyter/b.ipynb", content=False))["writable"] is True
    assert asyncio.run(mounted.get("Jupyter/a.txt", content=False))["writable"] is False


def test_a_file_that_is_there_is_refused_in_words(mounted):
    with pytest.raises(web.HTTPError) as told:
        asyncio.run(mounted.save({"type": "file", "format": "text", "content": "new"}, "Jupyter/a.txt"))
    assert told.value.get_message() == READ_HERE


def test_a_file_that_nobody_may_write_where_the_rest_is_written_is_no_matter_of_quotas(mounted, monkeypatch):
    monkeypatch.setattr(os, "statvfs", lambda _path: SimpleNamespace(f_flag=0))
    with pytest.raises(web.HTTPError) as told:
        asyncio.run(mounted.save({"type": "file", "format": "text", "content": "new"}, "Jupyter/a.txt"))
    assert "Permission denied" in told.value.get_message()
