"""``python -I -S …/keeper/start.py KEEPING BWRAP …``: becomes bubblewrap, and leaves a keeper beside the sandbox.

KEEPING is what :meth:`hops_contract.keeping.Keeping.words` writes.

Little is imported before: bubblewrap starts while the keeper still imports.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> None:
    """Becomes bubblewrap; never returns."""
    keeping, command = arguments[0], list(arguments[1:])
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(__file__))))  # noqa: PTH120
    told, tells = os.pipe()
    gate, opens = os.pipe()
    child = os.fork()
    if child == 0:
        # Nobody's child: to bubblewrap's children signals are sent that are meant for the sandbox.
        if os.fork() == 0:
            os.close(tells)
            os.close(gate)
            from hops_contract.keeper.keep import keep  # noqa: PLC0415

            keep(keeping, told, opens)
        os._exit(0)
    os.waitpid(child, 0)
    os.close(told)
    os.close(opens)
    between = ["--info-fd", str(tells), "--block-fd", str(gate)]
    refuses = _refuses()
    if refuses is not None:
        between += ["--seccomp", str(refuses)]
        os.set_inheritable(refuses, True)
    for descriptor in (tells, gate):
        os.set_inheritable(descriptor, True)
    os.execv(command[0], [command[0], *between, *command[1:]])  # noqa: S606 - no shell is wanted


def _refuses() -> int | None:
    """Where bubblewrap reads what the kernel refuses code of the sandbox; ``None`` where that can't be told."""
    from hops_contract.keeper.calls import filter_of  # noqa: PLC0415

    written = filter_of(os.uname().machine)
    if written is None:
        return None
    reads, writes = os.pipe()
    # Less than a pipe holds.
    os.write(writes, written)
    os.close(writes)
    return reads


if __name__ == "__main__":
    main(sys.argv[1:])
