"""The keeper of a sandbox, from its start to its end.

The sandbox waits until its ways stand. What is needed afterwards is imported then.
"""

from __future__ import annotations

import os
import resource
import signal
from contextlib import suppress

from hops_contract.keeper.orders import Orders
from hops_contract.keeper.ways import Ways


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
    ways = None
    try:
        _bind(pid, orders.processes)
        if orders.apart:
            ways = Ways(orders.out, orders.into)
            ways.enter(pid, otherwise=lambda: end(sandbox))
    except OSError as error:
        _refuse(orders, error)
        end(sandbox)
        ways = None
    with suppress(OSError):
        # The process that has entered holds it as well, so that closing it would not do.
        os.write(opens, b".")
    _stay(pid, sandbox, orders, ways)


def _refuse(orders: Orders, error: OSError) -> None:
    from hops_contract.keeper.limits import tell  # noqa: PLC0415 - seldom

    # Before its end: who sees that looks for the reason.
    tell(orders.told, without_network(error))


def _stay(pid: int, sandbox: int, orders: Orders, ways: Ways | None) -> None:
    from select import POLLIN, poll  # noqa: PLC0415 - here and below: the sandbox runs already
    from threading import Thread  # noqa: PLC0415

    from hops_contract.keeper.limits import watch  # noqa: PLC0415
    from hops_contract.keeper.passing import pass_on  # noqa: PLC0415

    if ways is not None:
        pass_on(ways)
    Thread(target=watch, args=(pid, orders, lambda: end(sandbox)), daemon=True).start()
    looks = poll()
    looks.register(sandbox, POLLIN)
    while not looks.poll():
        pass
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
