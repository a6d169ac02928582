"""A standalone Spark cluster of this machine: a master and workers with declared GPUs, from the jars of pyspark."""

import json
import os
import secrets
import signal
import subprocess
import time
from pathlib import Path

import httpx

from hops_contract.layout import Home
from hops_livy.java import find_java
from hops_livy.java_home import java_home_for
from tests.ports import free_port

from .service_process import BASE

DRIVER_HOST = "127.0.0.3"
"""Stands for this machine's address on the network."""
CORES, MEMORY_MIB, GPUS = 2, 2048, 2
"""Of each worker."""


class StandaloneCluster:
    """Processes on loopback, which trust one another by a secret.

    Args:
        folder: For their files.
        workers: How many.
    """

    def __init__(self, folder: Path, workers: int = 2) -> None:
        self.folder, self.workers = folder, workers
        self.port, self.page = free_port(), free_port()
        self.secret = folder / "secret"
        self.secret.touch(0o600)
        self.secret.write_text(secrets.token_hex(16))
        self.processes: dict[str, subprocess.Popen] = {}
        java = find_java(BASE)
        self._spark = next(BASE.resolve().glob("lib/python3*/site-packages/pyspark"))
        self._java, self._java_home = java.program, java_home_for(java, Home(folder))

    @property
    def settings(self) -> dict[str, str]:
        """What a session service is told of it."""
        return {
            "HOPS_SPARK_MASTER": f"spark://127.0.0.1:{self.port}", "HOPS_DRIVER_HOST": DRIVER_HOST,
            "HOPS_SPARK_MASTER_URL": f"http://127.0.0.1:{self.page}", "HOPS_SPARK_SECRET_FILE": str(self.secret),
        }  # fmt: skip

    def told(self) -> dict:
        return httpx.get(f"http://127.0.0.1:{self.page}/json/", timeout=60).raise_for_status().json()

    def start(self) -> None:
        self._run("master", "master.Master", "--host", "127.0.0.1", "--port", str(self.port), "--webui-port",
                  str(self.page))  # fmt: skip
        for number in range(self.workers):
            addresses = [str(number * GPUS + each) for each in range(GPUS)]
            script = self.folder / f"gpus-{number}.sh"
            script.write_text(f"#!/bin/sh\necho '{json.dumps({'name': 'gpu', 'addresses': addresses})}'\n")
            script.chmod(0o700)
            more = {"spark.worker.resource.gpu.amount": GPUS, "spark.worker.resource.gpu.discoveryScript": script}
            self._run(
                f"worker-{number}", "worker.Worker", "--host", "127.0.0.1", "--cores", str(CORES), "--memory",
                f"{MEMORY_MIB}m", "--work-dir", str(self.folder / f"work-{number}"), "--webui-port", "0",
                f"spark://127.0.0.1:{self.port}", more=more,
            )  # fmt: skip
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                if len(self.told()["workers"]) == self.workers:
                    return
            except httpx.HTTPError:
                pass
            for name, process in self.processes.items():
                assert process.poll() is None, (self.folder / f"{name}.log").read_text()
            time.sleep(0.2)
        raise AssertionError("the cluster does not start")

    def kill(self, name: str) -> None:
        """Kills one of its processes, with what it has started."""
        os.killpg(self.processes[name].pid, signal.SIGKILL)
        self.processes.pop(name).wait()

    def stop(self) -> None:
        for name in list(self.processes):
            self.kill(name)

    def _run(self, name: str, program: str, *arguments: str, more: dict | None = None) -> None:
        properties = self.folder / f"{name}.properties"
        properties.touch(0o600)
        settings = {
            "spark.authenticate": "true", "spark.authenticate.secret": self.secret.read_text(),
            "spark.network.crypto.enabled": "true", "spark.master.rest.enabled": "false", **(more or {}),
        }  # fmt: skip
        properties.write_text("".join(f"{key} {value}\n" for key, value in settings.items()))
        command = [
            str(self._java), "-cp", f"{self._spark}/jars/*", "-Xmx256m", "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1", f"org.apache.spark.deploy.{program}", *arguments[:-1],
            *(("--properties-file", str(properties), arguments[-1]) if program.startswith("worker") else
              (arguments[-1], "--properties-file", str(properties))),
        ]  # fmt: skip
        environment = {
            "PATH": os.environ["PATH"], "JAVA_HOME": str(self._java_home), "SPARK_HOME": str(self._spark),
            "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_SCALA_VERSION": "2.13",
        }  # fmt: skip
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                command, env=environment, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
