"""Sessions of several people wait for memory of this machine: each is told its place, and no more than it may know."""

import shutil
import tempfile
from pathlib import Path

import pytest

from .service_process import Service, make_home, start_session, wait_idle

pytestmark = pytest.mark.spark
SMALL = {"driverMemory": "512m", "executorMemory": "512m"}


@pytest.fixture
def service(control_plane):
    """One whose sessions may have the memory of one of these, and a little more."""
    home = make_home(Path(tempfile.mkdtemp(prefix="waits-")), "weather", "sales")
    running = Service(home, control_plane, {"HOPS_MEMORY_MIB": "1400"}).start()
    yield running
    running.stop()
    shutil.rmtree(home)


def _wait(client):
    """The number of a session that waits."""
    made = client.post("/sessions", json={"kind": "pyspark", **SMALL})
    assert (made.status_code, made.json()["state"]) == (201, "starting"), made.text
    return made.json()["id"]


def _reason(client, number):
    return client.get(f"/sessions/{number}/summary").json()["reason"]


def test_the_first_and_the_second_that_wait_are_told_what_is_free_who_has_it_and_who_is_served_before(service):
    token = service.plane.token
    with (
        service.client(token("ada")) as ada,
        service.client(token("bob")) as bob,
        service.client(token("eve", "sales")) as eve,
    ):
        held = start_session(ada, **SMALL)
        bobs, eves = _wait(bob), _wait(eve)
        adas = _wait(ada)
        waits = "Waits for 1 GiB of memory: {} of 3 in the queue. In use: 1 GiB by {}. Free: 256 MiB."
        # Eve's project has nothing, and of Ada's two members Bob has less.
        assert _reason(eve, eves) == waits.format("1st", "other projects")
        by_ada = f"weather__ada (session {held})"
        assert _reason(bob, bobs) == f"{waits.format('2nd', by_ada)} Before it: 1 of other projects."
        assert _reason(ada, adas) == (
            f"{waits.format('3rd', by_ada)} Before it: weather__bob (session {bobs}), 1 of other projects."
        )
        ada.delete(f"/sessions/{held}")
        # Nobody had anything at that moment, so who came first is served; then a project that has nothing.
        assert wait_idle(bob, bobs)["state"] == "idle"
        waits = waits.replace("of 3", "of 2")
        assert _reason(eve, eves) == waits.format("1st", "other projects")
        by_bob = f"weather__bob (session {bobs})"
        assert _reason(ada, adas) == f"{waits.format('2nd', by_bob)} Before it: 1 of other projects."
