"""docs/why-did-my-session-not-start.md: each of its sentences is said by the real service, in the case it is about."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.unit.livy.test_why_not_started_here import CASES as SAID_WITHOUT_A_SERVICE
from tests.unit.livy.why_page import PAGE, collected
from tests.waiting import until

from .service_process import BASE, NO_SANDBOX, ROOMY, Service, make_home

pytestmark = pytest.mark.spark

# What a cluster and Apache Livy say is brought about in tests/unit/livy/test_why_not_started_elsewhere.py.
SENTENCES = [
    sentence
    for sentence in re.findall(r"^\| \*(.+?)\* \|", PAGE.partition("## On a cluster of the site")[0], re.MULTILINE)
    if sentence not in SAID_WITHOUT_A_SERVICE
]
CASES, case = collected()
SMALL = {"kind": "pyspark", "driverMemory": "512m", "executorMemory": "512m"}
GPUS = "spark.executor.resource.gpu.amount"


def refused(client, **options):
    """The words of a refusal."""
    answer = client.post("/sessions", json={**SMALL, **options})
    assert answer.status_code >= 400, answer.text
    return answer.json()["detail"]


def ended(client, number, seconds=120):
    """Why a session ended before it was ready."""

    def summary():
        told = client.get(f"/sessions/{number}/summary").json()
        assert told["state"] != "idle", "it has started"
        return told

    ends = {"dead", "killed", "error"}
    return until(summary, wanted=lambda told: told["state"] in ends, seconds=seconds, pause_s=0.1)["reason"]


def started(client, **options):
    answer = client.post("/sessions", json={**SMALL, **options})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


@contextlib.contextmanager
def having(client, **options):
    """A session that has what it was given, though it need not have started."""
    number = started(client, **options)
    try:
        yield number
    finally:
        client.delete(f"/sessions/{number}")


class Stage:
    """Services that differ in their settings and homes, each started when a case first asks for it."""

    def __init__(self, plane):
        self.plane = plane
        self._services: list[tuple[Service, Path]] = []
        self._kept: dict[tuple, Service] = {}
        self.small_disk: Callable

    def service(self, *projects, mend=lambda _home: None, **settings):
        """A service with these settings over a home that ``mend`` has been at."""
        key = (projects, getattr(mend, "__name__", ""), *sorted(settings.items()))
        if key not in self._kept:
            root = Path(tempfile.mkdtemp(prefix="why-"))
            home = make_home(root, *(projects or ("weather",)))
            mend(home)
            service = Service(home, self.plane, {"HOPS_GPUS": "2", "HOPS_GPU_LABELS": "fast", **settings})
            self._services.append((service, root))
            self._kept[key] = service.start()
        return self._kept[key]

    def client(self, *projects, user="ada", project="weather", **options):
        # Another user each time: what a case leaves behind must not meet the next one.
        return self.service(*projects, **options).client(self.plane.token(user, project))

    def close(self):
        for service, root in self._services:
            service.stop()
            shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="module")
def stage(control_plane):
    made = Stage(control_plane)
    try:
        yield made
    finally:
        made.close()


def pattern(sentence):
    return ".+".join(re.escape(part) for part in sentence.split("…"))


def test_every_sentence_of_the_page_has_a_case_and_every_case_a_sentence():
    assert len(SENTENCES) == len(set(SENTENCES)) > 25
    assert set(SENTENCES) == set(CASES)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_the_service_says_so(sentence, stage, small_disk):
    stage.small_disk = small_disk
    told = CASES[sentence](stage)
    assert re.search(pattern(sentence), told), told


@case("Waits for …: … of … in the queue. In use: …")
def _(stage):
    with stage.client() as client, having(client, conf={GPUS: 2}), having(client, conf={GPUS: 1}) as number:
        return client.get(f"/sessions/{number}/summary").json()["reason"]


@case("There is no room now. It needs …")
def _(stage):
    with stage.client(HOPS_SESSIONS="1") as client, having(client):
        return refused(client, onNoRoom="fail")


@case("… GPUs were asked for; … of … are free now. In use: …")
def _(stage):
    with stage.client() as client, having(client, conf={GPUS: 2}) as number:
        other = client.post("/sessions:check", json={**SMALL, "conf": {GPUS: 2}}, params={"instead_of": number})
        assert other.status_code == 200, other.text
        with having(client) as idle:
            asked = client.post("/sessions:check", json={**SMALL, "conf": {GPUS: 2}}, params={"instead_of": idle})
            return asked.json()["detail"]


@case("… GPUs were asked for; this machine has …")
def _(stage):
    with stage.client() as client:
        return refused(client, conf={GPUS: 3})


@case("No GPU here has the label …; there are …")
def _(stage):
    with stage.client() as client:
        return refused(client, conf={GPUS: 1, "spark.hops.gpu.label": "infiniband"})


@case("… of memory were asked for; sessions may use … together. Ask for less.")
def _(stage):
    with stage.client(HOPS_MEMORY_MIB="2048") as client:
        return refused(client, driverMemory="3g")


@case("… asked for; the project may use …")
def _(stage):
    stage.plane.limits = ROOMY.model_copy(update={"max_executors": 2})
    try:
        with stage.client() as client:
            return refused(client, numExecutors=3)
    finally:
        stage.plane.limits = ROOMY


@case("It waited in the queue for … minutes in vain")
def _(stage):
    with stage.client(HOPS_QUEUE_WAIT_S="1") as client, having(client, conf={GPUS: 2}):
        return ended(client, started(client, conf={GPUS: 1}))


@case("… sessions wait already, and there is no room for another one")
def _(stage):
    with stage.client(HOPS_QUEUE="1") as client, having(client, conf={GPUS: 2}), having(client, conf={GPUS: 1}):
        return refused(client, conf={GPUS: 1})


@case("… of your sessions wait already; … are the most that one person may have in the queue.")
def _(stage):
    with (
        stage.client(HOPS_QUEUE_PER_PERSON="1") as client,
        having(client, conf={GPUS: 2}),
        having(client, conf={GPUS: 1}),
    ):
        return refused(client, conf={GPUS: 1})


@case("You have … sessions, the most that one may have. Stop one in the sidebar Spark sessions.")
def _(stage):
    with stage.client(HOPS_SESSIONS_PER_OWNER="1") as client, having(client):
        return refused(client)


@case("… can't be set: …")
def _(stage):
    with stage.client() as client:
        return refused(client, conf={"spark.master": "spark://elsewhere:7077"})


@case("The request can't be understood. …")
def _(stage):
    with stage.client() as client:
        return refused(client, executorMemory="lots")


@case("Duplicate session name: … for session …")
def _(stage):
    with stage.client() as client, having(client, name="mine"):
        return refused(client, name="mine")


@case("There is no kind …; the kinds are …")
def _(stage):
    with stage.client() as client:
        return refused(client, kind="fortran")


@case("Project … has no dataset Jupyter to work in.")
def _(stage):
    def without_the_dataset(home):
        shutil.rmtree(home / "projects" / "weather" / "Jupyter")

    with stage.client(mend=without_the_dataset) as client:
        return refused(client)


@case("The environment of project … is not made yet; try again in a moment.")
def _(stage):
    with stage.client(project="sales") as client:
        return refused(client)


@case("The base environment holds no Spark; …")
def _(stage):
    def without_spark(home):
        (home / "environments" / "base").unlink()
        (home / "environments" / "base").mkdir()

    with stage.client(mend=without_spark) as client:
        return refused(client)


@case("Spark needs Java 17 or newer; …")
def _(stage):
    def with_an_old_java(home):
        program = home / "java" / "bin" / "java"
        program.parent.mkdir(parents=True)
        program.write_text('#!/bin/sh\necho "openjdk version \\"11.0.2\\"" >&2\necho "    java.version = 11.0.2" >&2\n')
        program.chmod(0o755)

    with stage.client(mend=with_an_old_java, PATH="/nowhere") as client:
        return refused(client)


@case("The session's files can't be written: the platform's disk is full. …")
def _(stage):
    def with_a_full_disk(home):
        folder = home / "run" / "sessions"
        folder.mkdir(parents=True)
        stage.small_disk(folder, 4)

    with stage.client(mend=with_a_full_disk) as client:
        return refused(client)


@case("The token has expired.")
def _(stage):
    with stage.service().client(stage.plane.token(life_s=-60)) as client:
        return refused(client)


@case("You are no longer a member of project …")
def _(stage):
    service, token = stage.service(), stage.plane.token("eve")
    with service.client(stage.plane.service_token()) as control_plane, service.client(token) as client:
        control_plane.delete("/owners/weather__eve").raise_for_status()
        return refused(client)


@case("The control plane does not tell the limits of project … now, and nothing is started without them.")
def _(stage):
    limits, stage.plane.limits = stage.plane.limits, None
    try:
        with stage.client() as client:
            return refused(client)
    finally:
        stage.plane.limits = limits


@case("The session did not start in … seconds; see its log")
def _(stage):
    with stage.client(HOPS_SESSION_START_S="1") as client:
        return ended(client, started(client))


@case("Spark could not be started: …")
def _(stage):
    with stage.client() as client:
        return ended(client, started(client, conf={"spark.executor.heartbeatInterval": "never"}))


@case("The driver was killed (signal 9): by someone or by a program, …")
def _(stage):
    service = stage.service()
    with stage.client() as client:
        number = started(client)
        folder = f"{service.home}/run/sessions/{number}/"
        (driver,) = [
            process
            for process in service.processes()
            if process.environ()["HOPS_TOKEN_FILE"].startswith(folder) and process.ppid() == service.process.pid
        ]
        driver.send_signal(signal.SIGKILL)
        return ended(client, number)


@case("This machine could not give the driver its … of memory. …")
def _(stage):
    service = stage.service(HOPS_SESSIONS="50")  # one of its own, since its processes may have so much and no more
    psutil.Process(service.process.pid).rlimit(psutil.RLIMIT_AS, (3 * 2**30, 3 * 2**30))
    with service.client(stage.plane.token()) as client:
        return ended(client, started(client, driverMemory="2560m"))


@case("The driver ended by itself with exit status …. Its log ends: …")
def _(stage):
    def without_its_packages(home):
        place = home / "environments" / "projects" / "weather"
        place.unlink()
        (place / "bin").mkdir(parents=True)
        # Python as it comes, which knows nothing of the base environment's packages.
        (place / "bin" / "python").symlink_to(Path(os.path.realpath(BASE / "bin" / "python")))

    with stage.client(mend=without_its_packages) as client:
        return ended(client, started(client))


@case("The Python of the project's environment can't be started: …")
def _(stage):
    def with_a_python_that_is_none(home):
        place = home / "environments" / "projects" / "weather"
        place.unlink()
        (place / "bin").mkdir(parents=True)
        (place / "bin" / "python").write_text("not a program")

    with stage.client(mend=with_a_python_that_is_none) as client:
        # Outside of a sandbox it is known at once.
        return refused(client) if NO_SANDBOX else ended(client, started(client))


@case("It was stopped by its owner.")
def _(stage):
    with stage.client() as client:
        number = started(client)
        with stage.client() as other:
            other.delete(f"/overview/{number}")
        return client.get(f"/sessions/{number}/summary").json()["reason"]
