"""Runs scenario scripts in the project environment, where Spark is; each prints one JSON object at its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
SCENARIOS = Path(__file__).parent / "scenarios"


def project_python() -> str:
    home = Path(os.environ.get("HOPS_HOME", ROOT / ".hopslab"))
    python = Path(os.environ.get("HOPS_TEST_PROJECT_PYTHON", home / "environments/base/bin/python"))
    if not python.exists():
        pytest.skip("the project environment is not made: run 'make up' once")
    return str(python)


def environment(folder: Path) -> dict[str, str]:
    project = folder / "projects" / "weather"
    for dataset in ("Jupyter", "Resources", "Experiments"):
        (project / dataset).mkdir(parents=True, exist_ok=True)
    python = project_python()
    kept = {name: os.environ[name] for name in ("PATH", "JAVA_HOME", "LANG") if name in os.environ}
    return kept | {
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder),
        "SPARK_WORKER_DIR": str(folder / "work"),
        "PYSPARK_PYTHON": python,
        "PYTHONPATH": f"{ROOT / 'user_library'}:{SCENARIOS}",
        "HOPS_PROJECT": "weather",
        "HOPS_USER": "ada",
        "HOPS_PROJECT_PATH": str(project),
        "HOPS_SERVER_PREFIX": "/user/ada/weather/",
    }


def run_scenario(
    name: str,
    folder: Path,
    *,
    variables: Mapping[str, str] | None = None,
    interrupt_when: str | None = None,
    interruptions: int = 1,
) -> dict[str, Any]:
    """Runs a script in a session of its own.

    Args:
        name: The script.
        folder: Home of the session.
        variables: Variables on top of a session's own.
        interrupt_when: Text that the script prints when it is to be interrupted with SIGINT.
        interruptions: How often it is interrupted, a tenth of a second apart.
    """
    output = folder / f"{name}.out"
    with output.open("w") as file:
        process = subprocess.Popen(
            [project_python(), str(SCENARIOS / f"{name}.py")],
            env=environment(folder) | dict(variables or {}),
            cwd=folder / "projects/weather/Jupyter",
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            if interrupt_when is not None:
                deadline = time.monotonic() + 120
                while (
                    interrupt_when not in output.read_text() and time.monotonic() < deadline and process.poll() is None
                ):
                    time.sleep(0.1)
                for _ in range(interruptions):
                    process.send_signal(signal.SIGINT)
                    time.sleep(0.1)
            process.wait(timeout=240)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    text = output.read_text()
    assert process.returncode == 0, text[-6000:]
    return json.loads(text.strip().splitlines()[-1])
