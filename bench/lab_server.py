"""A real JupyterLab on a free port, with or without the built extension; for `bench/lab.py` and the browser tests."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXTENSION = ROOT / "server_extension" / "jupyterlab_hops" / "labextension"
CHROMIUM = os.environ.get("HOPS_TEST_CHROMIUM", "/usr/bin/chromium")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DATASETS = ("Jupyter", "Resources", "Logs", "Experiments", "Models")
TOKEN = "scripted"  # noqa: S105 - of a Lab that ends with the test
START_S = 60
END_S = 15
QUIET = '{"fetchNews": "false", "checkForUpdates": false}'


@dataclass(frozen=True)
class RunningLab:
    """A JupyterLab that answers."""

    url: str
    token: str
    folder: Path
    """The project's folder, Lab's root."""

    def workspace(self, name: str) -> str:
        """Address of an empty workspace."""
        return f"{self.url}lab/workspaces/{name}?token={self.token}&reset"


@contextmanager
def running_lab(home: Path, *, with_extension: bool, server_folder: Path | None = None) -> Iterator[RunningLab]:
    """Starts JupyterLab with nothing but what lies in ``home``, and ends it.

    Args:
        home: An empty folder.
        with_extension: Whether Lab has the extension.
        server_folder: The folder of a project's notebook server, for the server side of the extension as well.

    Raises:
        RuntimeError: The extension is not built, or Lab does not start.
    """
    folder = home / "project"
    for dataset in DATASETS:
        (folder / dataset).mkdir(parents=True)
    extensions = home / "labextensions"
    extensions.mkdir()
    if with_extension:
        if not (EXTENSION / "package.json").is_file():
            raise RuntimeError("The Lab extension is not built; run `npm ci && npm run build:prod` first.")
        (extensions / "jupyterlab-hops").symlink_to(EXTENSION)
    notification = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    notification.parent.mkdir(parents=True)
    notification.write_text(QUIET)
    log = home / "lab.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
                *("--ServerApp.ip=127.0.0.1", "--ServerApp.port=0", f"--ServerApp.root_dir={folder}"),
                f"--LabApp.labextensions_path={extensions}",
                *([] if server_folder is None else ["--ServerApp.jpserver_extensions={'jupyterlab_hops': True}"]),
            ],
            stdout=sink,
            stderr=subprocess.STDOUT,
            env=os.environ | _environment(home, server_folder),
        )
    try:
        yield RunningLab(url=_address(process, log), token=TOKEN, folder=folder)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _environment(home: Path, server_folder: Path | None) -> dict[str, str]:
    return ({} if server_folder is None else {"HOPS_SERVER_FOLDER": str(server_folder)}) | {
        "HOME": str(home),
        "JUPYTER_TOKEN": TOKEN,
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"(http://127\.0\.0\.1:[1-9]\d*/)lab", log.read_text(errors="replace"))
        if found:
            return found.group(1)
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-2000:]}")
