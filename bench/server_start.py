"""CPU seconds that a notebook server costs to start: ours with the extension, and a stock jupyterhub-singleuser.

Both run the same versions of JupyterHub, JupyterLab and Jupyter Server, log in at the same scripted Hub, and are
measured from the start of the process until ``GET api/status`` answers, with the time of all their child processes.
Ours has the folder and the variables that the spawner gives to it. The stock environment is made below
``.hopslab/bench`` with nothing left out. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path, PurePosixPath

import psutil
from pydantic import SecretStr
from verdict import tell

from hops_contract.options import ServerOptions
from hops_contract.principal import ProjectRole
from hops_contract.servers import ServerConfig, ServerGrant
from hops_spawner.environment import server_environment
from hops_spawner.files import FOLDERS, server_files
from hops_spawner.folder import write_folder
from tests.ports import free_port
from tests.sample_certificate import SAMPLE

ROOT = Path(__file__).resolve().parents[1]
GOAL = 0.6
TOKEN = "benchmark"  # noqa: S105 - of a Hub that ends with the benchmark
SAME_VERSIONS = ("jupyterhub", "jupyterlab", "jupyter-server")
PATIENCE_S = 60


class ScriptedHub(BaseHTTPRequestHandler):
    """As much of the Hub's API as a single-user server asks for while it starts."""

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        user = {
            "name": "ada", "kind": "user", "admin": False, "groups": [], "server": "/user/ada/weather/", "roles": [],
            "scopes": ["access:servers!server=ada/weather"],
        }  # fmt: skip
        body = json.dumps({"version": version("jupyterhub")} if self.path.endswith("/api/") else user).encode()
        self.send_response(200)
        self.send_header("X-JupyterHub-Version", version("jupyterhub"))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        """Answers."""
        self._answer()

    def do_POST(self) -> None:
        """Answers."""
        self._answer()


def stock_environment(folder: Path) -> Path:
    """Makes the stock environment, if it is not there, and returns its prefix."""
    marker = folder / ".ready"
    wanted = " ".join(f"{name}=={version(name)}" for name in SAME_VERSIONS)
    if marker.exists() and marker.read_text() == wanted:
        return folder
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, str(folder)], check=True)
    subprocess.run(
        [uv, "pip", "install", "-q", "--compile-bytecode", "--python", str(folder / "bin/python"), *wanted.split()],
        check=True,
    )
    marker.write_text(wanted)
    return folder


def environment(prefix: Path, hub: str, port: int, folder: Path, *, ours: bool) -> dict[str, str]:
    """What the Hub gives to a single-user server, and what ours gets beside it."""
    variables = {
        "PATH": f"{prefix / 'bin'}:/usr/bin:/bin", "HOME": str(folder / "home"), "LANG": "C.UTF-8",
        "JUPYTERHUB_API_TOKEN": TOKEN, "JPY_API_TOKEN": TOKEN, "JUPYTERHUB_CLIENT_ID": "jupyterhub-user-ada-weather",
        "JUPYTERHUB_API_URL": f"{hub}/hub/api", "JUPYTERHUB_HOST": "", "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_OAUTH_CALLBACK_URL": "/user/ada/weather/oauth_callback", "JUPYTERHUB_USER": "ada",
        "JUPYTERHUB_SERVER_NAME": "weather", "JUPYTERHUB_SERVICE_PREFIX": "/user/ada/weather/",
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}/user/ada/weather/",
        "JUPYTERHUB_ACTIVITY_URL": f"{hub}/hub/api/users/ada/activity",
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": '["access:servers!server=ada/weather"]', "JUPYTERHUB_OAUTH_SCOPES": "[]",
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"), "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTERHUB_ROOT_DIR": str(folder / "home"),
    }  # fmt: skip
    if not ours:
        return variables
    return server_environment(
        variables, grant_for(folder).config, PurePosixPath(folder / "server"), home=PurePosixPath(folder / "home")
    )


def grant_for(folder: Path) -> ServerGrant:
    """What the control plane would grant. Its token says that it lives for long, so nothing is renewed meanwhile."""
    config = ServerConfig(
        project="weather", project_title="Weather", user="ada", role=ProjectRole.DATA_OWNER, options=ServerOptions(),
        project_folder=str(folder / "home"), environment=sys.prefix, control_plane_url="http://127.0.0.1:9/",
        livy_url="http://127.0.0.1:9",
    )  # fmt: skip
    token = SecretStr("e30.eyJpYXQiOjAsImV4cCI6OTk5OTk5OTk5OX0.c2ln")
    return ServerGrant(config=config, token=token, certificate=SAMPLE, display_name="Weather")


def prepare(folder: Path, *, ours: bool) -> None:
    """The folders of one start, and for ours the notebook server's folder as the spawner writes it."""
    (folder / "home" / "Jupyter").mkdir(parents=True)
    if ours:
        write_folder(folder / "server", server_files(grant_for(folder)), FOLDERS)
    else:
        for name in ("runtime", "config"):
            (folder / name).mkdir()


def cpu_seconds(process: psutil.Process) -> float:
    """User and system time of ``process`` and of all the children that it has or had."""
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        times = one.cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
    return total


def measure(prefix: Path, hub: str, *, ours: bool) -> float:
    """CPU seconds of one start."""
    port = free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, ours=ours)
        log = folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(prefix / "bin/python"), "-m", "jupyterhub.singleuser", "--allow-root"],
                env=environment(prefix, hub, port, folder, ours=ours),
                cwd=folder / "home",
                stdout=output,
                stderr=output,
            )
        try:
            address = f"http://127.0.0.1:{port}/user/ada/weather/api/status"
            request = urllib.request.Request(address, headers={"Authorization": f"token {TOKEN}"})
            deadline = time.monotonic() + PATIENCE_S
            while True:
                try:
                    with urllib.request.urlopen(request, timeout=5):  # noqa: S310 - the address is our own
                        break
                except urllib.error.HTTPError as error:
                    raise SystemExit(f"The server answered {error.code}: {log.read_text()[-1500:]}") from error
                except (urllib.error.URLError, OSError):
                    if process.poll() is not None or time.monotonic() > deadline:
                        raise SystemExit(f"The server did not start: {log.read_text()[-3000:]}") from None
                    time.sleep(0.02)
            if ours and "jupyterlab_hops" not in log.read_text():
                raise SystemExit(f"The extension was not loaded: {log.read_text()[-3000:]}")
            return cpu_seconds(psutil.Process(process.pid))
        finally:
            # Extensions start programs that write into the folder; they must be gone before it is.
            family: list[psutil.Process] = []
            with contextlib.suppress(psutil.NoSuchProcess):
                family = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            for one in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
            psutil.wait_procs(family, timeout=PATIENCE_S)
            process.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="starts of each (at least 5)")
    runs = max(5, parser.parse_args().runs)
    os.environ.setdefault("UV_CACHE_DIR", str(ROOT / ".hopslab" / "cache" / "uv"))
    stock = stock_environment(ROOT / ".hopslab" / "bench" / "stock-server")
    hub = ThreadingHTTPServer(("127.0.0.1", 0), ScriptedHub)
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{hub.server_port}"
    times: dict[str, list[float]] = {"ours": [], "stock": []}
    try:
        for run in range(runs + 1):
            for name, prefix in (("ours", Path(sys.prefix)), ("stock", stock)):
                seconds = measure(prefix, address, ours=name == "ours")
                if run:  # the first of each only warms the disk's cache and writes bytecode
                    times[name].append(seconds)
                    print(f"{name:6} {seconds:.2f} s", flush=True)
    finally:
        hub.shutdown()
        hub.server_close()
    ours, peer = statistics.median(times["ours"]), statistics.median(times["stock"])
    return tell(bench="server_start", value=ours, unit="CPU s", peer=peer, goal=GOAL, holds=ours / peer <= GOAL)


if __name__ == "__main__":
    sys.exit(main())
