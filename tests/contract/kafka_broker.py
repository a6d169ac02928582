"""A real Kafka for tests: one broker on loopback with mutual TLS and rights on, and the certificates of its clients."""

from __future__ import annotations

import os
import subprocess
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.x509 import Certificate

from hops_contract.certificates import CONTROL_PLANE
from hops_platform.adapters.streams.kafka import KafkaStreams
from hops_platform.certificates.building import Signed, make_intermediate, make_leaf, make_root, pem
from hops_platform.database import now
from hops_platform.errors import PlatformError
from tests.contract.hadoop import java_for, platform_home
from tests.contract.hadoop_jars import fetch_jars
from tests.ports import free_port

JARS = Path(__file__).with_name("kafka_jars.txt")
HOSTS = ["localhost", "127.0.0.1"]
_START_S = 120.0


@dataclass(frozen=True)
class ClientFiles:
    """The certificate of a client, as sessions have it."""

    certificate: Path
    key: Path
    authorities: Path


class Kafka:
    """A broker that is its own controller.

    Args:
        folder: Where its files lie.
        issuer: Signs its certificate and those of its clients; an authority of its own when ``None``.
        roots: Whom it trusts, if there is an ``issuer``.
    """

    def __init__(self, folder: Path, *, issuer: Signed | None = None, roots: Sequence[Certificate] = ()) -> None:
        self.folder = folder
        self.java = java_for("Kafka")
        self.jars = fetch_jars(JARS, home=platform_home(), java=self.java, name="kafka")
        if issuer is None:
            root = make_root(now())
            issuer, roots = make_intermediate(root, now()), [root.certificate]
        self.issuer = issuer
        (folder / "authorities.pem").write_text(pem(*roots))
        self.port, controller = free_port(), free_port()
        broker = self.files_of("broker", hosts=HOSTS)
        (folder / "broker-store.pem").write_text(broker.key.read_text() + broker.certificate.read_text())
        settings = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller}",
            "listeners": f"CLIENTS://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"CLIENTS://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}",
            "listener.security.protocol.map": "CLIENTS:SSL,CONTROLLER:SSL",
            "inter.broker.listener.name": "CLIENTS",
            "controller.listener.names": "CONTROLLER",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(folder / "broker-store.pem"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(folder / "authorities.pem"),
            "ssl.client.auth": "required",
            "ssl.principal.mapping.rules": "RULE:^CN=(.*?)(,.*)?$/$1/,DEFAULT",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:broker;User:{CONTROL_PLANE}",
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "1",
            "group.initial.rebalance.delay.ms": "0",
            "log.dirs": str(folder / "data"),
        }
        (folder / "server.properties").write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def files_of(self, name: str, *, hosts: list[str] | None = None) -> ClientFiles:
        """The files of one whose certificate has this common name."""
        signed = make_leaf(self.issuer, name, now(), hosts=hosts or [])
        files = ClientFiles(
            self.folder / f"{name}.pem", self.folder / f"{name}-key.pem", self.folder / "authorities.pem"
        )
        files.certificate.write_text(pem(signed.certificate, self.issuer.certificate))
        files.key.write_bytes(signed.key_pem)
        return files

    def client(self, name: str) -> dict[str, Any]:
        """What a client of this name tells confluent-kafka."""
        files = self.files_of(name)
        return {
            "bootstrap.servers": self.address,
            "security.protocol": "SSL",
            "ssl.ca.location": str(files.authorities),
            "ssl.certificate.location": str(files.certificate),
            "ssl.key.location": str(files.key),
            "log_level": 0,
        }

    def streams(self, name: str = CONTROL_PLANE) -> KafkaStreams:
        """The platform's own view of it."""
        files = self.files_of(name)
        return KafkaStreams([self.address], certificate=files.certificate, key=files.key, authorities=files.authorities)

    def start(self) -> None:
        options = ["-Xms256m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{self.jars}/*"]
        told = str(self.folder / "server.properties")
        identity = str(uuid.uuid4())
        formatted = subprocess.run(
            [self.java, *options, "kafka.tools.StorageTool", "format", "-t", identity, "--standalone", "-c", told],
            capture_output=True, timeout=_START_S, check=False, cwd=self.folder,
        )  # fmt: skip
        if formatted.returncode:
            raise RuntimeError(f"Kafka's folder was not made: {formatted.stderr.decode()[-2000:]}")
        with (self.folder / "broker.log").open("wb") as log:
            self.process = subprocess.Popen(
                [self.java, *options, "kafka.Kafka", told], stdout=log, stderr=log, cwd=self.folder, env={**os.environ}
            )
        streams, end = self.streams(), time.monotonic() + _START_S
        while True:
            try:
                streams.probe()
            except PlatformError as error:
                if time.monotonic() > end or self.process.poll() is not None:
                    log_text = (self.folder / "broker.log").read_text()[-3000:]
                    raise RuntimeError(f"Kafka did not start: {error} {log_text}") from error
                time.sleep(0.2)
            else:
                return

    def stop(self) -> None:
        if self.process is None:
            return
        # Nothing of it is kept: it need not put its logs in order.
        self.process.kill()
        self.process.wait()
