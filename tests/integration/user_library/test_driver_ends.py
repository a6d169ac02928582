"""What a run's summary tells when its driver ends in the middle."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess

import pytest

pytestmark = pytest.mark.spark


@pytest.mark.parametrize(
    ("how", "code", "state"), [("by-signal", -signal.SIGKILL, "RUNNING"), ("by-itself", 0, "KILLED")]
)
def test_the_summary_holds_what_was_done_when_the_driver_ended(runner, tmp_path, how, code, state):
    process = subprocess.Popen(
        [runner.project_python(), str(runner.SCENARIOS / "killed.py"), how],
        env=runner.environment(tmp_path),
        cwd=tmp_path / "projects/weather/Jupyter",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        process.wait(timeout=120)
    finally:
        # Spark's Java outlives a driver that is killed for a moment; it is of the same process group.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        output = process.communicate()[0]
    assert process.returncode == code, output[-6000:]
    (path,) = (tmp_path / "projects/weather/Experiments").glob("*/.summary.json")
    summary = json.loads(path.read_text())
    assert summary["state"] == state
    assert [trial["state"] for trial in summary["combinations"]] == ["FINISHED"] * 2 + [state] * 3
    assert [trial["metric"] for trial in summary["combinations"]] == [1, 2, None, None, None]
    assert summary["best"]["metric"] == 2
