from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from jupyterlab_hops import authorizer, no_downloads, programs, rights
from jupyterlab_hops.access import SETTING
from jupyterlab_hops.authorizer import NO_DATA_SAVED, NO_RENAMING, carries_data, remedy, size_of
from jupyterlab_hops.guard import Guarded, guarded, platforms_folders
from jupyterlab_hops.own_role import FRESH_S, OwnRole, role_in
from jupyterlab_hops.problems import no_answer
from jupyterlab_hops.programs import MOST_NOTEBOOK_BYTES, MOST_PROGRAM_BYTES, is_program, is_readable
from jupyterlab_hops.project import ProjectServer
from jupyterlab_hops.rights import RIGHTS, Right, right_of
from jupyterlab_hops.tensorboard_proxy import TensorBoardProxy
from tornado import web
from tornado.httputil import HTTPHeaders

ME = {
    "kind": "project_user",
    "name": "ada",
    "project": "weather",
    "memberships": [{"project": "weather", "role": "data_owner"}],
}
CONFIG = {"user": "ada", "project": "weather", "role": "data_owner"}


class ControlPlane:
    """Answers as it is told, and counts."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = 0

    async def read(self, path, take, **_):
        assert path == "api/v1/me"
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return take(answer)


@pytest.mark.parametrize(
    ("changes", "role"),
    [
        ({}, "data_owner"),
        ({"memberships": [{"project": "weather", "role": "data_scientist"}]}, "data_scientist"),
        ({"memberships": []}, None),
        ({"memberships": [{"project": "oceans", "role": "data_owner"}]}, None),
        ({"name": "grace"}, None),
        ({"project": "oceans"}, None),
        ({"project": None}, None),
        ({"kind": "user"}, None),
        ({"kind": "service"}, None),
    ],
)
def test_an_answer_counts_when_it_is_about_this_person_in_this_project(changes, role):
    assert role_in(ME | changes, user="ada", project="weather") == role


def test_an_answer_is_fresh_for_a_while_and_then_asked_for_again():
    moment = 100.0
    plane = ControlPlane(ME, ME | {"memberships": []})
    own = OwnRole(plane, CONFIG, clock=lambda: moment)

    async def both():
        return await asyncio.gather(own.is_owner(), own.is_owner(), own.is_owner())

    assert asyncio.run(both()) == [True, True, True]
    moment += FRESH_S
    assert (asyncio.run(own.is_owner()), plane.asked) == (True, 1)
    moment += 0.1
    assert (asyncio.run(own.is_owner()), plane.asked) == (False, 2)


def test_a_control_plane_that_is_away_confirms_nothing_that_was_so_before():
    moment = 0.0
    own = OwnRole(ControlPlane(ME, no_answer("The control plane")), CONFIG, clock=lambda: moment)
    assert asyncio.run(own.is_owner())
    moment += FRESH_S + 1
    with pytest.raises(Exception, match="does not answer"):
        asyncio.run(own.is_owner())


@pytest.mark.parametrize("role", ["data_scientist", None, "", "DATA_OWNER", "owner"])
def test_who_was_no_data_owner_at_the_start_is_not_asked_for(role):
    plane = ControlPlane(ME)
    assert asyncio.run(OwnRole(plane, CONFIG | {"role": role}).is_owner()) is False
    assert plane.asked == 0


@pytest.mark.parametrize(
    ("path", "size", "told"),
    [
        ("a/b.py", 0, True), ("B.IPYNB", MOST_NOTEBOOK_BYTES, True), ("b.ipynb", MOST_NOTEBOOK_BYTES + 1, False),
        ("a.json", MOST_PROGRAM_BYTES, True), ("a.json", MOST_PROGRAM_BYTES + 1, False), ("a.csv", 1, False),
        ("a.py.csv", 1, False), ("py", 1, False), (".py", 1, False), ("a.py/data", 1, False), ("a.ipynb.gz", 1, False),
        ("", 0, False), ("a.py ", 1, False), ("a.py.", 1, False),
    ],
)  # fmt: skip
def test_programs_are_told_by_name_and_size(path, size, told):
    assert is_program(path, size) is is_readable(path, size) is told


def test_logs_are_read_and_are_no_programs():
    assert is_readable("Experiments/run_1/output.log", MOST_PROGRAM_BYTES)
    assert not is_readable("output.log", MOST_PROGRAM_BYTES + 1)
    assert not is_program("output.log", 1)


@pytest.mark.parametrize(
    ("method", "path", "body", "reason"),
    [
        ("PUT", "a.py", {"type": "file", "content": "x"}, None),
        ("PUT", "a.py", {"type": "file"}, None),
        ("PUT", "a.jar", {"type": "file", "format": "base64", "content": "eA=="}, None),
        ("PUT", "a.csv", {"type": "file", "content": "x"}, NO_DATA_SAVED),
        ("PUT", "a.csv", {"type": "file"}, NO_DATA_SAVED),
        ("PUT", "a.csv", {"type": "notebook", "content": {}}, NO_DATA_SAVED),
        ("PUT", "a.csv", {"type": "directory"}, None),
        ("PUT", "a.csv", None, None),
        ("PUT", "a.py", {"type": "file", "content": "x", "chunk": 1}, NO_DATA_SAVED),
        ("PUT", "a.py", {"type": "file", "content": "x", "chunk": None}, NO_DATA_SAVED),
        ("PUT", "a.py", {"type": "file", "content": "x" * (MOST_PROGRAM_BYTES + 1)}, NO_DATA_SAVED),
        ("PUT", "a.py", {"type": "file", "content": "ä" * (MOST_PROGRAM_BYTES // 2 + 1)}, NO_DATA_SAVED),
        ("PUT", "a.ipynb", {"type": "notebook", "content": {"cells": ["x" * (MOST_PROGRAM_BYTES + 1)]}}, None),
        ("PATCH", "a.csv", {"path": "b.csv"}, None),
        ("PATCH", "a.csv", {"path": "b.TXT"}, NO_RENAMING),
        ("PATCH", "a.csv", {"path": "b.log"}, NO_RENAMING),
        ("PATCH", "a.log", {"path": "b.txt"}, None),
        ("PUT", "a.log", {"type": "file", "content": "x"}, NO_DATA_SAVED),
        ("PATCH", "a.py", {"path": "b.txt"}, None),
        ("PATCH", "a.py", {"path": "b.csv"}, None),
        ("PATCH", "a.csv", {"path": 3}, None),
        ("PATCH", "a.csv", [], None),
    ],
)
def test_data_is_not_brought_in_nor_given_a_programs_name(method, path, body, reason):
    assert carries_data(method, path, body) == reason


def test_size_is_that_of_the_file_or_more():
    assert [size_of(one) for one in (None, "", "ä", {"a": 1}, "\ud800")] == [0, 0, 2, 8, 1]


def test_a_refusal_says_what_helps():
    assert remedy("weather").startswith("Ask a Data Owner of weather to do it")
    assert remedy(None).startswith("Ask a Data Owner to do it")
    for reason in (
        authorizer.NO_DOWNLOAD,
        authorizer.NO_DATA_SHOWN,
        authorizer.NO_DATA_SAVED,
        authorizer.NO_SUCH_ROUTE,
    ):
        assert reason.endswith(".")
        assert "%" not in reason  # Tornado would fill something in


def test_a_class_is_known_by_its_whole_name_and_not_by_what_it_is_made_of():
    lab = type("LabHandler", (), {"__module__": "jupyterlab_server.handlers"})
    assert right_of(lab) is Right.ALL_MEMBERS
    assert right_of(type("LabHandler", (lab,), {"__module__": "somebody.handlers"})) is None
    assert set(RIGHTS.values()) == set(Right)
    assert len(RIGHTS) == len(rights._ALL_MEMBERS) + len(rights._DATA_OWNERS) + 2


def test_what_is_not_known_is_served_by_a_guarded_handler_of_the_same_kind():
    class Theirs(web.RequestHandler):
        pass

    closed = guarded(Theirs)
    assert (closed.guarded, issubclass(closed, Theirs), closed.prepare) == (Theirs, True, Guarded.prepare)


def test_folders_in_which_code_writes_are_not_searched_for_labs_files(tmp_path):
    for name in ("server/data", "project", "platform/share"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "platform" / "way").symlink_to(tmp_path / "project")
    places = [str(tmp_path / name) for name in ("server/data", "server", "platform/share", "platform/way", "servers")]
    kept = platforms_folders(places, [tmp_path / "server", tmp_path / "project"])
    assert kept == [str(tmp_path / "platform/share"), str(tmp_path / "servers")]


@pytest.mark.parametrize("role", ["data_owner", "data_scientist"])
def test_what_a_tensorboard_offers_as_a_file_is_shown_to_a_data_scientist(role):
    server = ProjectServer.__new__(ProjectServer)
    server.own_role = OwnRole(ControlPlane(ME), CONFIG | {"role": role})
    handler = TensorBoardProxy.__new__(TensorBoardProxy)
    handler.application = SimpleNamespace(settings={SETTING: server})
    handler._headers, handler._within = HTTPHeaders(), "/user/ada/weather/hops/tensorboard/1/"
    handler.add_header("content-disposition", "attachment; filename=data.csv")
    handler.add_header("Content-Type", "text/plain")
    assert dict(handler._headers).keys() == {"Content-Type"} | (
        {"Content-Disposition"} if role == "data_owner" else set()
    )


def test_pages_that_save_no_files_keep_the_policy_that_they_had():
    headers = {"X-Other": "1", no_downloads.HEADER: "frame-ancestors 'none'"}
    no_downloads.forbid(headers)
    no_downloads.forbid(headers)
    assert headers == {"X-Other": "1", no_downloads.HEADER: f"frame-ancestors 'none'; {no_downloads.SANDBOX}"}
    assert "allow-downloads" not in no_downloads.SANDBOX
    bare = {}
    no_downloads.forbid(bare)
    assert bare[no_downloads.HEADER].startswith("frame-ancestors 'self'; sandbox ")


@pytest.mark.skipif(sys.platform != "linux", reason="prctl(2)")
@pytest.mark.parametrize(("parent", "kept"), [("1", "0"), ("4711", "1")])
def test_in_a_sandbox_the_servers_memory_is_its_own_and_its_kernels_are_as_any_process(parent, kept):
    ask = "import ctypes; print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), flush=True)"  # PR_GET_DUMPABLE
    program = (
        "import os, subprocess, sys\n"
        "from jupyterlab_hops.extension import keep_memory_private\n"
        f"os.getppid = lambda: {parent}\n"
        f"keep_memory_private()\n{ask}\nsubprocess.run([sys.executable, '-c', {ask!r}], check=True)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, timeout=240, check=True,
        env={"PYTHONPATH": str(Path(programs.__file__).parents[1])},
    )  # fmt: skip
    assert told.stdout.split() == [kept, "1"]
