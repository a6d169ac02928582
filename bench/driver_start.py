"""From nothing to the first ``count`` in a new Spark session: this service beside stock pyspark, same environment.

Both count ``spark.range(10**6)`` on ``local[1]``, in pairs whose order alternates. Stock pyspark is timed from the
start of its Python; ours from ``POST /sessions`` to the output of the statement over HTTP, without a pool. It needs
what ``make up`` prepares: the base environment and the archive. The last line is one JSON object.
"""

import argparse
import importlib.util
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from verdict import tell

REPOSITORY = Path(__file__).resolve().parent.parent
GOAL = 0.6
STOCK = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.master("local[1]").config("spark.driver.memory", "2g").getOrCreate()
assert spark.range(10**6).count() == 10**6
"""


def load_service() -> Any:
    """The service's test fixtures: a home, a signing key, the service as a process."""
    path = REPOSITORY / "tests" / "integration" / "livy" / "service_process.py"
    spec = importlib.util.spec_from_file_location("service_process", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def time_stock(python: Path, folder: Path) -> float:
    began = time.perf_counter()
    process = subprocess.Popen(
        [str(python), "-c", STOCK + "print('counted', flush=True)\n"], cwd=folder, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    line = process.stdout.readline()
    taken = time.perf_counter() - began
    assert line == "counted\n"
    process.wait()
    return taken


def time_ours(client: Any) -> float:
    began = time.perf_counter()
    session_id = client.post("/sessions", json={"kind": "pyspark"}).json()["id"]
    while client.get(f"/sessions/{session_id}").json()["state"] != "idle":
        pass
    statement = client.post(f"/sessions/{session_id}/statements", json={"code": "spark.range(10**6).count()"}).json()
    while (output := client.get(f"/sessions/{session_id}/statements/{statement['id']}").json()["output"]) is None:
        pass
    taken = time.perf_counter() - began
    assert output["data"]["text/plain"] == "1000000"
    client.delete(f"/sessions/{session_id}")
    return taken


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5)
    pairs = parser.parse_args().pairs
    fixtures = load_service()
    home = fixtures.make_home(Path(tempfile.mkdtemp(prefix="bench-")), "weather")
    python = fixtures.BASE / "bin" / "python"
    ours, stock = [], []
    with fixtures.control_plane_running() as plane:
        service = fixtures.Service(home, plane).start()
        try:
            with service.client() as client:
                for number in range(pairs):
                    steps = [lambda: ours.append(time_ours(client)), lambda: stock.append(time_stock(python, home))]
                    for step in steps if number % 2 == 0 else reversed(steps):
                        step()
                    print(f"pair {number + 1}: ours {ours[-1]:.2f} s, stock {stock[-1]:.2f} s", flush=True)
        finally:
            service.stop()
            shutil.rmtree(home)
    value, peer = statistics.median(ours), statistics.median(stock)
    return tell(
        bench="driver_start", value=value, unit="s from POST /sessions to the count, no pool", peer=peer, goal=GOAL,
        holds=value / peer <= GOAL,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
