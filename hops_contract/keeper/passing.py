"""What passes on the ways of a sandbox: each connection to one place, whatever is said on it."""

from __future__ import annotations

import resource
import select
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
_AT_ONCE, _AT_ONCE_OUT, _AT_ONCE_IN = 256, 64, 128
"""Connections that are passed on at the same moment, out of the sandbox, of one way out and of one in; more wait.

They are what code of the sandbox can take of the machine here: descriptors, and two threads each.
"""
_DESCRIPTORS = 4096
_KEPT_FREE = 64
"""Descriptors for what else the keeper does: whoever took them all would have no limits."""


def pass_on(ways: Ways) -> None:
    """Passes connections on, in threads, from now on."""
    threading.stack_size(_STACK_BYTES)
    maker = _Maker(ways.channel)
    # Of both ends of a connection one descriptor each.
    room = max(1, (_descriptors() - _KEPT_FREE - len(ways.inside) - len(ways.outside)) // 2)
    into = max(1, min(_AT_ONCE_IN, room // (2 * max(1, len(ways.outside)))))
    all_out = threading.BoundedSemaphore(max(1, min(_AT_ONCE, room // 2)))
    for target, listener in zip(ways.out, ways.inside, strict=True):
        places = _Places(all_out, threading.BoundedSemaphore(_AT_ONCE_OUT))
        _serve(listener, partial(socket.create_connection, target, _CONNECT_S), places)
    for (port, _), listener in zip(ways.into, ways.outside, strict=True):
        _serve(listener, partial(maker.connect, port), _Places(threading.BoundedSemaphore(into)))


def _descriptors() -> int:
    """How many this process may have open, once it has asked for more."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if most == resource.RLIM_INFINITY else min(_DESCRIPTORS, most)
    if now != resource.RLIM_INFINITY and now < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
            return wanted
    return wanted if now == resource.RLIM_INFINITY else now


class _Places:
    """Places for connections, each of which is one of several kinds at once.

    Args:
        kinds: How many of each there are.
    """

    def __init__(self, *kinds: threading.BoundedSemaphore) -> None:
        # The narrowest first: who waits for a place of one way keeps none from the others.
        self._kinds = kinds[::-1]

    def take(self) -> None:
        """Waits for a place."""
        for kind in self._kinds:
            kind.acquire()

    def give_back(self) -> None:
        """Gives one back."""
        for kind in self._kinds:
            kind.release()


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


def _serve(listener: socket.socket, connect: Callable[[], socket.socket], places: _Places) -> None:
    looks = select.poll()
    looks.register(listener, select.POLLIN)

    def accept() -> None:
        while True:
            # Nobody waits with a place that others could have.
            looks.poll()
            places.take()
            try:
                taken, _ = listener.accept()
                threading.Thread(target=_connect_both, args=(taken, connect, places), daemon=True).start()
            except (OSError, RuntimeError):  # no more descriptors or threads, or it went away meanwhile
                places.give_back()
                time.sleep(_PAUSE_S)

    threading.Thread(target=accept, daemon=True).start()


def _connect_both(taken: socket.socket, connect: Callable[[], socket.socket], places: _Places) -> None:
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
        places.give_back()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while part := source.recv(_PART_BYTES):
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for side in (source, target):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
