"""Who is told the new path of a notebook that was renamed or moved."""

from __future__ import annotations

import asyncio
import stat

import pytest
from jupyterlab_hops.platform_client import PlatformClient
from jupyterlab_hops.problems import ProblemError
from jupyterlab_hops.renamed_notebooks import RenamedNotebooks, kernels_of, moved
from jupyterlab_hops.server_folder import NOTEBOOKS_FOLDER, ServerFolder

DAYS, NIGHTS = "Jupyter/days.ipynb", "Jupyter/nights.ipynb"


@pytest.mark.parametrize(
    ("path", "old", "new", "now"),
    [
        (DAYS, DAYS, NIGHTS, NIGHTS),
        ("Jupyter/a/days.ipynb", "Jupyter/a", "Resources/b", "Resources/b/days.ipynb"),
        ("Jupyter/ab/days.ipynb", "Jupyter/a", "Jupyter/c", None),
        ("Jupyter/a/a/days.ipynb", "Jupyter/a", "Jupyter/b", "Jupyter/b/a/days.ipynb"),
        (NIGHTS, DAYS, "Jupyter/c.ipynb", None),
        ("", DAYS, NIGHTS, None),
    ],
)
def test_a_path_moves_with_its_notebook_and_with_a_folder_above_it(path, old, new, now):
    assert moved(path, old, new) == now


def session(kernel, path, kind="notebook"):
    return {"path": path, "type": kind, "kernel": {"id": kernel}}


def test_the_kernels_of_a_renamed_notebook_are_found_before_and_after_lab_has_renamed_their_sessions():
    sessions = [
        session("open", NIGHTS), session("closed", DAYS), session("other", "Jupyter/c.ipynb"),
        session("console", DAYS, "console"),
    ]  # fmt: skip
    assert kernels_of(sessions, DAYS, NIGHTS) == {"open": NIGHTS, "closed": NIGHTS}
    below = [session("a", "Jupyter/old/a.ipynb"), session("b", "Jupyter/new/b.ipynb")]
    assert kernels_of(below, "Jupyter/old", "Jupyter/new") == {"a": "Jupyter/new/a.ipynb", "b": "Jupyter/new/b.ipynb"}


class ScriptedLivy(PlatformClient):
    """Has sessions; of those in ``gone`` it knows no more when they are connected to."""

    def __init__(self, *items, gone=(), refusal=404):
        super().__init__("The session service", "http://nowhere", lambda: "token")
        self.items = list(items)
        self.gone, self.refusal = gone, refusal
        self.connected = {}

    async def request(self, method, path, body=None):
        if method == "GET":
            assert path.startswith("overview?scope=own&")
            return {"items": self.items}
        number = int(path.removeprefix("sessions/").removesuffix("/connect"))
        if number in self.gone:
            raise ProblemError(self.refusal, "gone", "Gone", "There is no such session.")
        self.connected[number] = body
        return {}


def item(number, notebook, state="idle", kernel="k"):
    return {"id": number, "notebook": notebook, "state": state, "kernel": kernel, "own": True}


def tell(livy, folder, old, new, kernels):
    return asyncio.run(RenamedNotebooks(livy, ServerFolder(folder, {})).tell(old, new, kernels))


def test_its_living_sessions_are_told_with_the_kernel_that_they_have(tmp_path):
    livy = ScriptedLivy(
        item(9, DAYS, "busy", "k9"), item(8, DAYS, kernel=None), item(7, DAYS, "dead"), item(6, NIGHTS), item(5, None)
    )
    assert tell(livy, tmp_path, DAYS, "Jupyter/c.ipynb", {}) == {"sessions": [9, 8]}
    assert livy.connected == {
        9: {"kernel": "k9", "notebook": "Jupyter/c.ipynb"},
        8: {"kernel": None, "notebook": "Jupyter/c.ipynb"},
    }


def test_one_that_ends_meanwhile_costs_the_others_nothing_and_another_refusal_is_told(tmp_path):
    livy = ScriptedLivy(item(9, DAYS), item(8, DAYS), gone={9})
    assert tell(livy, tmp_path, DAYS, NIGHTS, {}) == {"sessions": [8]}
    with pytest.raises(ProblemError):
        tell(ScriptedLivy(item(9, DAYS), gone={9}, refusal=503), tmp_path, DAYS, NIGHTS, {})


def test_kernels_find_the_path_in_the_servers_folder_and_nobody_else_does(tmp_path):
    for path in (DAYS, NIGHTS):
        tell(ScriptedLivy(), tmp_path, "Jupyter/a.ipynb", path, {"k-1": path})
    folder = tmp_path / NOTEBOOKS_FOLDER
    assert [(one.name, one.read_text()) for one in folder.iterdir()] == [("k-1", NIGHTS)]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "k-1").stat().st_mode) == 0o600
