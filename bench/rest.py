"""Lists through REST: does a page take longer where there is a thousand times more, and how many are answered a second.

The control plane answers in a process of its own, on SQLite, with as many projects, memberships and datasets as
``--rows`` says, and with a thousandth of it (``many_projects.py``). Every list is read a page of 100 at a time: the
first page and one from the middle. Then one list is read over kept connections for some seconds, beside JupyterHub's
list of users and MLflow's list of experiments, each with 100 items a page. MLflow comes into a folder of its own below
``.hopslab/bench``, and runs with as many workers as it starts by itself. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from verdict import tell

from hops_platform.paging import encode_cursor
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
SITE = Path(__file__).with_name("many_projects.py")
GOAL_P95, GOAL_RATIO = 1.2, 2.0
PAGE, CONNECTIONS = 100, 4
API = "/services/hops/api/v1"
MLFLOW = "mlflow==3.17.2"
HUB = """
from jupyterhub.proxy import Proxy
class NoProxy(Proxy):
    should_start = False
    async def add_route(self, routespec, target, data): pass
    async def delete_route(self, routespec): pass
    async def get_all_routes(self): return {{}}
c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.hub_port = {port}
c.JupyterHub.hub_ip = "127.0.0.1"
c.JupyterHub.bind_url = "http://127.0.0.1:{public}"
c.JupyterHub.db_url = "sqlite:///{folder}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{folder}/cookie"
c.JupyterHub.log_level = "ERROR"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allowed_users = {{f"user-{{number:03}}" for number in range({page})}}
c.JupyterHub.services = [{{"name": "bench", "api_token": "{token}"}}]
c.JupyterHub.load_roles = [{{"name": "bench", "services": ["bench"], "scopes": ["list:users", "read:users"]}}]
"""


@dataclass(frozen=True)
class Reading:
    """A list that is read: where, and with what."""

    port: int
    path: str
    headers: dict[str, str]

    def connect(self) -> HTTPConnection:
        """A connection that is kept."""
        return HTTPConnection("127.0.0.1", self.port, timeout=60)

    def read(self, connection: HTTPConnection) -> bytes:
        """The list as it is sent."""
        connection.request("GET", self.path, headers=self.headers)
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200, (self.path, answer.status, content[:500])
        return content

    def once(self) -> Any:
        """The list."""
        connection = self.connect()
        try:
            return json.loads(self.read(connection))
        finally:
            connection.close()


@contextmanager
def running(command: list[str], answers: Callable[[], object], patience_s: float, **more: Any) -> Iterator[None]:
    """A process that answers, until the block is left."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, **more)
    try:
        deadline = time.monotonic() + patience_s
        while True:
            try:
                answers()
                break
            except (OSError, AssertionError) as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{command[:2]} does not answer: {error}") from error
                time.sleep(0.2)
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


@contextmanager
def our_site(folder: Path, rows: int) -> Iterator[dict[str, Reading]]:
    """A control plane with ``rows`` projects; the lists to read, by their names."""
    folder.mkdir()
    port = free_port()
    health = Reading(port, f"{API}/health", {})
    began = time.monotonic()
    command = [sys.executable, str(SITE), str(folder), str(port), str(rows), str(PAGE)]
    with (folder / "log").open("wb") as log, running(command, health.once, 900, cwd=ROOT, stderr=log):
        print(f"ours with {rows} projects: made after {time.monotonic() - began:.0f} s", flush=True)
        tokens = json.loads((folder / "tokens.json").read_text())

        def reading(path: str, who: str) -> Reading:
            return Reading(port, f"{API}/{path}", {"Authorization": f"Bearer {tokens[who]}"})

        middle = encode_cursor(f"project-{rows // 2:07}")
        yield {
            "my projects, 100 of them": reading(f"projects?limit={PAGE}", "ada"),
            "my projects, all of them": reading(f"projects?limit={PAGE}", "grace"),
            "my projects, from the middle": reading(f"projects?limit={PAGE}&after={middle}", "grace"),
            "listed projects": reading(f"listed-projects?limit={PAGE}", "ada"),
            "datasets of a project": reading(f"projects/project-0000000/datasets?limit={PAGE}", "ada"),
        }


def p95_ms(reading: Reading, requests: int) -> float:
    """95th percentile of one after the other, in milliseconds."""
    connection = reading.connect()
    figures = []
    for number in range(requests + 20):
        began = time.perf_counter()
        reading.read(connection)
        if number >= 20:
            figures.append((time.perf_counter() - began) * 1e3)
    connection.close()
    return statistics.quantiles(figures, n=20)[-1]


def requests_a_second(reading: Reading, seconds: float) -> float:
    """Answers a second over some kept connections."""
    counts = [0] * CONNECTIONS
    until = time.perf_counter() + seconds

    def work(number: int) -> None:
        connection = reading.connect()
        while time.perf_counter() < until:
            reading.read(connection)
            counts[number] += 1
        connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


@contextmanager
def hub(folder: Path) -> Iterator[Reading]:
    """JupyterHub with a page of users, asked at its own port, without its proxy in between."""
    folder.mkdir()
    token, port = secrets.token_hex(16), free_port()
    config = folder / "config.py"
    config.write_text(HUB.format(port=port, folder=folder, token=token, page=PAGE, public=free_port()))
    reading = Reading(port, f"/hub/api/users?limit={PAGE}", {"Authorization": f"token {token}"})
    with running(
        [sys.executable, "-m", "jupyterhub", "-f", str(config)], reading.once, 90, cwd=folder, stderr=subprocess.DEVNULL
    ):
        assert len(reading.once()) == PAGE
        yield reading


@contextmanager
def mlflow(folder: Path) -> Iterator[Reading]:
    """MLflow's tracking server with a page of experiments."""
    environment = ROOT / ".hopslab" / "bench" / "mlflow"
    if not (environment / "bin" / "mlflow").exists():
        print("MLflow is installed…", flush=True)
        subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, str(environment)], check=True)
        python = str(environment / "bin" / "python")
        subprocess.run(["uv", "pip", "install", "--quiet", "--python", python, MLFLOW], check=True)
    folder.mkdir()
    port = free_port()
    path = "/api/2.0/mlflow/experiments/search"
    reading = Reading(port, f"{path}?max_results={PAGE}", {})
    store = f"sqlite:///{folder}/mlflow.db"
    command = [str(environment / "bin" / "mlflow"), "server", "--backend-store-uri", store, "--host", "127.0.0.1"]
    command += ["--port", str(port), "--default-artifact-root", str(folder)]
    silent = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    with running(command, reading.once, 180, cwd=folder, stderr=subprocess.DEVNULL, env=silent):
        connection = reading.connect()
        for number in range(PAGE):
            body = json.dumps({"name": f"experiment-{number:03}"})
            connection.request("POST", "/api/2.0/mlflow/experiments/create", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            answer.read()
        connection.close()
        assert len(reading.once()["experiments"]) == PAGE
        yield reading


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10**6)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    os.environ.setdefault("UV_CACHE_DIR", str(ROOT / ".hopslab" / "cache" / "uv"))
    with tempfile.TemporaryDirectory(prefix="hops-bench-") as name:
        folder = Path(name)
        with our_site(folder / "small", given.rows // 1000) as small, our_site(folder / "large", given.rows) as large:
            growth = {}
            for title in small:
                few = min(p95_ms(small[title], given.requests) for _ in range(given.rounds))
                many = min(p95_ms(large[title], given.requests) for _ in range(given.rounds))
                growth[title] = round(many / few, 3)
                print(f"{title}: p95 {few:.2f} ms, {many:.2f} ms with a thousand times more", flush=True)
        few = given.rows // 1000
        with (
            our_site(folder / "ours", few) as ours,
            hub(folder / "hub") as the_hub,
            mlflow(folder / "ml") as the_mlflow,
        ):
            beside = {"ours": ours["my projects, 100 of them"], "jupyterhub": the_hub, "mlflow": the_mlflow}
            speeds: dict[str, list[float]] = {title: [] for title in beside}
            for _ in range(given.rounds):
                for title, reading in beside.items():
                    speeds[title].append(requests_a_second(reading, given.seconds))
                    print(f"{title}: {speeds[title][-1]:.0f} requests/s", flush=True)
        figures = {title: statistics.median(found) for title, found in speeds.items()}
    fastest = max(figures["jupyterhub"], figures["mlflow"])
    worst = max(growth.values())
    return tell(
        bench="rest", value=figures["ours"], unit="requests/s", peer=fastest,
        goal=f"ratio >= {GOAL_RATIO}, p95 at {given.rows} rows <= {GOAL_P95} x",
        holds=figures["ours"] >= GOAL_RATIO * fastest and worst <= GOAL_P95,
        jupyterhub=round(figures["jupyterhub"], 1), mlflow=round(figures["mlflow"], 1), p95_growth=growth,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
