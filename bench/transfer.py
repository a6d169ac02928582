"""A file of 1 GB sent and fetched through REST, beside ``cp`` on the same disk and beside nginx.

The control plane answers in a process of its own, from a home in a temporary folder, and curl sends and fetches. The
peer is nginx with its own module for ``PUT``, which is installed where this is Debian and root; ``cp`` is told beside
it. The goal is for the slower of the two ways. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import psutil
import requests
from verdict import tell

from tests.debian import find_program, install
from tests.ports import free_port

GOAL_RATIO, GOAL_MEMORY_MIB = 0.8, 64
SERVE = """
import sys, uvicorn
from pathlib import Path
from hops_platform.testing.factories import make_platform
from hops_platform.users import service as users
home, port = Path(sys.argv[1]), int(sys.argv[2])
platform = make_platform(home, on_disk=True)
with platform.parts.database.session() as session:
    users.create_user(session, name="ada", title="", password="x" * 20, admin=False, must_change_password=False)
(home / "header").write_text("Authorization: Bearer " + platform.parts.signer.sign_user("ada", admin=False).token)
platform.workers.start()
uvicorn.run(platform.app, host="127.0.0.1", port=port, log_config=None, lifespan="off")
"""
NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; user root;
events {{}}
http {{
  access_log off; client_max_body_size 0; client_body_temp_path {folder}/body; sendfile on;
  proxy_temp_path {folder}/t1; fastcgi_temp_path {folder}/t2; uwsgi_temp_path {folder}/t3; scgi_temp_path {folder}/t4;
  server {{ listen 127.0.0.1:{port}; root {folder}/files; location / {{ dav_methods PUT; }} }}
}}
"""


@contextmanager
def running(command: list[str], port: int) -> Iterator[psutil.Process]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        for _ in range(300):
            with socket.socket() as trial:
                if trial.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(20)


class Memory:
    """The most memory that a process holds while something is done, beyond what it held before."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._before = self.most = process.memory_info().rss
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.05):
            self.most = max(self.most, self._process.memory_info().rss)

    @property
    def more_mib(self) -> float:
        """In MiB."""
        return (self.most - self._before) / 2**20


def curl(*arguments: str) -> None:
    subprocess.run(["curl", "-sSf", "-o", "/dev/null", *arguments], check=True)


def speed(size: int, rounds: int, work: Callable[[], None], name: str) -> float:
    """Median MB/s."""
    figures = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        figures.append(size / 1e6 / (time.perf_counter() - began))
    print(f"{name}: {', '.join(f'{figure:.0f}' for figure in figures)} MB/s", flush=True)
    return statistics.median(figures)


def made(file: Path, mb: int) -> Path:
    """``file``, with so many MB that nothing packs."""
    with file.open("wb") as out:
        for _ in range(mb):
            out.write(os.urandom(10**6))
    return file


def measure_ours(home: Path, file: Path, rounds: int) -> tuple[float, float, float]:
    """Speed of uploads and of downloads, and MiB of memory."""
    port, size = free_port(), file.stat().st_size
    home.mkdir()
    url = f"http://127.0.0.1:{port}/services/hops/api/v1/projects"
    with running([sys.executable, "-c", SERVE, str(home), str(port)], port) as process:
        header = f"@{home / 'header'}"
        name, _, value = (home / "header").read_text().partition(": ")
        session = requests.Session()
        session.headers[name] = value
        session.post(url, json={"name": "weather", "template": "empty"}).raise_for_status()
        while not session.get(f"{url}/weather/datasets/Logs/files").ok:
            time.sleep(0.1)

        def send() -> None:
            new = {"path": "file", "size": size, "replace": True}
            begun = session.post(f"{url}/weather/datasets/Logs/uploads", json=new).json()["id"]
            place = f"{url}/weather/uploads/{begun}"
            curl("-H", header, "-H", "Expect:", "-T", str(file), f"{place}/content?offset=0")
            session.post(f"{place}:finish").raise_for_status()

        with Memory(process) as memory:
            up = speed(size, rounds, send, "ours, up")
            down = speed(
                size, rounds, lambda: curl("-H", header, f"{url}/weather/datasets/Logs/content?path=file"), "ours, down"
            )
    return up, down, memory.more_mib


def measure_nginx(folder: Path, file: Path, rounds: int) -> tuple[float, float] | None:
    """Speed of uploads and of downloads; ``None`` where nginx is not installed."""
    if find_program("nginx") is None:
        install(["nginx"], otherwise="There is no peer: install nginx with its module for PUT (http_dav_module).")
    program = find_program("nginx")
    if program is None:
        return None
    place, port, size = folder / "nginx", free_port(), file.stat().st_size
    (place / "files").mkdir(parents=True)
    (place / "nginx.conf").write_text(NGINX.format(folder=place, port=port))
    url = f"http://127.0.0.1:{port}/file"
    with running([program, "-c", str(place / "nginx.conf"), "-p", str(place)], port):
        up = speed(size, rounds, lambda: curl("-H", "Expect:", "-T", str(file), url), "nginx, up")
        down = speed(size, rounds, lambda: curl(url), "nginx, down")
    return up, down


def measure_large(folder: Path, mb: int) -> dict[str, float]:
    """What a file of so many MB takes, sent and fetched once; nothing for none."""
    if not mb:
        return {}
    up, down, memory = measure_ours(folder / "home-large", made(folder / "large", mb), 1)
    return {"mb": mb, "up": round(up), "down": round(down), "memory_mib": round(memory, 1)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mb", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--large-mb", type=int, default=0, help="a larger file, sent and fetched once more; 0: none")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = made(folder / "file", arguments.mb)
        size, rounds = file.stat().st_size, max(1, arguments.rounds)
        copying = speed(size, rounds, lambda: subprocess.run(["cp", file, folder / "copy"], check=True) and None, "cp")
        peer = measure_nginx(folder, file, rounds)
        up, down, memory = measure_ours(folder / "home", file, rounds)
        large = measure_large(folder, arguments.large_mb)
    ratio = None if peer is None else min(up / peer[0], down / peer[1])
    return tell(
        bench="transfer", value=min(up, down), unit="MB/s, the slower of up and down",
        peer=None if peer is None else min(peer), goal=f"ratio >= {GOAL_RATIO}, memory <= {GOAL_MEMORY_MIB} MiB more",
        holds=ratio is not None and ratio >= GOAL_RATIO and max(memory, large.get("memory_mib", 0)) <= GOAL_MEMORY_MIB,
        up=round(up), down=round(down), cp=round(copying), memory_mib=round(memory, 1),
        ratios=None if peer is None else [round(up / peer[0], 2), round(down / peer[1], 2)], large=large or None,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
