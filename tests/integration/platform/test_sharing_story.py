"""The script of docs/sharing.md, against a control plane that listens."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from .conftest import ON_SQLITE

pytestmark = ON_SQLITE

PAGE = Path(__file__).parents[3] / "docs" / "sharing.md"


@pytest.fixture
def address(on_disk: Any) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(on_disk.platform.app, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/services/hops/api/v1"
        server.should_exit = True
        thread.join(30)


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
        (tmp_path / f"{name}.txt").write_text(f"Authorization: Bearer {token}\n")
    script = re.search(r"<!-- run by .*? -->\n```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert script is not None
    done = subprocess.run(
        ["bash", "-euc", script[1]],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "hops": address, "no_proxy": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    offered, waiting, accepted, files, download, users, gone = done.stdout.strip().splitlines()
    assert '"state":"offered"' in offered
    assert '"state":"offered"' in waiting
    assert '"state":"accepted"' in accepted
    assert '"name":"day.csv"' in files
    assert "does not allow" in download
    assert '"members":1' in users
    assert "is not shared with this project (any more)" in gone
