"""Who keeps a right on HDFS that ended, or gets one that nobody gave: told by what is said to the NameNode."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from hops_contract.layout import Home
from hops_platform.adapters.storage.hdfs_rights import MOST_NAMED
from hops_platform.adapters.storage.hdfs_tree import HdfsTree
from hops_platform.adapters.storage.local import LocalStorage
from hops_platform.adapters.storage.stored import StoredStorage
from hops_platform.adapters.storage.stored_files import StoredFiles
from hops_platform.adapters.storage.stored_trash import StoredTrash
from hops_platform.adapters.storage.trees import trash_of
from hops_platform.adapters.storage.webhdfs import WebHdfs
from hops_platform.database import new_id
from hops_platform.engines.places import Place
from hops_platform.engines.storage import DatasetRights
from hops_platform.errors import EngineRefusedError

RAW = ("weather", "raw")


class NameNode:
    """As much of one as these rights need: who owns what, and lists."""

    def __init__(self) -> None:
        self.owners: dict[str, str] = {}
        self.lists: dict[str, list[str]] = {}
        self.files: set[str] = set()
        self.at_list: Callable[[str], None] = lambda _path: None

    def add(self, path: str, owner: str = "hops", *, file: bool = False) -> None:
        self.owners[path], self.lists[path] = owner, []
        if file:
            self.files.add(path)

    def users(self, path: str) -> dict[str, str]:
        """Who is named on something, with which rights."""
        named = (one.split(":") for one in self.lists[path] if one.startswith("user:"))
        return {name: mode for _, name, mode in named if name}

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = unquote(request.url.path).removeprefix("/webhdfs/v1/Projects").strip("/")
        params = dict(request.url.params)
        if path not in self.owners and params["op"] != "MKDIRS":
            return httpx.Response(404, json={"RemoteException": {"exception": "FileNotFoundException"}})
        told = getattr(self, params["op"])(path, params)
        return httpx.Response(200, json=told or {})

    def _status(self, path: str) -> dict[str, Any]:
        kind = "FILE" if path in self.files else "DIRECTORY"
        return {
            "pathSuffix": path.rpartition("/")[2], "type": kind, "owner": self.owners[path], "fileId": 7, "length": 0,
            "modificationTime": 0,
        }  # fmt: skip

    def GETFILESTATUS(self, path: str, _params: Any) -> Any:  # noqa: N802 - here and below: HDFS's names
        return {"FileStatus": self._status(path)}

    def LISTSTATUS_BATCH(self, path: str, _params: Any) -> Any:  # noqa: N802
        found = [self._status(one) for one in sorted(self.owners) if one.rpartition("/")[0] == path]
        listing = {"partialListing": {"FileStatuses": {"FileStatus": found}}, "remainingEntries": 0}
        return {"DirectoryListing": listing}

    def GETACLSTATUS(self, path: str, _params: Any) -> Any:  # noqa: N802
        return {"AclStatus": {"entries": self.lists[path]}}

    def SETACL(self, path: str, params: Any) -> None:  # noqa: N802
        self.at_list(path)
        self.lists[path] = params["aclspec"].split(",")

    def MODIFYACLENTRIES(self, path: str, params: Any) -> None:  # noqa: N802
        self.lists[path] += params["aclspec"].split(",")

    def SETOWNER(self, path: str, params: Any) -> None:  # noqa: N802
        self.owners[path] = params["owner"]

    def MKDIRS(self, path: str, _params: Any) -> Any:  # noqa: N802
        if path not in self.owners:
            self.add(path)
        return {"boolean": True}

    def RENAME(self, path: str, params: Any) -> None:  # noqa: N802
        target = params["destination"].removeprefix("/Projects/")
        for one in [one for one in self.owners if one == path or one.startswith(f"{path}/")]:
            new = target + one.removeprefix(path)
            self.owners[new], self.lists[new] = self.owners.pop(one), self.lists.pop(one)
            if one in self.files:
                self.files.remove(one)
                self.files.add(new)

    def DELETE(self, path: str, _params: Any) -> None:  # noqa: N802
        for one in [one for one in self.owners if one == path or one.startswith(f"{path}/")]:
            del self.owners[one], self.lists[one]


@pytest.fixture
def name_node() -> NameNode:
    made = NameNode()
    for path in ("weather", "weather/raw"):
        made.add(path)
    return made


@pytest.fixture
def tree(name_node: NameNode) -> Iterator[HdfsTree]:
    hdfs = WebHdfs(
        "https://name-node:9871", user="hops", root=("Projects",), transport=httpx.MockTransport(name_node.answer)
    )
    yield HdfsTree(hdfs)
    hdfs.close()


def rights(writers: list[str], readers: list[str] | None = None, *, of: str = "raw") -> DatasetRights:
    return DatasetRights(dataset=of, writers=writers, readers=readers or [])


def test_whoever_is_removed_leaves_where_too_many_stay(tree: HdfsTree, name_node: NameNode) -> None:
    many = [f"weather__u{number}" for number in range(MOST_NAMED - 1)]
    tree.rights.settle(tree, RAW, rights(["weather__eve", *many]))
    assert "weather__eve" in name_node.users("weather/raw")
    later = [f"weather__v{number}" for number in range(5)]
    with pytest.raises(EngineRefusedError, match="More than"):
        tree.rights.settle(tree, RAW, rights([*many, *later]))
    assert name_node.users("weather/raw") == dict.fromkeys(many, "rwx")


def test_a_reader_leaves_too_and_nobody_comes_in_as_more_than_before(tree: HdfsTree, name_node: NameNode) -> None:
    tree.rights.settle(tree, RAW, rights(["weather__ada", "sea__dan"], ["tides__eve", "tides__kim"]))
    many = [f"weather__u{number}" for number in range(MOST_NAMED)]
    with pytest.raises(EngineRefusedError, match="More than"):
        tree.rights.settle(tree, RAW, rights(["weather__ada", "tides__kim", *many], ["sea__dan"]))
    assert name_node.users("weather/raw") == {"weather__ada": "rwx"}


def test_who_may_only_read_owns_nothing_that_they_wrote_before(tree: HdfsTree, name_node: NameNode) -> None:
    tree.rights.settle(tree, RAW, rights(["weather__ada", "tides__eve"]))
    name_node.add("weather/raw/eves", owner="tides__eve")
    name_node.add("weather/raw/eves/file", owner="tides__eve", file=True)
    name_node.add("weather/raw/adas", owner="weather__ada")
    tree.rights.settle(tree, RAW, rights(["weather__ada"], ["tides__eve"]))
    owners = {path: name_node.owners[f"weather/raw/{path}"] for path in ("eves", "eves/file", "adas")}
    assert owners == {"eves": "hops", "eves/file": "hops", "adas": "weather__ada"}
    assert name_node.users("weather/raw/eves") == {"tides__eve": "r-x"}
    assert name_node.users("weather/raw/eves/file") == {"tides__eve": "r--"}


def test_folders_in_one_another_keep_nobody_from_being_shut_out(
    tree: HdfsTree, name_node: NameNode, tmp_path: Path
) -> None:
    storage = StoredStorage(tree, LocalStorage(Home(tmp_path)), {"Jupyter"})
    name_node.add("weather/secret")
    storage.settle_rights("weather", [rights(["weather__ada", "weather__eve"]), rights(["weather__eve"], of="secret")])
    deep = "weather/raw"
    for _ in range(1200):
        deep += "/a"
        name_node.add(deep, owner="weather__eve")
    storage.settle_rights("weather", [rights(["weather__ada"], ["tides__kim"]), rights(["weather__ada"], of="secret")])
    assert name_node.users(deep) == {"tides__kim": "r-x"}
    assert name_node.users("weather/secret") == {"weather__ada": "rwx"}


def test_nobody_stays_while_others_are_named(tree: HdfsTree, name_node: NameNode, tmp_path: Path) -> None:
    storage = StoredStorage(tree, LocalStorage(Home(tmp_path)), {"Jupyter"})
    name_node.add("weather/secret")
    name_node.add("weather/raw/a", file=True)
    storage.settle_rights("weather", [rights(["weather__eve"]), rights(["weather__eve"], of="secret")])
    seen: list[dict[str, str]] = []
    name_node.at_list = lambda path: seen.append(name_node.users("weather/secret")) if path == "weather/raw/a" else None
    storage.settle_rights("weather", [rights(["weather__ada"], ["tides__kim"]), rights([], of="secret")])
    assert seen == [{}]


def test_a_reader_who_comes_while_something_is_made_is_named_on_it(tree: HdfsTree, name_node: NameNode) -> None:
    tree.rights.settle(tree, RAW, rights(["weather__ada"]))
    with tree.draft((*RAW, "made")) as draft:
        tree.make_folder(draft.path)
        tree.rights.settle(tree, RAW, rights(["weather__ada"], ["tides__eve"]))
        draft.appear()
    assert name_node.users("weather/raw/made") == {"tides__eve": "r-x"}


def test_who_is_removed_while_others_are_named_does_not_wait_and_stays_out(
    tree: HdfsTree, name_node: NameNode, tmp_path: Path
) -> None:
    storage = StoredStorage(tree, LocalStorage(Home(tmp_path)), {"Jupyter"})
    name_node.add("weather/raw/a", file=True)
    storage.settle_rights("weather", [rights(["weather__ada", "weather__eve"])])
    now = [rights(["weather__ada", "weather__eve"], ["tides__kim", "tides__mallory"])]
    seen: list[dict[str, str]] = []

    def meanwhile(path: str) -> None:
        if path == "weather/raw/a" and not seen:
            now[:] = [rights(["weather__ada"], ["tides__kim"])]
            storage.let_out("weather", now)
            seen.append(name_node.users("weather/raw"))

    name_node.at_list = meanwhile
    storage.settle_rights("weather", list(now), again=lambda: now)
    assert seen == [{"weather__ada": "rwx"}]
    assert name_node.users("weather/raw") == {"weather__ada": "rwx", "tides__kim": "r-x"}


def test_a_dataset_that_comes_back_is_open_to_nobody_until_its_rights_are_settled(
    tree: HdfsTree, name_node: NameNode
) -> None:
    tree.rights.settle(tree, RAW, rights(["weather__ada"], ["tides__eve"]))
    item = new_id()
    folder = "/".join(trash_of("weather", item))
    name_node.add(folder)
    name_node.RENAME("weather/raw", {"destination": f"/Projects/{folder}/item"})
    seen: list[list[str]] = []

    def look(path: str) -> None:
        if path == "weather/raw":
            seen.append(name_node.lists[path])

    name_node.at_list = look
    StoredTrash(tree).take("weather", item, RAW, RAW)
    for entries in (*seen, name_node.lists["weather/raw"]):
        assert "other::---" in entries
    assert name_node.users("weather/raw") == {}


@pytest.mark.parametrize("way", ["move", "restore"])
def test_who_only_reads_is_named_on_what_is_moved_in_before_it_is_there(
    tree: HdfsTree, name_node: NameNode, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    item = new_id()
    come_from = ("weather", "raw", "item") if way == "move" else (*trash_of("weather", item), "item")
    start = "/".join(come_from)
    for path in ("weather/open", start.rpartition("/")[0], start, f"{start}/folder"):
        name_node.add(path)
    name_node.add(f"{start}/folder/file", file=True)
    tree.rights.settle(tree, RAW, rights(["weather__ada"], ["sea__dan"]))
    tree.rights.settle(tree, ("weather", "open"), rights(["weather__ada"], ["tides__eve"], of="open"))
    real, moved = name_node.RENAME, []

    def rename(path: str, params: Any) -> None:
        moved.append([set(name_node.users(f"{start}{below}")) for below in ("", "/folder", "/folder/file")])
        real(path, params)

    monkeypatch.setattr(name_node, "RENAME", rename)
    if way == "move":
        StoredFiles(tree).move(Place("weather", "raw", ("item",)), Place("weather", "open", ("item",)))
        assert moved == [[{"sea__dan", "tides__eve"}] * 3], "who reads where it was only reads it still"
    else:
        StoredTrash(tree).take("weather", item, ("weather", "open", "item"), ("weather", "open"))
        assert moved == [[{"tides__eve"}] * 3]
    assert name_node.users("weather/open/item/folder") == {"tides__eve": "r-x"}
    assert name_node.users("weather/open/item/folder/file") == {"tides__eve": "r--"}


def test_who_comes_to_read_while_something_is_moved_in_is_named_on_it(
    tree: HdfsTree, name_node: NameNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in ("weather/open", "weather/raw/item"):
        name_node.add(path)
    real = name_node.RENAME

    def rename(path: str, params: Any) -> None:
        tree.rights.settle(tree, ("weather", "open"), rights(["weather__ada"], ["tides__eve"], of="open"))
        real(path, params)

    monkeypatch.setattr(name_node, "RENAME", rename)
    StoredFiles(tree).move(Place("weather", "raw", ("item",)), Place("weather", "open", ("item",)))
    assert name_node.users("weather/open/item") == {"tides__eve": "r-x"}
