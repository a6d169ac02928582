"""What passes on the ways of a sandbox: each connection to one place, whatever is said on it."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress
from functools import partial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from hops_contract.keeper.ways import Ways

_LOOPBACK = "127.0.0.1"
_PART_BYTES = 64 * 1024
_STACK_BYTES = 256 * 1024
_CONNECT_S = 20.0
_PAUSE_S = 0.1
_AT_ONCE = 256
"""Connections of one way that are passed on at the same moment; one more waits."""


def pass_on(ways: Ways) -> None:
    """Passes connections on, in threads, from now on."""
    threading.stack_size(_STACK_BYTES)
    maker = _Maker(ways.channel)
    for target, listener in zip(ways.out, ways.inside, strict=True):
        _serve(listener, partial(socket.create_connection, target, _CONNECT_S))
    for (port, _), listener in zip(ways.into, ways.outside, strict=True):
        _serve(listener, partial(maker.connect, port))


class _Maker:
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


def _serve(listener: socket.socket, connect: Callable[[], socket.socket]) -> None:
    places = threading.BoundedSemaphore(_AT_ONCE)

    def accept() -> None:
        while True:
            places.acquire()
            try:
                taken, _ = listener.accept()
                threading.Thread(target=_connect_both, args=(taken, connect, places), daemon=True).start()
            except (OSError, RuntimeError):  # no more descriptors or threads, or it went away meanwhile
                places.release()
                time.sleep(_PAUSE_S)

    threading.Thread(target=accept, daemon=True).start()


def _connect_both(
    taken: socket.socket, connect: Callable[[], socket.socket], places: threading.BoundedSemaphore
) -> None:
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
