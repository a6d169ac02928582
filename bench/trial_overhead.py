"""What a trial costs on top of a bare Spark task: 64 empty trials on 4 slots, with Ray Tune beside them.

    python bench/trial_overhead.py [--without-ray]

Spark runs in the project environment, Ray in one of its own below the platform's home, made with uv. The last line
is JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
HOME = Path(os.environ.get("HOPS_HOME", ROOT / ".hopslab"))
TRIALS = 64
SLOTS = 4
ROUNDS = 3
GOAL_MS = 20.0
PATIENCE_S = 200

SPARK = f"""
import json, time
from pyspark.sql import SparkSession
from hops import experiment

spark = SparkSession.builder.master("local[{SLOTS}]").config("spark.ui.enabled", "false").getOrCreate()
context = spark.sparkContext
context.setLogLevel("OFF")

def empty(x):
    return x

def bare():
    context.parallelize(range({TRIALS}), {TRIALS}).foreachPartition(lambda part: None)

def trials():
    experiment.launch(empty, {{"x": list(range({TRIALS}))}})

def took(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began

bare(); trials()
print(json.dumps([[took(bare), took(trials)] for _ in range({ROUNDS})]))
"""

RAY = f"""
import json, logging, os, time
os.environ.update(RAY_AIR_NEW_OUTPUT="0", RAY_USAGE_STATS_ENABLED="0", TUNE_DISABLE_AUTO_CALLBACK_LOGGERS="1")
import ray
from ray import tune

ray.init(num_cpus={SLOTS}, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)

@ray.remote
def task(x):
    return x

def bare():
    ray.get([task.remote(x) for x in range({TRIALS})])

def trials():
    space = {{"x": tune.grid_search(list(range({TRIALS})))}}
    tune.run(lambda config: {{"metric": config["x"]}}, config=space, verbose=0)

def took(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began

bare(); bare()
print(json.dumps([[took(bare), took(trials)]]))
"""


def measured(python: Path, script: str, environment: dict[str, str]) -> list[list[float]]:
    """Seconds of each round, bare and with trials."""
    with subprocess.Popen(
        [str(python), "-c", script],
        env=environment,
        cwd=environment["HOME"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            output, errors = process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"it took longer than {PATIENCE_S} s on this machine") from None
        finally:
            # Engines leave processes of their own behind when they are cut short.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        raise RuntimeError(errors[-2000:])
    return json.loads(output.strip().splitlines()[-1])


def overhead_ms(rounds: list[list[float]]) -> float:
    """Milliseconds a trial costs more than a bare task: the median of the rounds."""
    return statistics.median((trials - bare) / TRIALS * 1000 for bare, trials in rounds)


def environment(folder: Path, python: Path) -> dict[str, str]:
    """The variables of a session, in a folder of its own."""
    project = folder / "bench"
    (project / "Experiments").mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "JAVA_HOME", "LANG") if name in os.environ}
    return kept | {
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "PYSPARK_PYTHON": str(python),
        "PYTHONPATH": str(ROOT / "user_library"),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "HOPS_PROJECT": "bench",
        "HOPS_USER": "ada",
        "HOPS_PROJECT_PATH": str(project),
    }


def ray_python() -> Path:
    """Python of an environment with Ray Tune, made if it is absent."""
    folder = HOME / "bench" / "ray"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        uv = shutil.which("uv")
        command = [uv] if uv else [sys.executable, "-m", "uv"]
        subprocess.run([*command, "venv", "--quiet", "--clear", str(folder)], check=True)
        subprocess.run([*command, "pip", "install", "--quiet", "--python", str(python), "ray[tune]"], check=True)
        (folder / "ready").touch()
    return python


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="Milliseconds a trial costs more than a bare Spark task.")
    parser.add_argument("--without-ray", action="store_true", help="leave the peer out")
    chosen = parser.parse_args()
    python = HOME / "environments/base/bin/python"
    if not python.exists():
        print("The project environment is not made: run 'make up' once.", file=sys.stderr)
        return 2
    # Ray's sockets need a short path.
    with tempfile.TemporaryDirectory(prefix="b-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        rounds = measured(python, SPARK, environment(Path(folder), python))
        for bare, trials in rounds:
            print(f"Spark: {TRIALS} bare tasks {bare:.3f} s, {TRIALS} trials {trials:.3f} s")
        own = overhead_ms(rounds)
        peer = None
        if not chosen.without_ray:
            try:
                ray_rounds = measured(ray_python(), RAY, environment(Path(folder), python))
                for bare, trials in ray_rounds:
                    print(f"Ray: {TRIALS} bare tasks {bare:.3f} s, {TRIALS} Tune trials {trials:.3f} s")
                peer = overhead_ms(ray_rounds)
            except (OSError, RuntimeError, subprocess.SubprocessError) as error:
                print(f"Ray Tune is left out, because it could not be installed or run: {str(error)[-500:]}")
    result = {
        "bench": "trial_overhead",
        "value": round(own, 2),
        "unit": "ms per trial more than a bare task",
        "peer": None if peer is None else {"name": "Ray Tune", "value": round(peer, 2)},
        "ratio": None if not peer else round(own / peer, 4),
        "goal": GOAL_MS,
        "holds": own <= GOAL_MS,
    }
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
