"""What of a path lies on the site's storage, and what is asked of the control plane for it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from jupyterlab_hops.problems import ProblemError, no_answer
from jupyterlab_hops.stored_contents import StoredContents, in_jupyters_words, shown_content, written_content
from jupyterlab_hops.stored_files import FRESH_S, MOST_ENTRIES, StoredFiles, StoredPlace
from tornado import web

RAW = StoredPlace("raw", "")
LISTED = {"items": [{"name": "raw"}, {"name": "Jupyter"}, {"name": "Shared/tides/levels", "shared": {"mode": "read"}}]}


class ControlPlane:
    """Answers as it is told, and notes what it was asked."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = []

    async def request(self, method, path, body=None, **_):
        self.asked.append((method, path, body))
        answer = self.answer(path) if callable(self.answer) else self.answer
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def read(self, path, take):
        return take(await self.request("GET", path))


def files_of(answer, **options):
    plane = ControlPlane(answer)
    return StoredFiles(plane, "api/v1/projects/weather", {"Jupyter", "Models"}, **options), plane


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("raw", RAW), ("/raw/", RAW), ("raw//a/b.py", StoredPlace("raw", "a/b.py")),
        ("Shared/tides/levels/a", StoredPlace("Shared/tides/levels", "a")), ("Shared/tides/Jupyter/a", None),
        ("Shared", None), ("Shared/tides", None), ("", None), ("/", None), ("Jupyter/a", None), ("Models", None),
        ("raw/../Jupyter/a", None), ("Jupyter/../raw/a", None), ("raw/./a", None), ("..", None), (".ipython/a", None),
        ("raw\\a", None), ("raw/a\0", None), ("Shared/tides/../levels", None), ("Shared/../raw/a", None),
        ("a:b/c", None), ("Shared:tides:levels/a", None), ("ra w", None), ("x" * 65, None),
    ],
)  # fmt: skip
def test_a_path_names_something_on_the_storage_or_it_does_not(path, place):
    assert files_of(None)[0].place_of(path) == place


def test_addresses_are_escaped():
    files, plane = files_of({"name": "x", "kind": "file", "size": 1, "modified": "2026-05-04T10:00:00Z"})
    asyncio.run(files.entry(StoredPlace("Shared/tides/levels", "a b/ü&limit=1#?.py")))
    asyncio.run(files.move(StoredPlace("raw", "a"), StoredPlace("Shared/tides/levels", "b")))
    datasets = "api/v1/projects/weather/datasets"
    assert plane.asked == [
        ("GET", f"{datasets}/Shared%3Atides%3Alevels/entry?path=a%20b%2F%C3%BC%26limit%3D1%23%3F.py", None),
        ("POST", f"{datasets}/raw/files:move", {"path": "a", "to": "b", "to_dataset": "Shared:tides:levels"}),
    ]


def test_a_list_of_datasets_is_fresh_for_a_while():
    moment = 10.0
    files, plane = files_of(LISTED, clock=lambda: moment)
    assert asyncio.run(files.datasets()) == {"raw": False, "Shared/tides/levels": True}
    moment += FRESH_S
    asyncio.run(files.datasets())
    assert len(plane.asked) == 1
    moment += 0.1
    asyncio.run(files.datasets())
    assert len(plane.asked) == 2


def test_a_folder_is_read_page_by_page_and_not_without_end():
    page = {"items": [{"name": str(number)} for number in range(100)], "next": "n/x"}
    files, plane = files_of(page)
    entries, more = asyncio.run(files.folder(RAW))
    assert (len(entries), more, len(plane.asked)) == (MOST_ENTRIES, True, MOST_ENTRIES // 100)
    assert plane.asked[1][1].endswith("files?path=&limit=100&after=n%2Fx")


def test_the_first_level_shows_what_was_known_last_while_the_control_plane_is_away():
    manager = SimpleNamespace(log=SimpleNamespace(warning=lambda *_: None))
    moment = 0.0
    files, plane = files_of(LISTED, clock=lambda: moment)
    contents = StoredContents(files, manager)

    def names(level, shown):
        return [one["name"] for one in asyncio.run(contents.first_levels(level, shown)) or ()]

    assert names("", []) == ["Shared", "raw"]
    moment, plane.answer = 100.0, no_answer("The control plane")
    assert names("", [{"name": "Jupyter"}]) == ["Jupyter", "Shared", "raw"]
    assert names("Shared", None) == ["tides"]
    assert asyncio.run(contents.first_levels("Shared/moon", None)) is None


@pytest.mark.parametrize(("status", "shown"), [(401, 403), (403, 403), (404, 404), (503, 503)])
def test_a_refusal_is_the_control_planes_sentence(status, shown):
    with pytest.raises(web.HTTPError, match=r"100% no\. Ask Ada\.") as error, in_jupyters_words():
        raise ProblemError(status, "x", "X", "100% no.", "Ask Ada.")
    assert error.value.status_code == shown


def test_an_answer_of_another_version_is_no_fault_of_lab():
    with pytest.raises(web.HTTPError, match="Restart your server") as error, in_jupyters_words():
        raise KeyError("kind")
    assert error.value.status_code == 502


def test_content_is_text_or_bytes():
    assert shown_content(b"a", None) == ("a", "text")
    assert shown_content(b"\xff", None) == ("/w==", "base64")
    assert written_content({"content": "/w==", "format": "base64"}) == b"\xff"
    with pytest.raises(web.HTTPError, match="no text"):
        shown_content(b"\xff", "text")
    for content in (3, None, {"a": 1}):
        with pytest.raises(web.HTTPError):
            written_content({"content": content})


def test_where_all_lies_on_the_disk_nothing_is_asked(tmp_path):
    from jupyterlab_hops.contents import ProjectContents  # noqa: PLC0415 - Jupyter's, which takes a while

    contents = ProjectContents(root_dir=str(tmp_path), delete_to_trash=False)
    assert contents._stored() is None
    assert contents._place("raw/a.py") is None
