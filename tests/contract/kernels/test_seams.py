"""What sparkmagic 0.23 must still have, checked in the project environment."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PYTHON = Path(os.environ.get("HOPS_HOME", ROOT / ".hopslab")) / "environments" / "base" / "bin" / "python"
PROGRAM = """
import inspect, json
from hops_kernels.light_imports import import_sparkmagic
import_sparkmagic()
import sys
left_out = ("jupyter_server", "plotly", "autovizwidget", "requests_kerberos", "pandas.core")
heavy = [name for name in left_out if name in sys.modules]
from sparkmagic.kernels.kernelmagics import KernelMagics
from sparkmagic.kernels.wrapperkernel.sparkkernelbase import SparkKernelBase
from sparkmagic.livyclientlib.command import Command
from sparkmagic.livyclientlib.livyreliablehttpclient import LivyReliableHttpClient
from sparkmagic.livyclientlib.livysession import LivySession
from sparkmagic.livyclientlib.reliablehttpclient import ReliableHttpClient
from sparkmagic.livyclientlib.sparkcontroller import SparkController
from ipykernel.kernelbase import Kernel
from ipykernel.subshell_manager import SubshellManager
def names(function): return list(inspect.signature(function).parameters)
print(json.dumps({
    "heavy": heavy,
    "controller": names(SparkController._livy_session),
    "endpoint": names(SparkController._http_client),
    "session": names(LivySession.__init__),
    "heartbeat": [hasattr(LivySession, name) for name in ("_start_heartbeat_thread", "_stop_heartbeat_thread")],
    "command": names(Command.execute),
    "execute_spark": names(KernelMagics.execute_spark),
    "execute_sqlquery": names(KernelMagics.execute_sqlquery),
    "start": names(KernelMagics._do_not_call_start_session),
    "kernel": [hasattr(SparkKernelBase, name) for name in (
        "_load_magics_extension", "_delete_session", "_queue_fatal_error", "_repeat_fatal_error")],
    "client": [name in inspect.getsource(LivyReliableHttpClient) for name in ("self._http_client",)],
    "configure": [hasattr(KernelMagics.configure, "parser"), hasattr(KernelMagics, "_override_session_settings")],
    "beside": [names(Kernel.shell_channel_thread_main), names(SubshellManager._create_subshell)],
    "request": names(ReliableHttpClient._send_request),
    "http": [name in inspect.getsource(ReliableHttpClient) for name in ("self._session", "self._auth", "verify_ssl")],
}))
"""


@pytest.fixture(scope="module")
def seams():
    answer = subprocess.run(
        [PYTHON, "-W", "ignore", "-c", PROGRAM],
        env={"PYTHONPATH": str(ROOT / "kernels"), "PATH": os.environ["PATH"], "HOME": "/nonexistent"},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout.splitlines()[-1])


def test_the_kernels_import_leaves_the_heavy_modules_out(seams):
    assert seams["heavy"] == []


def test_sparkmagic_still_has_every_seam(seams):
    assert seams["controller"] == ["http_client", "properties", "ipython_display", "session_id"]
    assert seams["endpoint"] == ["self", "endpoint"]
    assert seams["session"][:5] == ["self", "http_client", "properties", "ipython_display", "session_id"]
    assert seams["command"] == ["self", "session"]
    assert seams["execute_spark"] == [
        "self", "cell", "output_var", "samplemethod", "maxrows", "samplefraction", "session_name", "coerce",
        "output_handler",
    ]  # fmt: skip
    assert seams["execute_sqlquery"] == [
        "self", "cell", "samplemethod", "maxrows", "samplefraction", "session", "output_var", "quiet", "coerce",
    ]  # fmt: skip
    assert seams["start"] == ["self", "line", "cell", "local_ns"]
    assert seams["request"] == ["self", "relative_url", "accepted_status_codes", "function", "data"]
    assert seams["beside"] == [["self", "msg"], ["self"]]
    for part in ("configure", "heartbeat", "kernel", "client", "http"):
        assert all(seams[part]), part
