"""What the kernel answers code of a sandbox as if it had it not: what no namespace keeps apart, and no limit counts.

- Keys (``keyrings(7)``). A session's keyring is handed on to whatever is started in it: sandboxes whose services were
  started from one log-in would share it. And a key of one is read in another, by its number, where both have one user
  id and the key's owner lets them.
- Sockets of kinds that a network of one's own does not keep apart, as those that lead out of a virtual machine.
- Memory in files without a name (``memfd_create``), which need belong to no process to be there.
- What makes sockets past these rules (``io_uring``).

Programs know kernels that lack these. Calls of other architectures than the machine's own are not answered at all, as
their numbers differ. It is a filter of seccomp(2), in the form that bubblewrap takes.
"""

from __future__ import annotations

import struct

_LOAD, _IS, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
"""Words of bpf: load a word, jump if equal, jump if at least, return."""
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
"""Where they stand; of the argument the half that counts, on machines whose numbers begin with the small end."""
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_NO_SUCH_CALL, _NO_SUCH_FAMILY = 38, 97
_OTHER_X86 = 0x40000000
_FAMILIES = (0, 1, 2, 10, 16, 17)
"""Unspecified, and those that a network of one's own keeps apart: unix, IPv4, IPv6, netlink, packet."""
_EVERYWHERE = (425, 447)
"""io_uring_setup, memfd_secret."""
_GENERIC = (217, 218, 219, 279)
# Architecture, socket, and add_key, request_key, keyctl, memfd_create.
_MACHINES = {
    "x86_64": (0xC000003E, 41, (248, 249, 250, 319)),
    "aarch64": (0xC00000B7, 198, _GENERIC),
    "riscv64": (0xC00000F3, 198, _GENERIC),
    "loongarch64": (0xC0000102, 198, _GENERIC),
}


def filter_of(machine: str) -> bytes | None:
    """The filter for a machine, by the name that ``uname`` gives it; ``None`` for one whose numbers are not known."""
    if machine not in _MACHINES:
        return None
    architecture, socket, calls = _MACHINES[machine]
    refused = (*calls, *_EVERYWHERE)
    # Behind all that compares there are three ends: allowed, no such family, no such call.
    compares: list[tuple[int, int, str, str]] = [
        (_LOAD, _ARCHITECTURE, "", ""),
        (_IS, architecture, "", "call"),
        (_LOAD, _NUMBER, "", ""),
        (_AT_LEAST, _OTHER_X86, "call", ""),
        *((_IS, number, "call", "") for number in refused),
        (_IS, socket, "", "allow"),
        (_LOAD, _FIRST_ARGUMENT, "", ""),
        *((_IS, family, "allow", "") for family in _FAMILIES[:-1]),
        (_IS, _FAMILIES[-1], "allow", "family"),
    ]
    ends = {"allow": 0, "family": 1, "call": 2}
    made = b""
    for at, (word, value, yes, no) in enumerate(compares):
        behind = len(compares) - at - 1
        jumps = [behind + ends[end] if end else 0 for end in (yes, no)]
        made += struct.pack("=HBBI", word, *jumps, value)
    for value in (_ALLOW, _ERROR | _NO_SUCH_FAMILY, _ERROR | _NO_SUCH_CALL):
        made += struct.pack("=HBBI", _RETURN, 0, 0, value)
    return made
