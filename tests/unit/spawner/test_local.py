from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from jupyterlab_hops.extension import say_port

from hops_contract.servers import LISTENS_FILE, ServerGrant
from hops_spawner import local
from hops_spawner.local import LOG_TAIL_LINES, HopsLocalSpawner
from hops_spawner.refusals import StartRefusedError


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "PYTHON_PATIENCE_S", 1)


@pytest.fixture
def spawner(tmp_path: Path, grant: ServerGrant) -> HopsLocalSpawner:
    orm_spawner = SimpleNamespace(name="weather", server=None, display_name="Weather", state=None)
    made = HopsLocalSpawner(user=SimpleNamespace(name="ada"), orm_spawner=orm_spawner, home=str(tmp_path))
    made.granted = grant
    return made


def test_the_process_of_an_earlier_hub_is_found_again(spawner: HopsLocalSpawner) -> None:
    spawner.load_state({"pid": os.getpid(), "started_at": psutil.Process().create_time()})
    assert asyncio.run(spawner.poll()) is None
    found = {"pid": os.getpid(), "started_at": psutil.Process().create_time(), "sandboxed": False}
    assert spawner.get_state() == found


@pytest.mark.parametrize("started_at", [0.0, 1_000_000.0])
def test_another_process_with_a_recycled_id_is_not_taken_for_the_server(
    spawner: HopsLocalSpawner, started_at: float
) -> None:
    spawner.load_state({"pid": os.getpid(), "started_at": started_at})
    assert asyncio.run(spawner.poll()) == 0
    assert spawner.pid == 0
    asyncio.run(spawner.stop())  # and it is not ended: this very process


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("No kernels for 62 seconds; shutting down", "Nothing was done in it for its idle time, so it ended."),
        ("all is well", "It ended by itself. How is not known, as the Hub was started anew while it ran."),
    ],
)
def test_how_one_ended_that_an_earlier_hub_started_is_told_as_far_as_it_is_known(
    spawner: HopsLocalSpawner, log: str, said: str
) -> None:
    spawner.log_file.parent.mkdir(parents=True)
    spawner.log_file.write_text(log)
    ran = {"pid": os.getpid(), "started_at": 1_000_000.0}
    spawner.load_state(ran)
    assert asyncio.run(spawner.poll()) == 0
    assert spawner.ended is not None
    assert spawner.ended.sentence == said
    spawner.load_state(ran)
    asyncio.run(spawner.stop())
    assert spawner.ended is None, "who stops one is told nothing"


def test_the_tail_of_the_log_names_no_folder_of_the_machine(spawner: HopsLocalSpawner, grant: ServerGrant) -> None:
    spawner.log_file.parent.mkdir(parents=True)
    config = grant.config
    paths = [spawner.folder, config.project_folder, config.environment, spawner.home, sys.prefix, os.__file__]
    lines = [f"line {number}" for number in range(50)] + [f"in {path}/x" for path in paths]
    spawner.log_file.write_text("\n".join(lines))
    tail = spawner.log_tail().splitlines()
    assert len(tail) == LOG_TAIL_LINES
    places = ["<server>/x", "<project>/x", "<environment>/x", "<home>/x", "<platform>/x"]
    assert tail[-6:-1] == [f"in {place}" for place in places]
    assert tail[-1].startswith("in <python>/")


@pytest.mark.parametrize(
    ("script", "said"),
    [("echo broken >&2; exit 3", "broken"), ("exec sleep 60", "<environment>/bin/python: gave no sign within 1 s")],
)
def test_an_environment_without_a_python_that_runs_refuses_the_start(
    spawner: HopsLocalSpawner, grant: ServerGrant, tmp_path: Path, script: str, said: str
) -> None:
    python = tmp_path / "environment" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    config = grant.config.model_copy(update={"environment": str(tmp_path / "environment")})
    spawner.granted = grant.model_copy(update={"config": config})
    with pytest.raises(StartRefusedError, match="does not run") as refused:
        asyncio.run(prepare_and_close(spawner))
    assert refused.value.jupyterhub_message.endswith(f"Log of the server:\n{said}")


async def prepare_and_close(spawner: HopsLocalSpawner) -> None:
    try:
        assert spawner.granted is not None
        await spawner.prepare(spawner.granted)
    finally:
        os.close(spawner._log_sink)


def test_the_hub_serves_others_while_it_removes_what_a_servers_code_has_left(
    spawner: HopsLocalSpawner, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = threading.Event()
    waited: list[bool] = []
    monkeypatch.setattr(local, "wipe_folder", lambda _folder: waited.append(others.wait(60)))

    async def clean() -> None:
        cleaning = asyncio.create_task(spawner.clean())
        await asyncio.sleep(0)
        others.set()
        await cleaning

    asyncio.run(clean())
    assert waited == [True, True], "the folder, and what its keeper has told"


@pytest.fixture
def somebody_else() -> Iterator[int]:
    """The port of a server that answers everybody, as code of another project can where networks are open."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_whoever_answers_at_the_port_is_not_taken_for_the_server(
    spawner: HopsLocalSpawner, monkeypatch: pytest.MonkeyPatch, somebody_else: int
) -> None:
    monkeypatch.setattr(HopsLocalSpawner, "server", SimpleNamespace(base_url="/user/ada/weather/"))
    statuses = [None, 1]

    async def poll() -> int | None:
        return statuses.pop(0) if statuses else None

    monkeypatch.setattr(spawner, "poll", poll)
    folder = spawner.folder
    folder.mkdir(parents=True)
    (folder / LISTENS_FILE).write_text("80")
    with pytest.raises(StartRefusedError, match="ended before it answered"):
        asyncio.run(spawner.await_answer(("127.0.0.1", somebody_else)))
    say_port(folder, somebody_else)
    asyncio.run(spawner.await_answer(("127.0.0.1", somebody_else)))


def test_nothing_that_a_servers_code_puts_in_the_place_of_its_port_keeps_the_hub_waiting(
    spawner: HopsLocalSpawner, tmp_path: Path
) -> None:
    listens = spawner.folder / LISTENS_FILE
    listens.parent.mkdir(parents=True)
    (tmp_path / "elsewhere").write_text("80")
    told: list[bool] = []
    for put in (os.mkfifo, Path.mkdir, lambda path: path.symlink_to(tmp_path / "elsewhere")):
        put(listens)
        asking = threading.Thread(target=lambda: told.append(spawner._listens_at(80)), daemon=True)
        asking.start()
        asking.join(60)
        assert not asking.is_alive(), "it waits for who never comes"
        listens.rmdir() if listens.is_dir() else listens.unlink()
    assert told == [False] * 3
