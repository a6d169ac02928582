"""The script of docs/sharing.md, against a control plane that listens."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.listening import listening
from tests.page_scripts import said_by, script_of

from .conftest import ON_SQLITE

pytestmark = ON_SQLITE


@pytest.fixture
def address(on_disk: Any) -> Iterator[str]:
    with listening(on_disk.platform.app) as port:
        yield f"http://127.0.0.1:{port}/services/hops/api/v1"


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_script_of_the_page_tells_the_story(on_disk: Any, address: str, tmp_path: Path) -> None:
    ada, grace = on_disk.user("ada"), on_disk.user("grace")
    on_disk.ready_project(ada, template="empty")
    on_disk.ready_project(grace, "tides", template="empty")
    grace.patch("projects/tides", json={"listed": True}, headers={"If-Match": "*"}).raise_for_status()
    ada.post("projects/weather/datasets", json={"name": "raw"}).raise_for_status()
    on_disk.deliver()
    (on_disk.platform.parts.settings.layout.project("weather") / "raw" / "day.csv").write_text("rain\n")
    for name in ("ada", "grace"):
        token = on_disk.platform.parts.signer.sign_user(name, admin=False).token
        (tmp_path / f"token-{name}.txt").write_text(f"Authorization: Bearer {token}\n")
    told = said_by(script_of("sharing.md"), tmp_path, HOPS=address)
    offered, waiting, accepted, files, download, users, gone = told.strip().splitlines()
    assert '"state":"offered"' in offered
    assert '"state":"offered"' in waiting
    assert '"state":"accepted"' in accepted
    assert '"name":"day.csv"' in files
    assert "does not allow" in download
    assert '"members":1' in users
    assert "is not shared with this project (any more)" in gone
