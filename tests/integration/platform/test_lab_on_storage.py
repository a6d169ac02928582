"""What a notebook server opens and saves where datasets lie in a bucket; the bucket is in memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from hops_contract.principal import ProjectRole
from hops_platform.adapters.storage import s3_bucket
from hops_platform.files.opening import MOST_OPENED_BYTES
from tests.bucket_in_memory import BucketInMemory

from .conftest import ON_SQLITE, PlatformUnderTest
from .test_datasets import Sending

OWNER, SCIENTIST = ProjectRole.DATA_OWNER, ProjectRole.DATA_SCIENTIST
RAW = "projects/weather/datasets/raw"
NOTEBOOK = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()
BELOW = "site/Projects/weather/raw/"
pytestmark = ON_SQLITE


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> BucketInMemory:
    kept = BucketInMemory()
    monkeypatch.setattr(s3_bucket, "Bucket", lambda *_, **__: kept)
    return kept


@pytest.fixture
def hops(make: Callable[..., PlatformUnderTest], bucket: BucketInMemory, tmp_path: Any) -> PlatformUnderTest:
    """Ada's project with the dataset ``raw`` in the bucket; Bob is a Data Scientist there."""
    key = tmp_path / "key.json"
    key.write_text('{"access_key": "a", "secret_key": "s"}')
    key.chmod(0o600)
    found = make(storage="s3://lake/site", s3_endpoint="http://127.0.0.1:1", s3_credentials=key)
    ada = found.user("ada")
    found.ready_project(ada, template="empty")
    ada.post("projects/weather/datasets", json={"name": "raw"}).raise_for_status()
    found.create_user("bob")
    ada.post("projects/weather/members", json={"user": "bob", "role": "data_scientist"}).raise_for_status()
    found.deliver()
    files = {"": b"", "may.csv": b"day,rain", "code.py": b"1", "a.log": b"ran"}
    bucket.objects.update({f"{BELOW}{name}": content for name, content in files.items()})
    return found


def opened(client: Any, path: str, dataset: str = RAW) -> Any:
    return client.get(f"{dataset}/content:open", params={"path": path})


def saved(client: Any, path: str, content: bytes, dataset: str = RAW) -> Any:
    return client.post(f"{dataset}/content:save", params={"path": path}, content=content)


def test_a_server_opens_and_saves_what_its_person_may(hops: PlatformUnderTest, bucket: BucketInMemory) -> None:
    ada, bob = (hops.notebook_server(name, "weather", role) for name, role in (("ada", OWNER), ("bob", SCIENTIST)))
    assert opened(ada, "may.csv").content == b"day,rain"
    for path, content in (("code.py", b"1"), ("a.log", b"ran")):
        answer = opened(bob, path)
        assert (answer.content, answer.headers["content-type"]) == (content, "application/octet-stream")
    for path in ("may.csv", "../raw/may.csv", "code.py/../may.csv", "no.py"):
        assert opened(bob, path).status_code in {403, 404, 422}, path
    assert "no data" in opened(bob, "may.csv").json()["detail"]

    entry = saved(bob, "new.ipynb", NOTEBOOK)
    assert (entry.status_code, entry.json()["size"]) == (200, len(NOTEBOOK)), entry.text
    assert saved(bob, "new.ipynb", NOTEBOOK + b"\n").is_success
    assert bucket.objects[f"{BELOW}new.ipynb"] == NOTEBOOK + b"\n"
    assert saved(bob, "may.csv", b"x").status_code == 403
    assert saved(ada, "may.csv", b"x").is_success
    assert bucket.objects[f"{BELOW}may.csv"] == b"x"
    # A folder that was moved away is not made anew by a save, and none is replaced by a file.
    assert saved(ada, "gone/new.py", b"x").status_code == 404
    ada.post(f"{RAW}/folders", json={"path": "dir.py"}).raise_for_status()
    assert saved(ada, "dir.py", b"x").status_code == 409
    assert not [key for key in bucket.objects if "gone" in key]


def test_what_is_large_is_neither_opened_nor_saved(hops: PlatformUnderTest, bucket: BucketInMemory) -> None:
    large = b"x" * (MOST_OPENED_BYTES + 1)
    bucket.objects |= {f"{BELOW}{name}": large for name in ("large.csv", "large.py", "large.log")}
    ada, bob = (hops.notebook_server(name, "weather", role) for name, role in (("ada", OWNER), ("bob", SCIENTIST)))
    for client, path, status in ((ada, "large.csv", 413), (bob, "large.py", 413), (bob, "large.log", 403)):
        answer = opened(client, path)
        assert (answer.status_code, "page" in answer.json()["remedy"]) == (status, True), answer.text
    assert saved(ada, "other.py", large).status_code == 413
    assert f"{BELOW}other.py" not in bucket.objects


def test_a_token_that_was_found_opens_and_saves_nothing_from_elsewhere(hops: PlatformUnderTest) -> None:
    by_site_proxy = hops.notebook_server("ada", "weather", OWNER)
    by_site_proxy.headers["X-Forwarded-For"] = "198.51.100.7"
    for client in (hops.project_user("ada", "weather", OWNER), by_site_proxy, hops.user("eve")):
        assert opened(client, "code.py").status_code in {403, 404}
        assert saved(client, "evil.py", b"x").status_code in {403, 404}
    certificate = hops.project_user("ada", "weather", OWNER).post("projects/weather/certificate:export", json={})
    holder = hops.with_certificate(certificate.json()["certificate"])
    assert "own machine" in opened(holder, "code.py").json()["detail"]
    other = hops.notebook_server("ada", "tides", OWNER)
    assert opened(other, "code.py").status_code == 404


def test_what_lies_on_the_disk_is_at_hand_there(hops: PlatformUnderTest) -> None:
    ada = hops.notebook_server("ada", "weather", OWNER)
    jupyter = "projects/weather/datasets/Jupyter"
    assert opened(ada, "code.py", jupyter).status_code == 409
    assert saved(ada, "code.py", b"x", jupyter).status_code == 409


@pytest.mark.parametrize("mode", ["read", "write"])
def test_a_shared_dataset_gives_programs_and_takes_them_if_it_is_shared_so(
    hops: PlatformUnderTest, bucket: BucketInMemory, mode: str
) -> None:
    grace = hops.user("grace")
    hops.ready_project(grace, "tides", template="empty")
    grace.patch("projects/tides", json={"listed": True}, headers={"If-Match": "*"}).raise_for_status()
    owner = hops.with_token(hops.platform.parts.signer.sign_user("ada", admin=False).token)
    owner.post(f"{RAW}/shares", json={"project": "tides", "mode": mode}).raise_for_status()
    grace.post("projects/tides/shares/weather/raw:accept").raise_for_status()
    server = hops.notebook_server("grace", "tides", OWNER)
    shared = "projects/tides/datasets/Shared:weather:raw"
    assert opened(server, "code.py", shared).content == b"1"
    assert opened(server, "may.csv", shared).status_code == 403
    assert saved(server, "may.csv", b"x", shared).status_code == 403
    answer = saved(server, "code.py", b"2", shared)
    assert answer.status_code == (200 if mode == "write" else 403)
    assert mode == "write" or "for reading only" in answer.json()["detail"]
    assert bucket.objects[f"{BELOW}code.py"] == (b"2" if mode == "write" else b"1")
    if mode == "write":  # what another project has and may have is not told
        root = hops.user("root-ada", admin=True)
        limits = root.get("projects/weather/limits").json() | {"max_project_storage_mib": 1}
        root.put("projects/weather/limits", json=limits, headers={"If-Match": "*"}).raise_for_status()
        refused = saved(server, "large.py", b"x" * 2**20 * 2, shared).json()
        assert "no room for it" in refused["detail"], refused
    owner.delete(f"{RAW}/shares/tides").raise_for_status()
    assert opened(server, "code.py", shared).status_code == 404


def test_a_server_is_told_which_datasets_lie_on_the_disk(hops: PlatformUnderTest) -> None:
    grant = hops.hub().post("projects/weather/server-grants", json={"user": "ada"})
    assert grant.json()["config"]["on_machine"] == ["Experiments", "Jupyter", "Logs", "Models", "Resources"], grant.text


def saving(hops: PlatformUnderTest, client: Any, path: str) -> Sending:
    """A file whose first byte has come, and whose others are waited for."""
    sending = Sending(hops, client, f"{RAW}/content:save", f"path={path}".encode(), method="POST")
    sending.send(b"1", more=True)
    for _ in range(2):
        assert sending.taken.acquire(timeout=30)
    return sending


def test_nobody_waits_for_the_database_while_a_file_comes_that_is_saved(
    hops: PlatformUnderTest, bucket: BucketInMemory
) -> None:
    bob = hops.notebook_server("bob", "weather", SCIENTIST)
    sending = saving(hops, bob, "slow.py")
    try:
        assert hops.platform.parts.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    finally:
        sending.send(b"2", more=False)
    assert sending.status() == 200
    assert bucket.objects[f"{BELOW}slow.py"] == b"12"


def test_who_is_no_owner_any_more_when_the_file_has_come_saves_no_data(
    hops: PlatformUnderTest, bucket: BucketInMemory
) -> None:
    ada = hops.with_token(hops.platform.parts.signer.sign_user("ada", admin=False).token)
    ada.patch("projects/weather/members/bob", json={"role": "data_owner"}, headers={"If-Match": "*"}).raise_for_status()
    bob = hops.notebook_server("bob", "weather", OWNER)
    assert saved(bob, "may.csv", b"x").is_success
    data, program = saving(hops, bob, "may.csv"), saving(hops, bob, "code.py")
    left = ada.patch("projects/weather/members/bob", json={"role": "data_scientist"}, headers={"If-Match": "*"})
    left.raise_for_status()
    for sending, status in ((data, 403), (program, 200)):
        sending.send(b"2", more=False)
        assert sending.status() == status
    assert bucket.objects[f"{BELOW}may.csv"] == b"x"


def test_a_file_that_is_saved_has_one_deadline_for_all_of_it(
    hops: PlatformUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hops_platform.uploads.routes.LONGEST_SAVE_S", 0.2)
    bob = hops.notebook_server("bob", "weather", SCIENTIST)
    sending = Sending(hops, bob, f"{RAW}/content:save", b"path=a.py", method="POST")
    sending.send(b"1", more=True)
    assert sending.status() == 408
    sending.hang_up()
    assert b"Save again" in sending.answer[1]["body"]


def test_what_is_opened_is_read_in_the_threads_of_files(
    hops: PlatformUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = hops.platform.parts.engines.files
    open_file, seen = files.open_file, []

    def noted(place: Any) -> Any:
        seen.append(threading.current_thread().name)
        return open_file(place)

    monkeypatch.setattr(files, "open_file", noted)
    assert opened(hops.notebook_server("bob", "weather", SCIENTIST), "code.py").is_success
    # In those that serve all requests a storage that hangs would stop everybody.
    assert [name.startswith("transfer") for name in seen] == [True]
