"""The ways out of a sandbox's network, and into it, as they are made before any code of the sandbox runs.

What passes on them comes later (:mod:`hops_contract.keeper.passing`): until then connections wait.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_NS_GET_USERNS = 0xB701
_CLONE_NEWUSER, _CLONE_NEWNET, _CLONE_NEWIPC = 0x10000000, 0x40000000, 0x08000000
_IP_FREEBIND = 15
_SET_ADDRESS = 0x8916
"""SIOCSIFADDR of netdevice(7)."""
_LOOPBACK, _LOOPBACKS = "127.0.0.1", "127."
_WAITING = 128
_MOST = 200
"""Linux hands over 253 descriptors at once."""
_NUMBER_BYTES = 4


class Ways:
    """The ways of one sandbox.

    Args:
        out: What its code may reach.
        into: What is reached from outside: the port inside, and the port outside or the path of a socket there.

    Raises:
        OSError: What listens outside can't be made.
    """

    def __init__(self, out: Sequence[tuple[str, int]], into: Sequence[tuple[int, int | str]]) -> None:
        if len(out) > _MOST:
            raise OSError(0, f"more than {_MOST} addresses are reached")
        self.out = out
        self.into = into
        self.outside = [_listener(place) for _, place in into]
        """For each way in, what listens outside."""
        self.inside: list[socket.socket] = []
        """For each way out, what listens inside."""
        self.channel, self._other_end = socket.socketpair()
        """Leads to the process that has entered, which makes a socket there for each byte."""

    def enter(self, pid: int, *, otherwise: Callable[[], None]) -> None:
        """Lets a process enter the sandbox's network.

        Args:
            pid: A process of the sandbox.
            otherwise: What that process does when this one ends.

        Raises:
            OSError: It can't be entered, or a listener can't be made there.
        """
        child = os.fork()
        if child == 0:
            self.channel.close()
            try:
                _stay_inside(pid, self._other_end, self.out)
                otherwise()
            finally:
                os._exit(0)
        self._other_end.close()
        said, descriptors, _, _ = socket.recv_fds(self.channel, _NUMBER_BYTES, _MOST)
        number = int.from_bytes(said, "big")
        if len(descriptors) != len(self.out) or number or not said:
            raise OSError(number, os.strerror(number) if number else "its process ended")
        self.inside = [socket.socket(fileno=descriptor) for descriptor in descriptors]


def _listener(place: int | str) -> socket.socket:
    if isinstance(place, str):
        # Linux takes 107 bytes for the path of a socket.
        folder, name = os.path.split(place)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"/proc/self/fd/{descriptor}/{name}")
        os.close(descriptor)
        os.chmod(place, 0o600)  # noqa: PTH101 - here and below: pathlib would take longer than all the rest
    else:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_LOOPBACK, place))
    listener.listen(_WAITING)
    return listener


def _stay_inside(pid: int, channel: socket.socket, addresses: Sequence[tuple[str, int]]) -> None:
    listeners = []
    try:
        _enter_network(pid)
        _give_addresses({host for host, _ in addresses if not host.startswith(_LOOPBACKS)})
        for address in addresses:
            listener = socket.socket()
            # Loopback may not be there yet.
            listener.setsockopt(socket.SOL_IP, _IP_FREEBIND, 1)
            listener.bind(address)
            listener.listen(_WAITING)
            listeners.append(listener)
    except OSError as error:
        channel.sendall((error.errno or 0).to_bytes(_NUMBER_BYTES, "big"))
        return
    socket.send_fds(channel, [bytes(_NUMBER_BYTES)], [listener.fileno() for listener in listeners])
    for listener in listeners:
        listener.close()
    while channel.recv(1):
        with socket.socket() as made:
            socket.send_fds(channel, [b"."], [made.fileno()])


def segments_of(thread: str) -> int | None:
    """A descriptor by which the System V segments of a sandbox are read, one a line; ``None`` if it can't be had.

    They need be attached to no process, so that no other look finds their memory.

    Args:
        thread: The folder in ``/proc`` of a thread that runs in the sandbox.

    Raises:
        OSError: It has ended.
    """
    namespace = os.open(f"{thread}/ns/ipc", os.O_RDONLY)
    channel, other_end = socket.socketpair()
    child = os.fork()
    if child == 0:
        try:
            _enter(namespace, "ipc", _CLONE_NEWIPC)
            # Whose they are is settled when it is opened.
            socket.send_fds(other_end, [b"."], [os.open("/proc/sysvipc/shm", os.O_RDONLY)])
        finally:
            os._exit(0)
    os.close(namespace)
    other_end.close()
    _, descriptors, _, _ = socket.recv_fds(channel, 1, 1)
    channel.close()
    os.waitpid(child, 0)
    return descriptors[0] if descriptors else None


def _enter_network(pid: int) -> None:
    _enter(os.open(f"/proc/{pid}/ns/net", os.O_RDONLY), "net", _CLONE_NEWNET)


def _enter(namespace: int, name: str, its_kind: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    owner = fcntl.ioctl(namespace, _NS_GET_USERNS)
    if os.fstat(namespace).st_ino == os.stat(f"/proc/self/ns/{name}").st_ino:  # noqa: PTH116
        raise OSError(0, "it has no network of its own" if name == "net" else "it is not apart")
    own = os.fstat(owner).st_ino == os.stat("/proc/self/ns/user").st_ino  # noqa: PTH116
    for descriptor, kind in (*(() if own else ((owner, _CLONE_NEWUSER),)), (namespace, its_kind)):
        if library.setns(descriptor, kind):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


def _give_addresses(hosts: set[str]) -> None:
    """Gives loopback the addresses that services have elsewhere."""
    with socket.socket() as asks:
        for number, host in enumerate(sorted(hosts), start=1):
            name, address = f"lo:{number}".encode(), socket.inet_aton(host)
            fcntl.ioctl(asks, _SET_ADDRESS, struct.pack("16sH2s4s8s", name, socket.AF_INET, b"", address, b""))
