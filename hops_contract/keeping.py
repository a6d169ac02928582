"""What a sandbox may reach of the network and take of the machine, as its keeper is told it (:mod:`.keeper`)."""

from __future__ import annotations

import ipaddress
import json
import logging
import os
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from hops_contract.amounts import memory_text
from hops_contract.layout import Home
from hops_contract.sandbox import SandboxError, View, command_in_sandbox, why_refused

LOG = logging.getLogger(__name__)
START = Path(__file__).parent / "keeper" / "start.py"
LOOPBACK = "127.0.0.1"
MORE = "ask for more"
PROCESSES = 4096
"""The most of a sandbox, where a site says nothing else."""
_PORTS = {"http": 80, "https": 443}
_LONGEST_WORDS = 500


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Address:
    """Where a service listens.

    Attributes:
        host: An IPv4 address.
        port: The port.
    """

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WayIn:
    """A port of a sandbox's loopback that is reached from outside.

    Attributes:
        port: The port inside.
        listens: The same port of the machine's loopback leads there; or
        path: this socket does, which lies outside of the sandbox.
    """

    port: int
    listens: int | None = None
    path: Path | None = None

    def words(self) -> str:
        """As the keeper is told."""
        return (
            f"port {self.port} {self.listens or self.port}" if self.path is None else f"socket {self.port} {self.path}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How a sandbox is kept.

    Attributes:
        apart: Whether it has a network of its own; else it has the machine's.
        out: What its code may reach then.
        into: What is reached from outside then.
        whose: What it belongs to, for sentences.
        memory_mib: The most memory of all its processes together; 0: no limit.
        processes: The most processes, of which each thread is one; 0: no limit.
        told: Where it is written why a limit ended something, and what. No code of the sandbox may write there.
        way_to_more: What gets it more memory, for sentences.
    """

    apart: bool
    out: tuple[Address, ...] = ()
    into: tuple[WayIn, ...] = ()
    whose: str
    memory_mib: int = 0
    processes: int = PROCESSES
    told: Path
    way_to_more: str = MORE

    def words(self) -> str:
        """As the keeper is told (:mod:`hops_contract.keeper.orders`): lines, with nothing secret."""
        lines = [
            *(["apart"] if self.apart else []),
            *(f"out {address.host} {address.port}" for address in sorted(set(self.out))),
            *(way.words() for way in self.into),
            f"memory {self.memory_mib} {beyond_memory(self.whose, self.memory_mib, self.way_to_more)}",
            f"processes {self.processes} {beyond_processes(self.whose, self.processes)}",
            f"told {self.told}",
        ]
        if any("\n" in line for line in lines):
            raise ValueError("The platform's home has a line break in its path.")
        return "\n".join(lines)


def beyond_memory(whose: str, memory_mib: int, way_to_more: str = MORE) -> str:
    """The sentence about too much memory."""
    return (
        f"The sandbox of the {whose} may hold {memory_text(memory_mib)} of memory; its processes had more, and the one "
        f"that had most was ended. Load less at a time, or {way_to_more}."
    )


def beyond_processes(whose: str, processes: int) -> str:
    """The sentence about too many processes."""
    return (
        f"The sandbox of the {whose} may hold {processes} processes, of which each thread is one; there were more, and "
        "all were ended. Start fewer at a time."
    )


def why_limited(told: Path) -> str | None:
    """The sentence that the keeper left, if a limit ended something."""
    with suppress(OSError):
        # Which processes were ended follows in lines of their own.
        return told.read_text(encoding="utf-8", errors="replace").partition("\n")[0][:_LONGEST_WORDS] or None
    return None


def kept_command(program: str, command: Iterable[str], view: View, *, cwd: Path, keeping: Keeping) -> list[str]:
    """The command that starts ``command`` in a sandbox with a keeper.

    Args:
        program: See :func:`~hops_contract.sandbox.find_program`.
        command: See :func:`~hops_contract.sandbox.command_in_sandbox`.
        view: What it sees.
        cwd: The folder that it works in.
        keeping: What it reaches and takes.
    """
    inside = command_in_sandbox(program, command, view, cwd=cwd)
    apart = ["--unshare-net"] if keeping.apart else []
    return [sys.executable, "-I", "-S", str(START), keeping.words(), inside[0], *apart, *inside[1:]]


@cache
def why_no_own_network(program: str) -> str | None:
    """What is in the way of a network of their own for sandboxes, in words; ``None`` if nothing is.

    Args:
        program: See :func:`~hops_contract.sandbox.find_program`.
    """
    keeping = Keeping(
        apart=True, out=(Address(host=LOOPBACK, port=9),), whose="trial", processes=0, told=Path(os.devnull)
    )
    view = View(temporary=Path("/tmp"))  # noqa: S108 - nothing is written there
    try:
        refused = why_refused(kept_command(program, ["true"], view, cwd=Path("/"), keeping=keeping))
    except SandboxError as error:
        return str(error)
    return None if refused is None else f"This machine lets a sandbox have no network of its own: {refused}"


def have_own_networks(program: str) -> bool:
    """Whether sandboxes of this machine have networks of their own; the log says why not."""
    why = why_no_own_network(program)
    if why is not None:
        LOG.warning("sandboxes have the machine's network: %s", why)
    return why is None


def bound_by(processes: int, *, administrator: bool) -> str:
    """What keeps the number of processes of a sandbox within its limit, in words."""
    if not processes:
        return "any number of processes"
    return f"{processes} processes ({'looked at every second' if administrator else 'by the kernel'})"


def described(*, own_networks: bool, processes: int) -> str:
    """What a site's sandboxes bound on this machine, in words."""
    network = "network of their own" if own_networks else "the machine's network"
    bound = bound_by(processes, administrator=os.geteuid() == 0)
    return f"{network}, {bound}, memory (looked at every second)"


def platform_addresses(home: Home, *urls: str | None) -> tuple[Address, ...]:
    """Where the platform's services answer to processes of this machine.

    Args:
        home: The platform's home, in which the site wrote down its addresses when it started.
        urls: More of them.
    """
    found = [url for url in urls if url]
    with suppress(OSError, ValueError, AttributeError):
        site = json.loads((home.run / "site.json").read_text(encoding="utf-8"))
        found += [value for name, value in site.items() if name.endswith("url") and isinstance(value, str)]
    return tuple(sorted({address for url in found if (address := _address_of(url)) is not None}))


def _address_of(url: str) -> Address | None:
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
        port = parts.port or _PORTS.get(parts.scheme)
        if port is None or not parts.hostname:
            return None
        return Address(host=_number_of(parts.hostname), port=port)
    except (OSError, ValueError):
        LOG.warning("an address of the platform can't be found, and no sandbox reaches it")
        return None


def _number_of(host: str) -> str:
    with suppress(ValueError):
        return str(ipaddress.IPv4Address(host))
    return LOOPBACK if host == "localhost" else socket.gethostbyname(host)


def read_addresses(text: str) -> tuple[Address, ...]:
    """The addresses between the commas of a setting.

    Raises:
        ValueError: One of them is none; the message says what it must be.
    """
    return tuple(_read_address(part) for part in map(str.strip, text.split(",")) if part)


def _read_address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    try:
        # A name would not be known in a sandbox, which asks nobody for names.
        number = LOOPBACK if host == "localhost" else str(ipaddress.IPv4Address(host))
        if port.isascii() and port.isdecimal() and 0 < int(port) < 65536:  # noqa: PLR2004 - all ports that there are
            return Address(host=number, port=int(port))
    except ValueError:
        pass
    raise ValueError(f"{text[:100]!r} is no address: it must be an IPv4 address, a colon and a port")
