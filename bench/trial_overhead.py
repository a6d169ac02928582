"""What a trial costs on top of a bare Spark task: 64 empty trials on 4 slots, with Ray Tune beside them.

    python bench/trial_overhead.py [--without-ray]

Spark runs in the project environment, Ray in one of its own below the platform's home, made with uv. Both are warmed
up; then bare tasks and trials take turns, and medians are compared. Where Ray can't be installed or run, the peer is
the bare Spark job itself.
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

from verdict import tell

ROOT = Path(__file__).parents[1]
HOME = Path(os.environ.get("HOPS_HOME", ROOT / ".hopslab"))
TRIALS = 64
SLOTS = 4
ROUNDS = 7
RAY_ROUNDS = 2
RAY_WARM_UP = 8
GOAL_MS = 20.0
UNIT = "ms per trial more than a bare task"
INSTALL_PATIENCE_S = 240
PATIENCE_S = 120
# Tune starts a worker process for each trial: about a second of one, here.
RAY_PATIENCE_S = 420

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

bare(); trials(); bare(); trials()
rounds = []
for _ in range({ROUNDS}):
    rounds.append([took(bare), took(trials)])
    print(json.dumps(rounds), flush=True)
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

def trials(number={TRIALS}):
    space = {{"x": tune.grid_search(list(range(number)))}}
    tune.run(lambda config: {{"metric": config["x"]}}, config=space, verbose=0)

def took(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began

bare(); trials({RAY_WARM_UP})
rounds = []
for _ in range({RAY_ROUNDS}):
    rounds.append([took(bare), took(trials)])
    print(json.dumps(rounds), flush=True)
"""


def measured(
    python: Path, script: str, environment: dict[str, str], patience_s: float = PATIENCE_S
) -> list[list[float]]:
    """Seconds of each round, bare and with trials; those of a run that was cut short count as far as it came."""
    output = Path(environment["HOME"], "rounds")
    errors = Path(environment["HOME"], "errors")
    with output.open("w") as out, errors.open("w") as err:
        process = subprocess.Popen(
            [str(python), "-c", script],
            env=environment,
            cwd=environment["HOME"],
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            code: int | None = process.wait(timeout=patience_s)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            # Engines leave processes of their own behind when they are cut short.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    told = [line for line in output.read_text().splitlines() if line.startswith("[[")]
    if not told:
        reason = f"it took longer than {patience_s:.0f} s on this machine" if code is None else errors.read_text()
        raise RuntimeError(reason[-2000:].strip() or f"it ended with exit code {code}")
    return json.loads(told[-1])


def median_ms(rounds: list[list[float]]) -> tuple[float, float]:
    """Milliseconds of a bare task, and those that a trial costs more: medians of the rounds."""
    bare = statistics.median(bare for bare, _ in rounds)
    trials = statistics.median(trials for _, trials in rounds)
    return bare / TRIALS * 1000, (trials - bare) / TRIALS * 1000


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
        variables = {"UV_CACHE_DIR": str(HOME / "cache" / "uv")} | os.environ
        for step in (["venv", "--clear", str(folder)], ["pip", "install", "--python", str(python), "ray[tune]"]):
            subprocess.run(
                [*command, "--quiet", *step], check=True, env=variables, timeout=INSTALL_PATIENCE_S, stdout=sys.stderr
            )
        (folder / "ready").touch()
    return python


def spark_numbers(folder: Path) -> tuple[float, float]:
    """What a bare Spark task takes, and what a trial takes more."""
    python = HOME / "environments/base/bin/python"
    if not python.exists():
        raise RuntimeError("The project environment is not made: run 'make up' once.")
    rounds = measured(python, SPARK, environment(folder, python))
    for bare, trials in rounds:
        print(f"Spark: {TRIALS} bare tasks {bare:.3f} s, {TRIALS} trials {trials:.3f} s")
    return median_ms(rounds)


def ray_numbers(folder: Path) -> float | None:
    """What a trial of Ray Tune takes more than a bare task of Ray; None where it can't be measured."""
    try:
        python = ray_python()
        rounds = measured(python, RAY, environment(folder, python), RAY_PATIENCE_S)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        print(f"Ray Tune is left out, because it could not be installed or run: {str(error)[-500:]}")
        return None
    for bare, trials in rounds:
        print(f"Ray: {TRIALS} bare tasks {bare:.3f} s, {TRIALS} Tune trials {trials:.3f} s")
    return median_ms(rounds)[1]


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="Milliseconds a trial costs more than a bare Spark task.")
    parser.add_argument("--without-ray", action="store_true", help="leave the peer out")
    chosen = parser.parse_args()
    try:
        # Ray's sockets need a short path.
        with tempfile.TemporaryDirectory(prefix="b-", dir="/tmp", ignore_cleanup_errors=True) as folder:
            bare, own = spark_numbers(Path(folder))
            tune = None if chosen.without_ray else ray_numbers(Path(folder))
    except (OSError, RuntimeError) as error:
        print(f"Not measured: {error}")
        return tell(bench="trial_overhead", value=None, unit=UNIT, peer=None, goal=GOAL_MS, holds=False)
    peer, name = (bare, "bare Spark job") if tune is None else (tune, "Ray Tune")
    return tell(
        bench="trial_overhead", value=own, unit=UNIT, peer=peer, goal=GOAL_MS, holds=own <= GOAL_MS, peer_name=name
    )


if __name__ == "__main__":
    sys.exit(main())
