"""Starts the driver's Java machine directly, without Spark's launcher (which is a Java machine of its own)."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .status import Status

_POLL_S = 0.005


class JvmEndedError(Exception):
    """The Java machine ended before it answered."""

    def __init__(self, code: int) -> None:
        super().__init__(f"The driver's Java machine ended at its start with code {code}.")
        self.code = code


@dataclass(slots=True)
class Jvm:
    """The driver's Java machine.

    Attributes:
        process: It ends by itself when its standard input closes, that is when this process ends in whatever way.
        info: File in which it writes the port and the secret of its gateway.
        status: Tells the service.
    """

    process: subprocess.Popen[bytes]
    info: Path
    status: Status

    def connect(self) -> None:
        """Waits for the gateway, lets pyspark know it, and watches the Java machine from then on.

        Raises:
            JvmEndedError: The Java machine ended instead.
        """
        while not self.info.exists():
            code = self.process.poll()
            if code is not None:
                raise JvmEndedError(code)
            time.sleep(_POLL_S)
        content = self.info.read_bytes()
        self.info.unlink()
        port, length = struct.unpack_from("!ii", content)
        os.environ["PYSPARK_GATEWAY_PORT"] = str(port)
        os.environ["PYSPARK_GATEWAY_SECRET"] = content[8 : 8 + length].decode()
        threading.Thread(target=self._watch, name="hops-jvm-watch", daemon=True).start()

    def forget_gateway(self) -> None:
        """Takes the gateway's secret out of the environment, so that processes that users start don't inherit it."""
        os.environ.pop("PYSPARK_GATEWAY_PORT", None)
        os.environ.pop("PYSPARK_GATEWAY_SECRET", None)

    def end(self) -> None:
        """Ends the Java machine, and so the session."""
        if self.process.stdin is not None:
            self.process.stdin.close()

    def _watch(self) -> None:
        self.status.tell("jvm_ended", code=self.process.wait())


def start_jvm(launch: dict[str, Any]) -> Jvm:
    """Starts the Java machine that ``launch`` describes."""
    status = Status(Path(launch["status_file"]), Path(launch["status_socket"]))
    info = Path(launch["gateway_info"])
    environment = {**os.environ, **launch["java_environment"], "_PYSPARK_DRIVER_CONN_INFO_PATH": str(info)}
    # An interrupt is for the running cell, not for the Java machine: what is ignored here stays so in the child.
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = subprocess.Popen(launch["java_command"], stdin=subprocess.PIPE, env=environment)
    finally:
        signal.signal(signal.SIGINT, previous)
    status.tell("jvm_started", pid=process.pid)
    return Jvm(process, info, status)
