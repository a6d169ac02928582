"""A YARN of this machine: a ResourceManager and two NodeManagers with declared GPUs, one of them labelled."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from xml.sax.saxutils import escape

import httpx

from hops_contract.layout import Home
from hops_livy.java import find_java
from hops_livy.java_home import java_home_for
from tests.contract.hadoop_jars import fetch_jars
from tests.ports import free_port

from .service_process import BASE

JARS = Path(__file__).with_name("yarn_jars.txt")
HOSTS = ("127.0.0.1", "127.0.0.2")
DRIVER_HOST = "127.0.0.3"
"""Stands for this machine's address on the network."""
PROXY = "127.0.0.9:9"
"""Where YARN's web proxy is said to be."""
LABEL, LABELLED = "infiniband", "127.0.0.2"
GPUS, MEMORY_MIB, CORES = 4, 4096, 8
"""Of each host."""
LOGGING = """log4j.rootLogger=INFO, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%p %c: %m%n
"""
_MANAGERS = "org.apache.hadoop.yarn.server"


class YarnCluster:
    """Processes on loopback; the scheduler counts GPUs that are declared and nowhere looked for.

    Args:
        folder: For their files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        java = find_java(BASE)
        self._java, self._java_home = java.program, java_home_for(java, Home(folder))
        self._libraries = fetch_jars(JARS, home=BASE.parent.parent, java=self._java, name="yarn")
        self.web = free_port()
        self._ports = {name: free_port() for name in ("", "scheduler.", "resource-tracker.", "admin.")}
        self.processes: list[subprocess.Popen] = []
        self.client_conf = folder / "client"
        self.gpu_script = folder / "gpus.sh"
        self.gpu_script.write_text(
            "#!/bin/sh\necho '" + json.dumps({"name": "gpu", "addresses": [str(each) for each in range(GPUS)]}) + "'\n"
        )
        self.gpu_script.chmod(0o755)
        (folder / "staging").mkdir()

    @property
    def settings(self) -> dict[str, str]:
        """What a session service is told of it."""
        return {
            "HOPS_SPARK_MASTER": "yarn", "HOPS_DRIVER_HOST": DRIVER_HOST,
            "HOPS_HADOOP_CONF_DIR": str(self.client_conf), "HOPS_YARN_URL": f"http://127.0.0.1:{self.web}",
            "HOPS_YARN_STAGING": (self.folder / "staging").as_uri(), "HOPS_GPU_SCRIPT": str(self.gpu_script),
        }  # fmt: skip

    def told(self, what: str, **query: str) -> dict:
        return self._ask("GET", what, query).json()

    def nodes(self) -> dict[str, dict]:
        """What the scheduler has given away on each host: labels, GPUs."""
        found = {}
        for node in (self.told("nodes")["nodes"] or {}).get("node", []):
            kinds = ((node.get("usedResource") or {}).get("resourceInformations") or {}).get("resourceInformation", [])
            gpus = sum(kind["value"] for kind in kinds if kind["name"] == "yarn.io/gpu")
            found[node["id"].partition(":")[0]] = {"labels": node.get("nodeLabels", []), "gpus": gpus}
        return found

    def applications(self) -> list[dict]:
        """Those that live, as the administrator sees them."""
        told = self.told("apps", **{"states": "NEW,NEW_SAVING,SUBMITTED,ACCEPTED,RUNNING", "user.name": "admin"})
        return (told["apps"] or {}).get("app", [])

    def start(self) -> None:
        self._configure()
        self._run("resourcemanager.ResourceManager", "manager")
        for host in HOSTS:
            self._run("nodemanager.NodeManager", host)
        admin = {"user.name": "admin"}
        self._until(lambda: self.told("metrics")["clusterMetrics"]["activeNodes"] == len(HOSTS))
        self._ask("POST", "add-node-labels", admin, {"nodeLabelInfo": [{"name": LABEL, "exclusivity": "true"}]})
        self._ask("POST", "replace-node-to-labels", admin, {"nodeToLabels": [{"nodeId": LABELLED, "labels": [LABEL]}]})
        self._until(lambda: self.nodes()[LABELLED]["labels"] == [LABEL])

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _until(self, reached) -> None:
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            try:
                if reached():
                    return
            except (httpx.HTTPError, LookupError, TypeError):
                pass
            assert all(process.poll() is None for process in self.processes), self._logs()
            time.sleep(0.3)
        raise AssertionError(self._logs())

    def _logs(self) -> str:
        return "\n".join(path.read_text()[-1500:] for path in sorted(self.folder.glob("*.log")))

    def _ask(self, method: str, what: str, query: dict, content: dict | None = None) -> httpx.Response:
        url = f"http://127.0.0.1:{self.web}/ws/v1/cluster/{what}"
        return httpx.request(method, url, params=query, json=content, timeout=60).raise_for_status()

    def _run(self, program: str, name: str) -> None:
        command = [
            str(self._java), "--add-opens", "java.base/java.lang=ALL-UNNAMED",
            "--add-exports", "java.base/sun.net.dns=ALL-UNNAMED", "-Xmx256m", "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1", f"-Dhadoop.home.dir={self.folder}", f"-Dhadoop.log.dir={self.folder}",
            "-cp", f"{self.folder / name}:{self._libraries}/*", f"{_MANAGERS}.{program}",
        ]  # fmt: skip
        environment = {"PATH": os.environ["PATH"], "JAVA_HOME": str(self._java_home), "HADOOP_USER_NAME": "yarn"}
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command, env=environment, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self.processes.append(process)

    def _configure(self) -> None:
        manager = {"yarn.resourcemanager.hostname": "127.0.0.1"}
        manager |= {f"yarn.resourcemanager.{name}address": f"127.0.0.1:{port}" for name, port in self._ports.items()}
        manager["yarn.resourcemanager.webapp.address"] = f"127.0.0.1:{self.web}"
        core = {"fs.defaultFS": "file:///", "hadoop.security.authentication": "simple"}
        kinds = {"yarn.resource-types": "yarn.io/gpu"}
        common = manager | {
            "yarn.resourcemanager.bind-host": "127.0.0.1",
            # Without it everybody may end everything.
            "yarn.acl.enable": "true", "yarn.admin.acl": "admin",
            "yarn.node-labels.enabled": "true", "yarn.node-labels.fs-store.root-dir": (self.folder / "labels").as_uri(),
            "yarn.resourcemanager.scheduler.class":
                f"{_MANAGERS}.resourcemanager.scheduler.capacity.CapacityScheduler",
            "yarn.scheduler.minimum-allocation-mb": "128",
            "yarn.resourcemanager.nodemanagers.heartbeat-interval-ms": "200",
            "yarn.nodemanager.vmem-check-enabled": "false", "yarn.nodemanager.pmem-check-enabled": "false",
            "yarn.nodemanager.resource.memory-mb": str(MEMORY_MIB), "yarn.nodemanager.resource.cpu-vcores": str(CORES),
            "yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage": "100",
        }  # fmt: skip
        queue = "yarn.scheduler.capacity.root"
        scheduler = {
            f"{queue}.queues": "default", f"{queue}.default.capacity": "100",
            "yarn.scheduler.capacity.resource-calculator":
                "org.apache.hadoop.yarn.util.resource.DominantResourceCalculator",
            "yarn.scheduler.capacity.maximum-am-resource-percent": "0.9",
            f"{queue}.acl_submit_applications": " ", f"{queue}.acl_administer_queue": " ",
            f"{queue}.default.acl_submit_applications": "*", f"{queue}.default.acl_administer_queue": " ",
            f"{queue}.accessible-node-labels": "*", f"{queue}.default.accessible-node-labels": "*",
            f"{queue}.accessible-node-labels.{LABEL}.capacity": "100",
            f"{queue}.default.accessible-node-labels.{LABEL}.capacity": "100",
        }  # fmt: skip
        # As on a site whose proxy is on another machine.
        client = manager | {"yarn.web-proxy.address": PROXY}
        self._write("client", {"core-site": core, "yarn-site": client, "resource-types": kinds})
        files = {"core-site": core, "resource-types": kinds, "capacity-scheduler": scheduler}
        self._write("manager", {**files, "yarn-site": common})
        for host in HOSTS:
            own = {
                f"yarn.nodemanager.{name}": f"{host}:{free_port(host)}"
                for name in ("address", "localizer.address", "webapp.address")
            }
            own |= {"yarn.nodemanager.hostname": host, "yarn.nodemanager.bind-host": host}
            own |= {f"yarn.nodemanager.{name}-dirs": str(self.folder / f"{name}-{host}") for name in ("local", "log")}
            gpus = {"yarn.nodemanager.resource-type.yarn.io/gpu": str(GPUS)}
            self._write(host, {**files, "yarn-site": common | own, "node-resources": gpus})

    def _write(self, name: str, files: dict[str, dict[str, str]]) -> None:
        folder = self.folder / name
        folder.mkdir()
        (folder / "log4j.properties").write_text(LOGGING)
        for file, settings in files.items():
            rows = "".join(
                f"<property><name>{key}</name><value>{escape(value)}</value></property>"
                for key, value in settings.items()
            )
            (folder / f"{file}.xml").write_text(f"<configuration>{rows}</configuration>")
