"""Lab's calls where the project's datasets, or those of another, are only read: refused in words."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil

import pytest
from jupyter_server.services.contents import filecheckpoints, fileio
from jupyterlab_hops.contents import READ_HERE, SHARED_READ_HERE, ProjectContents
from tornado import web

NOTEBOOK = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def refuse(path, *_given, **_named):
    raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))


@pytest.fixture
def contents(tmp_path, monkeypatch):
    for folder in ("Jupyter", "Shared/tides/raw"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.txt").write_text("old")
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
        (os, "mkdir"),
        (os, "makedirs"),
        (shutil, "move"),
        (filecheckpoints, "ensure_dir_exists"),
        (fileio, "copy2_safe"),
    ):
        monkeypatch.setattr(module, name, refuse)
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
