"""Ports of this machine that are free at this moment."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator
from pathlib import Path

_FIRST = 20_000
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port(host: str = "127.0.0.1") -> int:
    """A port of ``host`` at which nobody listens now; no other test gets it, in any process of this run.

    Between this and the moment at which a program that is started listens there lie seconds. The system gives ports
    of its own range to every connection of the machine, which would be in the way then; these lie below it.
    """
    for port in _PORTS:
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    with socket.socket() as probe:
        probe.bind((host, 0))
        left: int = probe.getsockname()[1]
        return left


def _ports() -> Iterator[int]:
    """Each once, in no order: two runs on one machine seldom look at the same. None where the system's own range is."""
    try:
        end = int(_EPHEMERAL.read_text(encoding="ascii").split()[0])
    except OSError:
        end = 32_768
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    ports = list(range(_FIRST + worker, end, workers))
    random.SystemRandom().shuffle(ports)
    return iter(ports)


_PORTS = _ports()
