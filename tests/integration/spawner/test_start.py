from __future__ import annotations

import json
import stat

import psutil
import pytest

from .conftest import Person, Site, eventually

pytestmark = pytest.mark.hub


def test_a_member_starts_lab_by_form_and_stopping_it_wipes_its_folder(site: Site, ada: Person) -> None:
    page = ada.client.get("hub/spawn/ada/weather")
    assert page.status_code == 200
    assert 'name="executors"' in page.text

    answer = ada.start("weather", executors="2")
    assert answer.status_code == 302, answer.text
    assert "spawn-pending/ada/weather" in answer.headers["location"]
    eventually(lambda: site.server("ada", "weather").get("ready"), "the start")

    lab = ada.client.get("user/ada/weather/lab/tree/Jupyter", follow_redirects=True)
    assert lab.status_code == 200
    assert "JupyterLab" in lab.text

    folder = site.folder("ada", "weather")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.rglob("token.jwt")} == {0o600}
    assert json.loads((folder / "server.json").read_text())["options"]["executors"] == 2

    kernels = ada.client.get("user/ada/weather/api/kernelspecs").json()
    assert set(kernels["kernelspecs"]) == {"pyspark", "python3"}
    assert kernels["default"] == "pyspark"

    process = next(p for p in psutil.process_iter() if _runs_in(p, str(folder)))
    assert "must-not-leak" not in process.environ().values()
    assert "hub-credential" not in " ".join(process.environ())

    assert site.probe("DELETE", "users/ada/servers/weather").status_code in {202, 204}
    eventually(lambda: not folder.exists(), "the wiping of the folder")
    assert not process.is_running()


def _runs_in(process: psutil.Process, folder: str) -> bool:
    try:
        return process.environ().get("HOPS_SERVER_FOLDER") == folder
    except (psutil.Error, OSError):
        return False
