"""ipykernel's program, with an output channel that drops nothing while it is listened to."""

from __future__ import annotations

from typing import Any

import zmq
from ipykernel.kernelapp import IPKernelApp


class SessionApp(IPKernelApp):
    """See :class:`ipykernel.kernelapp.IPKernelApp`.

    Output goes out by a socket that drops what has no room, without a word, and by default it has room for a thousand
    messages: while the session service is slow, a cell would lose what it wrote. So it has room for all. The memory is
    the user's; who doesn't listen at all is sent nothing.
    """

    def init_iopub(self, context: zmq.Context[Any]) -> None:
        """See :class:`ipykernel.kernelapp.IPKernelApp`."""
        # Not of the sockets that come later: those within this process wait instead.
        context.sndhwm = 0
        super().init_iopub(context)
        del context.sndhwm

    def log_connection_info(self) -> None:
        """Says nothing: it would stand first in the log that the session's owner reads, with paths of this machine."""
