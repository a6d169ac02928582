"""A whole control plane whose datasets lie in a bucket of a real S3 server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from anyio.from_thread import start_blocking_portal

from hops_platform.testing.factories import make_platform
from tests.contract.s3_server import BUCKET, S3Server
from tests.integration.platform.conftest import PlatformUnderTest, cheap_passwords  # noqa: F401 - a fixture


@pytest.fixture
def hops(s3_server: S3Server, tmp_path: Path) -> Iterator[PlatformUnderTest]:
    key = tmp_path / "key.json"
    key.write_text(json.dumps({"access_key": s3_server.access, "secret_key": s3_server.secret}))
    key.chmod(0o600)
    settings = {
        "storage": f"s3://{BUCKET}/{uuid4().hex}",
        "s3_endpoint": s3_server.endpoint,
        "s3_credentials": key,
    }
    with start_blocking_portal() as portal:
        platform = make_platform(tmp_path / "home", on_disk=True, settings=settings)
        yield PlatformUnderTest(platform, portal)
    platform.parts.engines.storage.close()
    platform.parts.database.close()


def test_datasets_of_ones_own_lie_in_the_bucket_and_the_standard_ones_here(hops: PlatformUnderTest) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada, template="empty")
    assert ada.post("projects/weather/datasets", json={"name": "raw"}).status_code == 201
    hops.deliver()
    for dataset in ("raw", "Resources"):
        begun = ada.post(f"projects/weather/datasets/{dataset}/uploads", json={"path": "2026/a b.csv", "size": 5})
        upload = f"projects/weather/uploads/{begun.json()['id']}"
        for start, piece in ((0, b"da"), (2, b"y,r")):
            assert ada.put(f"{upload}/content?offset={start}", content=piece).is_success
        assert ada.post(f"{upload}:finish").is_success
        read = ada.get(f"projects/weather/datasets/{dataset}/content", params={"path": "2026/a b.csv"})
        assert read.content == b"day,r"
    folder = hops.platform.parts.settings.layout.project("weather")
    assert (folder / "Resources" / "2026" / "a b.csv").exists()
    assert not (folder / "raw").exists()
    raw = "projects/weather/datasets/raw"
    copied = {"path": "2026", "to": "copy", "to_dataset": "Models"}
    assert ada.post(f"{raw}/files:copy", json=copied).is_success
    assert (folder / "Models" / "copy" / "a b.csv").read_bytes() == b"day,r"
    shown = ada.get(f"{raw}/preview", params={"path": "2026/a b.csv"})
    assert shown.is_success, shown.text
    # A whole dataset goes and comes back.
    assert ada.request("DELETE", raw, json={"name": "raw"}).is_success
    hops.deliver()
    (item,) = ada.get("projects/weather/trash").json()["items"]
    assert ada.post(f"projects/weather/trash/{item['id']}:restore", json={"to_dataset": "again"}).is_success
    hops.deliver()
    listed = ada.get("projects/weather/datasets/again/files").json()["items"]
    assert [(one["name"], one["kind"]) for one in listed] == [("2026", "folder")]


def test_no_answer_and_no_log_holds_the_key(
    hops: PlatformUnderTest, s3_server: S3Server, caplog: pytest.LogCaptureFixture
) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada, template="empty")
    assert ada.post("projects/weather/datasets", json={"name": "raw"}).status_code == 201
    hops.deliver()
    s3_client = hops.platform.parts.engines.storage._tree._bucket
    s3_client._name = "no-such-bucket"
    answer = ada.get("projects/weather/datasets/raw/files")
    assert answer.status_code == 502
    assert s3_server.secret not in answer.text + caplog.text + repr(hops.platform.parts.engines)
