"""A whole control plane whose datasets lie on a real HDFS: REST, the library in a session, and rights that follow."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from anyio.from_thread import start_blocking_portal
from hops import dataset

from hops_platform.adapters.templates.sent import SentTemplates
from hops_platform.testing.factories import make_platform
from tests.integration.platform.conftest import PlatformUnderTest, TestClient, cheap_passwords  # noqa: F401 - a fixture
from tests.listening import listening

pytestmark = pytest.mark.spark


class Site:
    """A control plane, and its HDFS past it."""

    def __init__(self, hops: PlatformUnderTest, cluster: Any, root: str) -> None:
        self.hops, self.cluster, self.root = hops, cluster, root

    def may_read(self, user: str, path: str) -> bool:
        answer = self.cluster.ask("GET", f"{self.root}/Projects/{path}", "OPEN", user=user, noredirect="true")
        return bool(answer.ok)

    def may_write(self, user: str, path: str) -> bool:
        path = f"{self.root}/Projects/{path}/{uuid4().hex}"
        told = {"permission": "755", "unmaskedpermission": "777"}
        return bool(self.cluster.ask("PUT", path, "MKDIRS", user=user, **told).ok)


@pytest.fixture
def site(hdfs_cluster: Any, tmp_path: Path) -> Iterator[Site]:
    root = f"/{uuid4().hex}"
    settings = {
        "storage": f"hdfs://127.0.0.1:{hdfs_cluster.rpc}{root}",
        "webhdfs_address": f"127.0.0.1:{hdfs_cluster.http}",
        "hdfs_user": "hdfs",
    }
    with start_blocking_portal() as portal:
        platform = make_platform(tmp_path / "home", on_disk=True, settings=settings)
        yield Site(PlatformUnderTest(platform, portal), hdfs_cluster, root)
    platform.parts.engines.storage.close()
    platform.parts.database.close()


@pytest.fixture
def ada(site: Site) -> TestClient:
    """Data Owner of weather."""
    ada = site.hops.user("ada")
    site.hops.ready_project(ada, template="empty")
    return ada


@pytest.fixture
def in_session(site: Site, ada: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a notebook of Ada's would have."""
    with listening(site.hops.platform.app) as port:
        token = tmp_path / "token"
        token.write_text(site.hops.platform.parts.signer.sign_user("ada", admin=False).token)
        monkeypatch.setenv("HOPS_CONTROL_PLANE_URL", f"http://127.0.0.1:{port}/services/hops")
        monkeypatch.setenv("HOPS_TOKEN_FILE", str(token))
        monkeypatch.setenv("HOPS_PROJECT", "weather")
        monkeypatch.setenv("HOPS_PROJECT_PATH", f"hdfs://127.0.0.1:{site.cluster.rpc}{site.root}/Projects/weather")
        monkeypatch.setattr(time, "sleep", lambda _s: None)
        yield


def uploaded(client: TestClient, where: str, path: str, data: bytes) -> None:
    begun = client.post(f"projects/weather/datasets/{where}/uploads", json={"path": path, "size": len(data)})
    assert begun.status_code == 201, begun.text
    upload = begun.json()["id"]
    sent = client.put(f"projects/weather/uploads/{upload}/content?offset=0", content=data)
    assert sent.is_success, sent.text
    assert client.post(f"projects/weather/uploads/{upload}:finish").is_success


@pytest.mark.usefixtures("in_session")
def test_the_library_of_notebooks_works_as_on_a_disk(site: Site, tmp_path: Path) -> None:
    (tmp_path / "from" / "below").mkdir(parents=True)
    (tmp_path / "from" / "a b.csv").write_text("day,rain\n1,2\n")
    (tmp_path / "from" / "below" / "c.csv").write_text("")
    dataset.upload(tmp_path / "from", "Resources/to")
    assert [entry.name for entry in dataset.ls("Resources/to")] == ["a b.csv", "below"]
    dataset.mkdir("Models/new")
    dataset.copy("Resources/to", "Models/new/copy")
    dataset.move("Models/new/copy/a b.csv", "Models/new/a.csv")
    item = dataset.delete("Models/new")
    assert [one["path"] for one in dataset.trash()] == ["new"]
    assert dataset.restore(item, "Logs/again") == "Logs/again"
    assert dataset.download("Logs/again/a.csv", tmp_path) == str(tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "day,rain\n1,2\n"
    assert dataset.path("raw").startswith("hdfs://")
    assert dataset.path("Shared/tides/raw/x").endswith(f"{site.root}/Projects/tides/raw/x")
    # The session's own user has the same file at hand.
    site.hops.deliver()
    assert site.may_read("weather__ada", "weather/Logs/again/a.csv")


def test_rest_serves_what_lies_on_hdfs_and_what_lies_here(site: Site, ada: TestClient) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("in/a.csv", "day,rain\n1,2\n")
    uploaded(ada, "Resources", "a.zip", made.getvalue())
    uploaded(ada, "Jupyter", "a.txt", b"here")
    files = "projects/weather/datasets/Resources"
    assert ada.post(f"{files}/files:unpack", json={"path": "a.zip", "to": "out"}).is_success
    assert ada.get(f"{files}/content", params={"path": "out/in/a.csv"}).content == b"day,rain\n1,2\n"
    part = ada.get(f"{files}/content", params={"path": "out/in/a.csv"}, headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"rain")
    shown = ada.get(f"{files}/preview", params={"path": "out/in/a.csv"})
    assert shown.is_success, shown.text
    assert "rain" in shown.text
    assert (site.hops.platform.parts.settings.layout.project("weather") / "Jupyter" / "a.txt").read_bytes() == b"here"
    assert not (site.hops.platform.parts.settings.layout.project("weather") / "Resources").exists()
    moved = ada.post(
        "projects/weather/datasets/Jupyter/files:move",
        json={"path": "a.txt", "to": "a.txt", "to_dataset": "Resources"},
    )
    assert (moved.status_code, "different places" in moved.json()["detail"]) == (409, True)
    for where, path in (("Jupyter", "a.txt"), ("Resources", "out")):
        assert ada.post(f"projects/weather/datasets/{where}/files:trash", json={"path": path}).is_success
    trash = ada.get("projects/weather/trash", params={"limit": 1}).json()
    assert [one["path"] for one in trash["items"]] == ["out"]
    rest = ada.get("projects/weather/trash", params={"limit": 1, "after": trash["next"]}).json()
    assert [one["path"] for one in rest["items"]] == ["a.txt"]
    for one in (*trash["items"], *rest["items"]):
        assert ada.post(f"projects/weather/trash/{one['id']}:restore", json={}).is_success


def test_an_hdfs_that_is_away_is_told_by_rest_and_the_rest_works(
    site: Site, ada: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = site.hops.platform.parts.engines.storage._tree
    monkeypatch.setattr(tree._hdfs._client, "base_url", "http://127.0.0.1:9/webhdfs/v1/")
    answer = ada.get("projects/weather/datasets/Resources/files")
    assert answer.status_code == 503
    assert "storage" in answer.json()["detail"]
    assert "127.0.0.1" not in answer.text
    assert ada.get("projects/weather/datasets/Jupyter/files").status_code == 200


def test_rights_follow_members_and_shares(site: Site, ada: TestClient) -> None:
    hops = site.hops
    bob = hops.user("bob")
    hops.create_user("eve")
    hops.ready_project(bob, "tides", template="empty")
    bob.patch("projects/tides", json={"listed": True}, headers={"If-Match": "*"}).raise_for_status()
    assert ada.post("projects/weather/datasets", json={"name": "raw"}).status_code == 201
    hops.deliver()
    uploaded(ada, "raw", "a", b"a")
    assert site.may_write("weather__ada", "weather/raw")
    assert not site.may_read("weather__eve", "weather/raw/a")
    assert ada.post("projects/weather/members", json={"user": "eve", "role": "data_scientist"}).status_code == 201
    hops.deliver()
    assert site.may_write("weather__eve", "weather/raw")
    # Another project's: to read, to write, and no more.
    share = {"project": "tides", "mode": "read"}
    assert ada.post("projects/weather/datasets/raw/shares", json=share).status_code == 201
    hops.deliver()
    assert not site.may_read("tides__bob", "weather/raw/a")
    assert bob.post("projects/tides/shares/weather/raw:accept").is_success
    hops.deliver()
    assert site.may_read("tides__bob", "weather/raw/a")
    assert not site.may_write("tides__bob", "weather/raw")
    assert bob.post("projects/tides/members", json={"user": "eve", "role": "data_owner"}).status_code == 201
    hops.deliver()
    assert site.may_read("tides__eve", "weather/raw/a")
    (share,) = ada.get("projects/weather/datasets/raw/shares").json()["items"]
    edited = ada.patch(
        "projects/weather/datasets/raw/shares/tides",
        json={"mode": "write"},
        headers={"If-Match": f'"{share["version"]}"'},
    )
    assert edited.is_success, edited.text
    hops.deliver()
    assert site.may_write("tides__bob", "weather/raw")
    assert ada.delete("projects/weather/datasets/raw/shares/tides").is_success
    assert ada.delete("projects/weather/members/eve").is_success
    hops.deliver()
    for user in ("tides__bob", "tides__eve", "weather__eve"):
        assert not site.may_read(user, "weather/raw/a")
    assert site.may_read("weather__ada", "weather/raw/a")
    # A deleted project lets nobody in, and a restored one its members.
    assert ada.request("DELETE", "projects/weather", json={"name": "weather"}).is_success
    hops.deliver()
    assert not site.may_read("weather__ada", "weather/raw/a")
    assert ada.post("deleted-projects/weather:restore").is_success
    hops.deliver()
    assert site.may_read("weather__ada", "weather/raw/a")


def test_the_welcome_template_lies_where_its_notebook_reads_it(site: Site, ada: TestClient) -> None:
    parts = site.hops.platform.parts
    home = parts.settings.layout
    templates = SentTemplates(home, parts.engines.uploads)
    fills: list[tuple[Path, str]] = []

    def fill(folder: Path, _base: Path, project: str, _title: str) -> None:
        fills.append((folder, project))
        for name in ("Jupyter/Welcome.ipynb", "Resources/README.md"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text("mine")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hops_platform.adapters.templates.sent.fill", fill)
        uploaded(ada, "Resources", "README.md", b"ours")
        for _ in range(2):
            templates.fill("weather", title="Weather")
    assert (home.project("weather") / "Jupyter" / "Welcome.ipynb").read_text() == "mine"
    read = ada.get("projects/weather/datasets/Resources/content", params={"path": "README.md"})
    assert read.content == b"ours"
    assert not fills[0][0].exists()
