"""The keeper of a sandbox, from its start to its end."""

from __future__ import annotations

import os
import resource
import select
import signal
import threading
from contextlib import suppress

from hops_contract.keeper.limits import tell, watch
from hops_contract.keeper.orders import Orders
from hops_contract.keeper.ways import make_ways


def keep(text: str, told: int, opens: int) -> None:
    """Keeps the sandbox until it ends.

    Args:
        text: What :meth:`hops_contract.keeping.Keeping.words` writes.
        told: Where bubblewrap tells which process is the sandbox's first.
        opens: That process waits for a byte.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Who ends the sandbox with all its processes lets its code have a network for as long as it runs.
        signal.signal(number, signal.SIG_IGN)
    orders = Orders(text)
    try:
        pid = _number_in(told)
        sandbox = os.pidfd_open(pid)
    except (OSError, ValueError):
        return  # bubblewrap has ended, and said why
    os.close(told)
    # Nothing of the place where it was started is held.
    os.chdir("/")
    held = None
    try:
        _bind(pid, orders.processes)
        if orders.apart:
            held = make_ways(pid, orders.out, orders.into, otherwise=lambda: end(sandbox))
    except OSError as error:
        tell(orders.told, without_network(error))
        end(sandbox)
    # The process that has entered the network holds it as well, so that closing it would not do.
    with suppress(OSError):
        os.write(opens, b".")
    threading.Thread(target=watch, args=(pid, orders, lambda: end(sandbox)), daemon=True).start()
    while not _has_ended(sandbox):
        pass
    del held
    for _, outside in orders.into:
        if isinstance(outside, str):
            with suppress(OSError):
                os.unlink(outside)  # noqa: PTH108 - pathlib would take longer than all the rest


def without_network(error: OSError) -> str:
    """What is said where the ways of a sandbox can't be made."""
    return f"The network of the sandbox could not be made: {error.strerror}. Tell the administrator."


def end(sandbox: int) -> None:
    """Ends all processes of a sandbox by its first, whose descriptor is given."""
    with suppress(OSError):
        signal.pidfd_send_signal(sandbox, signal.SIGKILL)


def _number_in(descriptor: int) -> int:
    """The only number in what bubblewrap of all ages tells first: ``{"child-pid": 4711``, and what may follow."""
    text = b""
    while b"}" not in text:
        part = os.read(descriptor, 4096)
        if not part:
            break
        text += part
    return int(text.partition(b'"child-pid":')[2].strip().partition(b"\n")[0].strip(b" ,}"))


def _bind(pid: int, processes: int) -> None:
    """Lets the kernel bound the number of processes, where it does.

    They are counted in the sandbox's own user namespace. Those of the administrator are never bound so.
    """
    if processes and os.geteuid() != 0:
        resource.prlimit(pid, resource.RLIMIT_NPROC, (processes, processes))


def _has_ended(process: int) -> bool:
    poll = select.poll()
    poll.register(process, select.POLLIN)
    return bool(poll.poll())
