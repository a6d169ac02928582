"""The ways out of a sandbox's network, and into it."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import threading
import time
from contextlib import suppress
from functools import partial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_NS_GET_USERNS = 0xB701
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_IP_FREEBIND = 15
_SET_ADDRESS = 0x8916
"""SIOCSIFADDR of netdevice(7)."""
_LOOPBACK, _LOOPBACKS = "127.0.0.1", "127."
_WAITING = 128
_PART_BYTES = 64 * 1024
_STACK_BYTES = 256 * 1024
_CONNECT_S = 20.0
_PAUSE_S = 0.1
_AT_ONCE = 256
"""Connections of one way that are passed on at the same moment; one more waits."""


def make_ways(
    pid: int,
    out: Sequence[tuple[str, int]],
    into: Sequence[tuple[int, int | str]],
    *,
    otherwise: Callable[[], None],
) -> Maker:
    """Makes them; from then on connections are passed on by threads, as long as what is returned is held.

    Args:
        pid: A process of the sandbox.
        out: What its code may reach.
        into: What is reached from outside: the port inside, and the port outside or the path of a socket there.
        otherwise: Called in another process when this one ends, or holds it no longer.

    Raises:
        OSError: They can't be made.
    """
    threading.stack_size(_STACK_BYTES)
    outside = [_listener(place) for _, place in into]
    listeners, maker = _enter(pid, out, otherwise)
    for (host, port), listener in zip(out, listeners, strict=True):
        _serve(listener, partial(socket.create_connection, (host, port), _CONNECT_S))
    for (port, _), listener in zip(into, outside, strict=True):
        _serve(listener, partial(maker.connect, port))
    return maker


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


class Maker:
    """Connects within the sandbox's network.

    Args:
        channel: Leads to the process that has entered it.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._asks = threading.Lock()

    def connect(self, port: int) -> socket.socket:
        """A connection to a port of its loopback.

        Raises:
            OSError: Nobody listens there.
        """
        with self._asks:
            self._channel.sendall(b".")
            _, descriptors, _, _ = socket.recv_fds(self._channel, 1, 1)
        if not descriptors:
            raise ConnectionRefusedError
        made = socket.socket(fileno=descriptors[0])
        try:
            made.settimeout(_CONNECT_S)
            made.connect((_LOOPBACK, port))
        except OSError:
            made.close()
            raise
        return made


def _enter(
    pid: int, addresses: Sequence[tuple[str, int]], otherwise: Callable[[], None]
) -> tuple[list[socket.socket], Maker]:
    """Listeners within the sandbox's network, and who connects there."""
    here, there = socket.socketpair()
    child = os.fork()
    if child == 0:
        here.close()
        try:
            _stay_inside(pid, there, addresses)
            otherwise()
        finally:
            os._exit(0)
    there.close()
    listeners: list[socket.socket] = []
    while len(listeners) < len(addresses):
        said, descriptors, _, _ = socket.recv_fds(here, 4, 1)
        if not descriptors:
            number = int.from_bytes(said, "big") if said else 0
            raise OSError(number, os.strerror(number) if number else "it ended")
        listeners.append(socket.socket(fileno=descriptors[0]))
    return listeners, Maker(here)


def _stay_inside(pid: int, channel: socket.socket, addresses: Sequence[tuple[str, int]]) -> None:
    try:
        _enter_network(pid)
        _give_addresses({host for host, _ in addresses if not host.startswith(_LOOPBACKS)})
        for address in addresses:
            with socket.socket() as listener:
                # Loopback may not be there yet.
                listener.setsockopt(socket.SOL_IP, _IP_FREEBIND, 1)
                listener.bind(tuple(address))
                listener.listen(_WAITING)
                socket.send_fds(channel, [b"...."], [listener.fileno()])
    except OSError as error:
        channel.sendall((error.errno or 0).to_bytes(4, "big"))
        return
    while channel.recv(1):
        with socket.socket() as made:
            socket.send_fds(channel, [b"."], [made.fileno()])


def _enter_network(pid: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    owner = fcntl.ioctl(network, _NS_GET_USERNS)
    if os.fstat(network).st_ino == os.stat("/proc/self/ns/net").st_ino:  # noqa: PTH116
        raise OSError(0, "it has no network of its own")
    own = os.fstat(owner).st_ino == os.stat("/proc/self/ns/user").st_ino  # noqa: PTH116
    for descriptor, kind in (*(() if own else ((owner, _CLONE_NEWUSER),)), (network, _CLONE_NEWNET)):
        if library.setns(descriptor, kind):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


def _give_addresses(hosts: set[str]) -> None:
    """Gives loopback the addresses that services have elsewhere."""
    with socket.socket() as asks:
        for number, host in enumerate(sorted(hosts), start=1):
            name, address = f"lo:{number}".encode(), socket.inet_aton(host)
            fcntl.ioctl(asks, _SET_ADDRESS, struct.pack("16sH2s4s8s", name, socket.AF_INET, b"", address, b""))


def _serve(listener: socket.socket, connect: Callable[[], socket.socket]) -> None:
    places = threading.BoundedSemaphore(_AT_ONCE)

    def accept() -> None:
        while True:
            places.acquire()
            try:
                taken, _ = listener.accept()
                threading.Thread(target=_pass_on, args=(taken, connect, places), daemon=True).start()
            except (OSError, RuntimeError):  # no more descriptors or threads, or it went away meanwhile
                places.release()
                time.sleep(_PAUSE_S)

    threading.Thread(target=accept, daemon=True).start()


def _pass_on(taken: socket.socket, connect: Callable[[], socket.socket], places: threading.BoundedSemaphore) -> None:
    try:
        with taken:
            try:
                other = connect()
            except OSError:
                # Reset, which nobody takes for an empty answer.
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            with other:
                for side in (taken, other):
                    side.settimeout(None)
                    if side.family == socket.AF_INET:
                        side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                back = threading.Thread(target=_copy, args=(other, taken), daemon=True)
                back.start()
                _copy(taken, other)
                back.join()
    finally:
        places.release()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while part := source.recv(_PART_BYTES):
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for side in (source, target):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
