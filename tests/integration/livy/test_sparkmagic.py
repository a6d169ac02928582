"""Unmodified sparkmagic 0.23, in the environment that users' code runs in, against this service."""

import json
import subprocess

import pytest

from .service_process import BASE

pytestmark = pytest.mark.spark

FLOW = """
import json, os, sys
import sparkmagic.utils.configuration as conf
conf.override_all({"custom_headers": {"Authorization": "Bearer " + sys.stdin.readline().strip()}})
from sparkmagic.auth.customauth import Authenticator
from sparkmagic.livyclientlib.endpoint import Endpoint
from sparkmagic.livyclientlib.command import Command
from sparkmagic.livyclientlib.livyreliablehttpclient import LivyReliableHttpClient
from sparkmagic.livyclientlib.livysession import LivySession
from sparkmagic.livyclientlib.sqlquery import SQLQuery

class Display:
    def __getattr__(self, name):
        return lambda *args, **more: None

endpoint = Endpoint(sys.argv[1], None)
client = LivyReliableHttpClient.from_endpoint(endpoint)
session = LivySession(client, {"kind": "pyspark", "driverMemory": "512m", "executorMemory": "512m"}, Display())
session.start()
seen = {"state": session.status, "spark": session.sql_context_variable_name}
seen["count"] = Command("spark.range(10**6).count()").execute(session)[:2]
seen["error"] = Command("raise ValueError('no')").execute(session)[:2]
seen["sql"] = SQLQuery("select 7 as n, 'x' as s").execute(session).to_dict("records")
seen["image"] = Command("import matplotlib.pyplot as plt\\nplt.plot([1]);\\n%matplot plt").execute(session)[2]
seen["logs"] = isinstance(session.get_logs(), str)
seen["sessions"] = len(client.get_sessions()["sessions"])
session.delete()
seen["left"] = len(client.get_sessions()["sessions"])
print(json.dumps(seen))
"""


def test_unmodified_sparkmagic_starts_runs_queries_and_cleans_up(service, tmp_path):
    done = subprocess.run(
        [BASE / "bin" / "python", "-W", "ignore", "-c", FLOW, service.url],
        input=service.plane.token() + "\n", env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}, capture_output=True,
        text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout.strip().splitlines()[-1])
    assert (seen["state"], seen["spark"]) == ("idle", "spark")
    assert seen["count"] == [True, "1000000"]
    assert seen["error"][0] is False
    assert "ValueError: no" in seen["error"][1]
    assert seen["sql"] == [{"n": 7, "s": "x"}]
    assert seen["image"] == "image/png"
    assert (seen["logs"], seen["sessions"], seen["left"]) == (True, 1, 0)
