"""Lab's file browser where datasets lie in a bucket: a real Jupyter server and control plane, the bucket in memory."""

from __future__ import annotations

import base64
import json
import threading
import time

import psutil
import pytest
import uvicorn
from jupyterlab_hops.stored_contents import MORE
from jupyterlab_hops.stored_files import MOST_BYTES, MOST_ENTRIES

from hops_contract.principal import ProjectRole
from hops_platform.adapters.storage import s3_bucket
from hops_platform.testing.factories import make_platform
from hops_platform.users.service import create_user
from tests.bucket_in_memory import BucketInMemory

from .conftest import make_token

WORD = "correct horse battery"
ON_MACHINE = ["Experiments", "Jupyter", "Logs", "Models", "Resources"]
BELOW = "site/Projects/weather/raw/"
OF_TIDES = "site/Projects/tides/levels/"
NOTEBOOK = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
PICTURE = b"\x89PNG\r\n\x1a\n\xff"


class Site:
    """A control plane that serves, and its bucket."""

    def __init__(self, home, bucket):
        key = home / "key.json"
        key.write_text('{"access_key": "a", "secret_key": "s"}')
        key.chmod(0o600)
        settings = {"storage": "s3://lake/site", "s3_endpoint": "http://127.0.0.1:1", "s3_credentials": key}
        self.bucket = bucket
        self.platform = make_platform(home / "home", on_disk=True, settings=settings)
        self._server = None
        self.begin()

    def begin(self, port=0):
        config = uvicorn.Config(self.platform.app, host="127.0.0.1", port=port, lifespan="off", log_level="error")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        ends = time.monotonic() + 60
        while not self._server.started and time.monotonic() < ends:
            time.sleep(0.02)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/services/hops/"

    def end(self):
        self._server.should_exit = True
        self._thread.join(30)

    def fill(self):
        """The bucket as each test finds it."""
        files = {
            "": b"", "2026/": b"", "2026/may.csv": b"day,rain", "code.py": b"print(1)\n", "run.log": b"ran",
            "nb.ipynb": json.dumps(NOTEBOOK).encode(), "dot.png": PICTURE, ".hidden.py": b"x",
            "big.csv": b"x" * (MOST_BYTES + 1),
        }  # fmt: skip
        self.bucket.objects.clear()
        self.bucket.objects |= {f"{BELOW}{name}": content for name, content in files.items()}
        self.bucket.objects |= {OF_TIDES: b"", f"{OF_TIDES}a.py": b"2", f"{OF_TIDES}a.csv": b"tide"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Ada owns weather with ``raw``; Bob is a Data Scientist there; tides shares ``levels`` for reading."""
    with pytest.MonkeyPatch.context() as patch:
        bucket = BucketInMemory()
        patch.setattr(s3_bucket, "Bucket", lambda *_, **__: bucket)
        found = Site(tmp_path_factory.mktemp("site"), bucket)
    parts = found.platform.parts
    with parts.database.session() as session:
        for name in ("ada", "bob", "grace"):
            create_user(session, name=name, title=name, password=WORD, admin=False, must_change_password=False)
    import httpx  # noqa: PLC0415 - beside what it asks

    def person(name):
        token = parts.signer.sign_user(name, admin=False).token
        return httpx.Client(base_url=f"{found.url}api/v1/", headers={"Authorization": f"Bearer {token}"}, timeout=60)

    with person("ada") as ada, person("grace") as grace:
        for client, project, dataset in ((ada, "weather", "raw"), (grace, "tides", "levels")):
            body = {"name": project, "title": project, "template": "empty"}
            client.post("projects", json=body).raise_for_status()
            found.platform.workers.deliver_due()
            client.post(f"projects/{project}/datasets", json={"name": dataset}).raise_for_status()
        ada.post("projects/weather/members", json={"user": "bob", "role": "data_scientist"}).raise_for_status()
        ada.patch("projects/weather", json={"listed": True}, headers={"If-Match": "*"}).raise_for_status()
        share = {"project": "weather", "mode": "read"}
        grace.post("projects/tides/datasets/levels/shares", json=share).raise_for_status()
        ada.post("projects/weather/shares/tides/levels:accept").raise_for_status()
    found.platform.workers.deliver_due()
    yield found
    found.end()
    parts.database.close()


@pytest.fixture(autouse=True)
def _filled(site):
    site.fill()


def started(site, start_server, make_folder, user, role):
    token = site.platform.parts.signer.sign_project_user(user, project="weather", role=role).token
    assert make_token(0, 1) != token
    config = {"user": user, "role": role.value, "on_machine": ON_MACHINE, "control_plane_url": site.url}
    server = start_server(make_folder(token=token, **config))
    (server.root / "Jupyter").symlink_to(site.platform.parts.settings.layout.project("weather") / "Jupyter")
    (server.root / "Jupyter" / "here.py").write_text("1")
    (server.root / "stray").mkdir()
    return server


@pytest.fixture(scope="module")
def owner(site, start_server, make_folder):
    return started(site, start_server, make_folder, "ada", ProjectRole.DATA_OWNER)


@pytest.fixture(scope="module")
def scientist(site, start_server, make_folder):
    return started(site, start_server, make_folder, "bob", ProjectRole.DATA_SCIENTIST)


def call(server, method, path, body=None, **query):
    return server.client.request(method, f"/api/contents/{path}", json=body, params=query)


def names(answer):
    assert answer.status_code == 200, answer.text
    return sorted(one["name"] for one in answer.json()["content"])


def told(answer):
    kind = answer.headers.get("content-type", "")
    return answer.json()["message"] if kind.startswith("application/json") else answer.text


def test_datasets_on_the_storage_stand_beside_those_on_the_disk(owner):
    shown = names(call(owner, "GET", ""))
    assert {"Jupyter", "raw", "Shared"} <= set(shown)
    assert "stray" not in shown
    assert names(call(owner, "GET", "Shared")) == ["tides"]
    assert names(call(owner, "GET", "Shared/tides")) == ["levels"]
    assert names(call(owner, "GET", "Shared/tides/levels")) == ["a.csv", "a.py"]
    folder = call(owner, "GET", "raw").json()
    assert [one["name"] for one in folder["content"]].count("2026") == 1
    assert ".hidden.py" not in names(call(owner, "GET", "raw"))
    assert not call(owner, "GET", "Shared/tides/levels/a.py").json()["writable"]
    assert call(owner, "GET", "Shared/moon").status_code == 404
    assert call(owner, "GET", "Shared/tides", content=0).json()["content"] is None
    assert owner.client.get("/files/raw/code.py").status_code == 404


def test_files_are_opened_as_what_they_are_and_tell_when_they_changed(owner):
    assert call(owner, "GET", "raw/code.py").json()["content"] == "print(1)\n"
    assert call(owner, "GET", "raw/nb.ipynb").json()["type"] == "notebook"
    picture = call(owner, "GET", "raw/dot.png", format="base64").json()
    assert base64.b64decode(picture["content"]) == PICTURE
    assert call(owner, "GET", "raw/2026/may.csv").json()["content"] == "day,rain"
    first = call(owner, "GET", "raw/code.py", content=0, hash=1).json()
    assert first["hash"] == call(owner, "GET", "raw/code.py", hash=1).json()["hash"]
    saved = call(owner, "PUT", "raw/code.py", {"type": "file", "format": "text", "content": "print(22)\n"}).json()
    again = call(owner, "GET", "raw/code.py", content=0, hash=1).json()
    assert again["hash"] != first["hash"]
    assert again["last_modified"] == saved["last_modified"]


def test_a_large_file_is_refused_with_a_sentence(owner):
    answer = call(owner, "GET", "raw/big.csv")
    assert (answer.status_code, "dataset's page" in told(answer)) == (413, True)
    large = {"type": "file", "format": "text", "content": "x" * (MOST_BYTES + 1)}
    assert call(owner, "PUT", "raw/new.py", large).status_code == 413
    piece = {"type": "file", "format": "text", "content": "x", "chunk": 1}
    assert call(owner, "PUT", "raw/new.csv", piece).status_code == 413


def test_notebooks_and_programs_are_made_saved_renamed_copied_and_deleted(site, owner):
    made = call(owner, "POST", "raw/2026", {"type": "notebook"}).json()
    assert made["path"] == "raw/2026/Untitled.ipynb"
    assert call(owner, "POST", "raw/2026/Untitled.ipynb/checkpoints").status_code == 201
    assert call(owner, "GET", "raw/2026/Untitled.ipynb/checkpoints").json() == []
    assert call(owner, "POST", "raw/2026/Untitled.ipynb/checkpoints/none").status_code == 409
    renamed = call(owner, "PATCH", "raw/2026/Untitled.ipynb", {"path": "raw/first.ipynb"})
    assert (renamed.status_code, renamed.json()["path"]) == (200, "raw/first.ipynb")
    copied = call(owner, "POST", "raw", {"copy_from": "raw/first.ipynb"})
    assert copied.json()["path"] == "raw/first-Copy1.ipynb", copied.text
    # From the machine's disk, and to it.
    copied = call(owner, "POST", "Jupyter", {"copy_from": "raw/code.py"})
    assert copied.status_code == 201, copied.text
    folder = site.platform.parts.settings.layout.project("weather")
    assert (folder / "Jupyter" / "code.py").read_text() == "print(1)\n"
    assert call(owner, "POST", "raw/2026", {"type": "directory"}).json()["path"] == "raw/2026/Untitled Folder"
    assert call(owner, "DELETE", "raw/first.ipynb").status_code == 204
    assert call(owner, "DELETE", "raw/2026").status_code == 204  # with what is in it: it is in the trash
    assert call(owner, "GET", "raw/first.ipynb").status_code == 404
    assert [key for key in site.bucket.objects if "/.hops/trash/" in key and key.endswith("may.csv")]
    assert not (owner.root / "raw").exists()


def test_nothing_is_moved_from_one_place_to_the_other_in_one_step(owner):
    answer = call(owner, "PATCH", "raw/code.py", {"path": "Jupyter/code.py"})
    assert (answer.status_code, "Copy it" in told(answer)) == (409, True)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "raw", {"path": "rawer"}),
        ("PATCH", "raw/code.py", {"path": "code.py"}),
        ("DELETE", "raw", None),
        ("PUT", "mine", {"type": "directory"}),
        ("DELETE", "Shared/tides/levels", None),
        ("DELETE", "Shared/tides/levels/a.py", None),
        ("PUT", "Shared/tides/levels/a.py", {"type": "file", "format": "text", "content": "evil"}),
        ("PUT", "Shared/tides/levels/a.csv", {"type": "file", "format": "text", "content": "evil"}),
        ("PATCH", "Shared/tides/levels/a.py", {"path": "raw/a.py"}),
        ("POST", "raw", {"copy_from": "Shared/tides/levels/a.csv"}),
        ("GET", "Shared/tides/levels/a.csv", None),
    ],
)
def test_what_nobody_may_do_is_refused_with_a_sentence(site, owner, method, path, body):
    before = dict(site.bucket.objects)
    answer = call(owner, method, path, body)
    assert answer.status_code == 403, answer.text
    assert len(told(answer)) > 40
    assert site.bucket.objects == before


def test_a_read_only_share_says_so(owner):
    body = {"type": "file", "format": "text", "content": "x"}
    assert "for reading only" in told(call(owner, "PUT", "Shared/tides/levels/a.py", body))


@pytest.mark.parametrize(
    "address",
    [
        "api/contents/raw/2026/may.csv",
        "api/contents/raw/2026/may.csv?format=base64",
        "api/contents/raw/code.py?format=base64",
        "api/contents/raw/dot.png?format=base64",
        "api/contents/raw//2026///may.csv",
        "api/contents/Shared/tides/levels/a.csv",
        "api/contents/raw/may.csv?type=notebook",
        "api/contents/raw/big.csv",
        "api/contents/raw/2026/%2e%2e/2026/may.csv",
        "api/contents/Jupyter/%2e%2e/raw/2026/may.csv",
        "api/contents/raw/../../tides/levels/a.csv",
        "files/raw/2026/may.csv",
        "files/raw/code.py?download=1",
        "nbconvert/html/raw/nb.ipynb?download=true",
        "nbconvert/script/raw/nb.ipynb",
        "view/raw/2026/may.csv",
    ],
)
def test_a_data_scientist_is_handed_no_data(scientist, address):
    answer = scientist.client.get(f"/{address}")
    assert answer.status_code in {403, 404}, answer.text
    for content in (b"day,rain", b"tide", base64.b64encode(b"day,rain"), base64.b64encode(PICTURE)):
        assert content not in answer.content


def test_a_data_scientist_works_with_programs_and_brings_in_no_data(site, scientist):
    assert {"2026", "code.py"} <= set(names(call(scientist, "GET", "raw")))
    for path in ("raw/code.py", "raw/nb.ipynb", "raw/run.log", "Shared/tides/levels/a.py"):
        assert call(scientist, "GET", path).status_code == 200, path
    text = {"type": "file", "format": "text", "content": "x"}
    assert call(scientist, "PUT", "raw/mine.py", text).status_code in {200, 201}
    assert call(scientist, "PUT", "raw/mine.csv", text).status_code == 403
    assert call(scientist, "PATCH", "raw/2026/may.csv", {"path": "raw/2026/may.txt"}).status_code == 403
    assert call(scientist, "POST", "raw/may.txt", {"copy_from": "raw/2026/may.csv"}).status_code == 403
    assert call(scientist, "PATCH", "raw/2026", {"path": "raw/2026.txt"}).status_code == 200  # a folder
    assert f"{BELOW}mine.csv" not in site.bucket.objects


def test_a_folder_says_that_there_is_more(site, owner):
    site.bucket.objects |= {f"{BELOW}2026/{number:05}.py": b"" for number in range(MOST_ENTRIES + 5)}
    shown = names(call(owner, "GET", "raw/2026"))
    assert (len(shown), MORE in shown) == (MOST_ENTRIES + 1, True)
    answer = call(owner, "GET", f"raw/2026/{MORE}")
    assert (answer.status_code, "page by page" in told(answer)) == (409, True)


def test_a_kernel_of_a_notebook_on_the_storage_starts_in_the_start_folder(site, owner):
    body = {"path": "raw/nb.ipynb", "name": "nb.ipynb", "type": "notebook", "kernel": {"name": "python3"}}
    session = owner.client.post("/api/sessions", json=body)
    assert session.status_code == 201, session.text
    kernel = session.json()["kernel"]["id"]
    (process,) = (one for one in psutil.Process(owner.process.pid).children() if kernel in " ".join(one.cmdline()))
    assert process.cwd() == str(site.platform.parts.settings.layout.project("weather") / "Jupyter")
    # As of one that lies here, so that two of the same name are two.
    assert process.environ()["JPY_SESSION_NAME"] == str(owner.root / "raw" / "nb.ipynb")
    assert owner.client.delete(f"/api/kernels/{kernel}").status_code == 204


def test_datasets_are_described_for_the_panel(owner):
    items = {one["name"]: one["stored"] for one in owner.client.get("/hops/datasets").json()["items"]}
    assert (items["raw"], items["Jupyter"], items["Shared/tides/levels"]) == (True, False, True)
    described = owner.client.get("/hops/datasets/raw").json()
    assert (described["size"], described["readme"]) == (None, None)
    assert call(owner, "PUT", "raw/README.md", {"type": "file", "format": "text", "content": "hi"}).is_success
    assert owner.client.get("/hops/datasets/raw").json()["readme"] == "raw/README.md"


def test_a_control_plane_that_is_away_is_told_in_a_sentence_and_what_is_here_works(site, owner):
    port = site.port
    site.end()
    try:
        assert "Jupyter" in names(call(owner, "GET", ""))
        assert call(owner, "GET", "Jupyter/here.py").json()["content"] == "1"
        for method, path in (("GET", "raw"), ("GET", "raw/code.py"), ("DELETE", "raw/code.py")):
            answer = call(owner, method, path)
            assert (answer.status_code, "does not answer" in told(answer)) == (503, True), answer.text
    finally:
        site.begin(port)
