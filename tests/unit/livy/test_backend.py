"""A start that fails gives back what it took, before any process runs."""

import asyncio
import errno
from pathlib import Path

import pytest

from hops_contract.layout import Home
from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_livy.builtin.backend import BuiltinSessions
from hops_livy.builtin.folder import SessionFolder
from hops_livy.engines.drivers import DriverRequest, Shape, StartError
from hops_livy.gpus import GpuLedger
from hops_livy.memory import MemoryLedger

ADA = Principal(kind=PrincipalKind.PROJECT_USER, user="ada", project="weather", role=ProjectRole.DATA_OWNER)
SHAPE = Shape(driver_memory_mib=1, executor_memory_mib=1, executors=2, gpus_per_executor=1)
GPUS = 2


@pytest.fixture
def home(tmp_path, monkeypatch):
    java = tmp_path / "java" / "bin" / "java"
    jars = tmp_path / "environments/base/lib/python3.11/site-packages/pyspark/jars"
    python = tmp_path / "environments/projects/weather/bin/python"
    for file in (java, jars / "spark-core_2.13-4.3.0.jar", python):
        file.parent.mkdir(parents=True)
        file.touch(0o755)
    (tmp_path / "java/release").write_text('JAVA_VERSION="17.0.9"\nMODULES="jdk.incubator.vector"\n')
    (tmp_path / "projects/weather/Jupyter").mkdir(parents=True)
    monkeypatch.setenv("HOPS_JAVA_HOME", str(tmp_path / "java"))
    return Home(tmp_path)


def _refusal(home):
    """What a start is refused with, after making sure that all was given back."""
    gpus, memory = GpuLedger(GPUS), MemoryLedger(limit_mib=10)
    backend = BuiltinSessions(home, control_plane_url="http://127.0.0.1:9/", gpus=gpus, memory=memory, start_s=9)
    request = DriverRequest(
        session_id=4,
        application="application_1_0007",
        kept_outputs=Path("/kept"),
        owner=ADA,
        token="secret",
        name="x",
        shape=SHAPE,
        conf={},
    )
    with pytest.raises(StartError) as refused:
        asyncio.run(backend.start(request))
    assert gpus.take(GPUS, session_id=5, owner="weather__ada") == (0, 1)
    memory.take(10, session_id=5)
    assert not home.session(4).exists()
    return str(refused.value)


@pytest.fixture
def full_disk(monkeypatch):
    def write_secret(self, path, text):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(SessionFolder, "write_secret", write_secret)


def test_a_full_disk_refuses_the_start(home, full_disk):
    sentence = _refusal(home)
    assert "the platform's disk is full" in sentence
    assert str(home.root) not in sentence


def test_a_python_that_can_not_be_run_refuses_the_start(home):
    python: Path = home.environment("weather") / "bin" / "python"
    python.chmod(0o755)
    python.write_bytes(b"\x7fELF nonsense")
    assert "The Python of the project's environment can't be started" in _refusal(home)


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        (
            "environments/base/lib/python3.11/site-packages/pyspark/jars/spark-core_2.13-4.3.0.jar",
            "spark-core is missing",
        ),
        ("environments/projects/weather/bin/python", "environment of project weather is not made yet"),
        ("java/bin/java", "Spark needs Java 17"),
    ],
    ids=["Spark", "environment", "Java"],
)
def test_what_is_missing_is_named(home, monkeypatch, missing, sentence):
    (home.root / missing).unlink()
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert sentence in _refusal(home)
