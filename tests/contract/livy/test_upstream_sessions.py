"""The contract of SessionBackend, kept by the backend for Apache Livy; behind it a scripted Livy of two versions."""

import httpx
import pytest

from hops_contract.layout import Home
from hops_livy.upstream.backend import UpstreamSessions
from hops_livy.upstream_settings import UpstreamSettings

from .scripted_livy import ScriptedLivy, error, text
from .test_session_backend import Able, SessionBackendContract

OUTPUTS = {
    "print('x')\n2": text("x\n2"),
    "1/0": error(
        "ZeroDivisionError", "division by zero", "Traceback (most recent call last):", '  File "<stdin>", line 1'
    ),
    "print('begun', flush=True)\nimport time; time.sleep(600)": ScriptedLivy.HOLD,
    "select 1 as n": {"status": "ok", "data": {"application/json": {"schema": {"fields": []}, "data": [[1]]}}},
    "import time\nfor i in range(30):\n    print(i, flush=True)\n    time.sleep(0.1)\n'over'": text(
        "".join(f"{i}\n" for i in range(30)) + "'over'"
    ),
    "'never begun'": text("'never begun'"),
}


class TestUpstreamSessions(SessionBackendContract):
    able = Able(
        streams=False,
        tells_values_apart=False,
        names_cells=False,
        tells_progress=False,
        completes_python=False,
        inspects=False,
        counts_resources=False,
    )

    @pytest.fixture(autouse=True, params=["0.7", "0.8"])
    def _livy(self, request, tmp_path):
        self.home, self.kept = Home(tmp_path), tmp_path / "kept"
        self.livy = ScriptedLivy(version=request.param, outputs=OUTPUTS, looks=3)
        yield
        assert (self.livy.sessions, self.livy.batches) == ({}, {})

    def make_backend(self):
        return UpstreamSessions(
            self.home,
            UpstreamSettings(url="http://livy.test:8998"),
            start_s=120,
            deserted_s=600,
            transport=httpx.ASGITransport(self.livy.app),
        )
