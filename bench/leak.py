"""Sessions made and ended, a third of them killed: what is left over, and how the service's memory grows.

Sessions run in small groups at a time. Of each three one is deleted after a statement, one while it starts or works,
and of one a process is killed with SIGKILL: the driver's Python or its Java machine in turn. At the end the session's
processes, its files (session folders, records, sockets, temporary files) and the service's listening ports and
descriptors are compared with those after the first group, the floor. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
from stage import Stage, load, session_service, wait_for
from verdict import tell

SMALL = {"kind": "pyspark", "driverMemory": "512m", "executorMemory": "512m"}
NOTICE_S = 15.0
SETTLE_S = 60.0
CALM_S, LOOK_S = 5.0, 30.0
MIB = 1024 * 1024
END_STATES = ("dead", "killed", "error")
BOOKS = ("last-id", "ended-owners.json")
"""Files beside the session folders that are the service's own."""


@dataclass(frozen=True)
class Remains:
    """What there is of sessions, and what the service holds."""

    processes: tuple[str, ...]
    files: tuple[str, ...]
    ports: int
    descriptors: int
    rss_mib: float

    @classmethod
    def of(cls, stage: Stage, temporary: Path) -> Remains:
        """What there is now."""
        service = psutil.Process(stage.service.process.pid)
        return cls(
            processes=tuple(f"{process.pid} {process.name()}" for process in _alive(stage)),
            files=tuple(str(path) for path in _session_files(stage.home, temporary)),
            ports=len([one for one in service.net_connections("inet") if one.status == psutil.CONN_LISTEN]),
            descriptors=service.num_fds(),
            rss_mib=service.memory_info().rss / MIB,
        )


def _alive(stage: Stage) -> Iterator[psutil.Process]:
    for process in stage.service.processes():
        with contextlib.suppress(psutil.Error):
            if process.is_running():
                yield process


def _session_files(home: Path, temporary: Path) -> Iterator[Path]:
    for folder in (home / "run" / "sessions", home / "run" / "session-records"):
        if folder.exists():
            yield from (path for path in folder.iterdir() if path.name not in BOOKS)
    yield from temporary.iterdir()


class Makers:
    """Makes and ends sessions, several at a time."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._lock = threading.Lock()
        self.kinds: dict[str, int] = {}
        self.unnoticed: list[str] = []

    def one(self, number: int) -> None:
        """The life of one session."""
        with self._stage.client(f"user{number % 50}") as client:
            made = client.post("/sessions", json=SMALL)
            assert made.status_code == 201, made.text
            session_id = made.json()["id"]
            end = ("worked", "interrupted", "killed")[number % 3]
            if end == "interrupted" and number % 2:
                time.sleep(number % 5)  # somewhere in its start
            else:
                state = self._stage.fixtures.wait_idle(client, session_id)["state"]
                assert state == "idle", (state, client.get(f"/sessions/{session_id}/log").text[-2000:])
                code = {"code": "spark.range(10**5).count()" if end == "worked" else "import time; time.sleep(600)"}
                client.post(f"/sessions/{session_id}/statements", json=code).raise_for_status()
                if end == "worked":
                    client.get(f"/sessions/{session_id}/statements/0")
                elif end == "killed":
                    end = self._kill(session_id, java=number % 2 == 0)
                    states = [client.get(f"/sessions/{session_id}", params={"hold": "false"}).json()["state"]]
                    noticed = wait_for(
                        lambda: states.append(
                            client.get(f"/sessions/{session_id}", params={"hold": "false"}).json()["state"]
                        ) or states[-1] in END_STATES,
                        patience_s=NOTICE_S,
                    )  # fmt: skip
                    if not noticed:
                        self.unnoticed.append(f"session {session_id} stayed {states[-1]} after {end}")
            client.delete(f"/sessions/{session_id}")
        with self._lock:
            self.kinds[end] = self.kinds.get(end, 0) + 1

    def idle_percent(self, sessions: int) -> float:
        """Percent of a core that the service takes while so many sessions do nothing."""
        with self._stage.client() as client:
            made = [client.post("/sessions", json=SMALL).json()["id"] for _ in range(sessions)]
            for session_id in made:
                self._stage.fixtures.wait_idle(client, session_id)
            percent = idle_percent(self._stage)
            for session_id in made:
                client.delete(f"/sessions/{session_id}")
        return percent

    def _kill(self, session_id: int, *, java: bool) -> str:
        mine = f"{self._stage.home}/run/sessions/{session_id}/"
        for process in self._stage.service.processes():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("HOPS_TOKEN_FILE", "").startswith(mine) and process.name() == "java":
                    (process if java else process.parent()).kill()
                    return "Java killed" if java else "Python killed"
        raise AssertionError(f"session {session_id} has no such process")


def idle_percent(stage: Stage) -> float:
    """Percent of a core that the service takes while nobody asks anything of it."""
    service = psutil.Process(stage.service.process.pid)
    time.sleep(CALM_S)
    before = service.cpu_times()
    time.sleep(LOOK_S)
    after = service.cpu_times()
    return round(100 * (after.user + after.system - before.user - before.system) / LOOK_S, 2)


def settled(stage: Stage, temporary: Path) -> Remains:
    """What is left once endings that were under way are over."""
    wait_for(
        lambda: not any(_alive(stage)) and not any(_session_files(stage.home, temporary)), patience_s=SETTLE_S
    )  # fmt: skip
    return Remains.of(stage, temporary)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=max(2, os.cpu_count() or 2))
    parser.add_argument("--floor", type=int, default=20, help="sessions before the first look")
    arguments = parser.parse_args()
    floor_count = max(3, min(arguments.floor, arguments.sessions // 2))
    with tempfile.TemporaryDirectory(prefix="bench-tmp-") as name:
        temporary = Path(name)
        with session_service(TMPDIR=name, HOPS_SESSIONS_PER_OWNER="50") as stage:
            idle = Remains.of(stage, temporary)
            makers = Makers(stage)
            began = time.perf_counter()
            with ThreadPoolExecutor(arguments.at_once) as pool:
                list(pool.map(makers.one, range(floor_count)))
                floor = settled(stage, temporary)
                _say(f"after {floor_count} sessions", floor)
                list(pool.map(makers.one, range(floor_count, arguments.sessions)))
            end = settled(stage, temporary)
            seconds = time.perf_counter() - began
            idle_cpu = {"without sessions": idle_percent(stage), "with 4 idle ones": makers.idle_percent(4)}
    _say(f"after {arguments.sessions} sessions", end)
    print(f"percent of a core that the idle service takes: {idle_cpu}", flush=True)
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(makers.kinds.items()))
    print(f"{kinds}; {seconds / arguments.sessions:.1f} s a session, {arguments.at_once} at once; {load()}", flush=True)
    for line in (*makers.unnoticed, *end.processes, *end.files):
        print(f"left: {line}", flush=True)
    more_ports = max(0, end.ports - idle.ports)
    more_descriptors = max(0, end.descriptors - floor.descriptors)
    left = len(end.processes) + len(end.files) + more_ports + more_descriptors + len(makers.unnoticed)
    return tell(
        bench="leak", value=left, unit="processes, files, ports, descriptors left over and deaths not noticed",
        peer=len(floor.processes) + len(floor.files), goal=0, holds=left == 0,
        sessions=arguments.sessions, processes=len(end.processes), files=len(end.files), ports=more_ports,
        descriptors_more=more_descriptors, idle_cpu_percent=idle_cpu, service_mib={
            "idle": round(idle.rss_mib, 1), "floor": round(floor.rss_mib, 1), "end": round(end.rss_mib, 1),
        },
        kib_per_session=round((end.rss_mib - floor.rss_mib) * 1024 / max(1, arguments.sessions - floor_count), 1),
    )  # fmt: skip


def _say(when: str, remains: Remains) -> None:
    print(
        f"{when}: {len(remains.processes)} processes, {len(remains.files)} files, {remains.ports} ports, "
        f"{remains.descriptors} descriptors, service {remains.rss_mib:.1f} MiB",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
