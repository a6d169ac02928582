"""A dataset of another project in Spark sessions: read in a cell, closed to writing, and gone when it is taken away."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from hops_contract.layout import Home
from hops_platform.adapters.sandboxes.local import LocalSandboxes
from hops_platform.engines.sandboxes import EndedShare, Ending, VisibleDataset

from .service_process import NO_SANDBOX, Service, make_home, run, start_session

pytestmark = [pytest.mark.spark, pytest.mark.skipif(bool(NO_SANDBOX), reason=f"no sandbox: {NO_SANDBOX}")]
SMALL = {"driverMemory": "512m", "executorMemory": "512m"}
FILE = "os.environ['HOPS_PROJECT_PATH'] + '/Shared/weather/raw/day.csv'"
REVOKED = (
    "The dataset 'raw' of the project 'weather' is no longer shared with this project: a Data Owner of 'weather' ended "
    "the share on 2026-05-04 at 10:30 UTC. Ask a Data Owner of 'weather' to share it again"
)
READ = """
import json, os
from hops import hdfs
place = os.environ["HOPS_PROJECT_PATH"] + "/Shared/weather/raw"
def tried(act):
    try:
        return str(act())
    except Exception as error:
        return f"{type(error).__name__}: {error}"
print(json.dumps([
    tried(lambda: spark.read.csv(f"file://{place}/day.csv").first()[0]),
    tried(lambda: hdfs.load("Shared/weather/raw/day.csv")),
    tried(lambda: open(f"{place}/new", "w")),
    tried(lambda: spark.range(3).write.parquet(f"file://{place}/new")),
]))
"""


@pytest.fixture(scope="module")
def service(control_plane, tmp_path_factory):
    home = make_home(tmp_path_factory.mktemp("shared"), "weather", "sales")
    raw = home / "projects" / "weather" / "raw"
    raw.mkdir()
    (raw / "day.csv").write_text("rain\n")
    service = Service(home, control_plane).start()
    yield service
    service.stop()


def told(client, number):
    output = run(client, number, READ)["output"]
    assert output["status"] == "ok", output
    return json.loads(output["data"]["text/plain"].strip().splitlines()[-1])


def test_it_is_read_in_a_cell_until_it_is_taken_away(service):
    sandboxes = LocalSandboxes(Home(service.home))
    share = VisibleDataset(id=uuid4(), project="weather", dataset="raw", writes=False)
    sandboxes.settle("sales", [share])
    with service.client(service.plane.token("eve", "sales")) as client:
        number = start_session(client, **SMALL)
        read, loaded, opened, written = told(client, number)
        assert (read, loaded) == ("rain", "b'rain\\n'")
        assert "Read-only file system" in opened
        assert written != "None"
        assert sorted(path.name for path in (service.home / "projects" / "weather" / "raw").iterdir()) == ["day.csv"]
        at = datetime(2026, 5, 4, 10, 30, tzinfo=UTC)
        sandboxes.settle("sales", [], [EndedShare(project="weather", dataset="raw", ending=Ending.REVOKED, at=at)])
        read, loaded, opened, _ = told(client, number)
        assert "PATH_NOT_FOUND" in read
        assert "'raw' of the project 'weather' is no longer shared with this project" in loaded
        assert "Read-only file system" in opened
        # What an error of a cell says begins with the reason, and what is shown of it ends with that.
        for cell in (f"spark.read.csv({FILE})", f"open({FILE})"):
            failed = run(client, number, f"import os\n{cell}")["output"]
            assert f": {REVOKED}" in failed["evalue"], failed
            assert failed["traceback"][-1].startswith(REVOKED)
        # And it comes back into the same session.
        sandboxes.settle("sales", [share])
        assert told(client, number)[0] == "rain"
