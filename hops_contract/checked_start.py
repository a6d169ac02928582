"""``python -I -S …/checked_start.py CHECKS COMMAND …``: becomes COMMAND, if what is mounted is what should be.

The first act in a sandbox, before any code of a tenant. The folders that were mounted are named by paths in tenants'
trees, and a path can be made to lead elsewhere while a sandbox is made. What is mounted can't: it is looked at here.
And what is no longer shared by now is not shown: who takes a share away removes its marker before looking for sandboxes
that show it, so that each is either found there or refused here.

CHECKS is what :meth:`hops_contract.shares.SharedMounts.checks` writes.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

_REFUSED = 126
_READ_ONLY = "ro"


def mounted(lines: Iterable[str]) -> dict[str, list[str]]:
    """Mount points of ``/proc/self/mountinfo`` with the options of the last mount there."""
    points: dict[str, list[str]] = {}
    for line in lines:
        fields = line.split(" ")
        # The kernel writes spaces and the like as octal numbers.
        point = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), fields[4])
        points[point] = fields[5].split(",")
    return points


def fault(checks: Mapping[str, Any], points: Mapping[str, list[str]]) -> str | None:
    """What is not as it should be, in words; ``None`` if all is."""
    point = checks["point"]
    if point not in points:
        return "its folder Shared is no folder of the platform's. Was it replaced by a link?"
    for mount in checks["mounts"]:
        target = mount["target"]
        if target not in points:
            continue  # it went away in this moment: the place says so
        status = os.stat(target)  # noqa: PTH116 - here and below: pathlib would take longer than all the rest
        if (status.st_dev, status.st_ino) != (mount["device"], mount["inode"]):
            return f"{target} is not the dataset that is shared. Start again."
        if not mount["writes"] and _READ_ONLY not in points[target]:
            return f"{target} could be written."
        if not os.path.exists(mount["marker"]):  # noqa: PTH110
            return f"{target} was taken away in this moment. Start again."
    return None


def main(arguments: list[str]) -> int:
    """Becomes the command, or ends with a sentence."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
        points = mounted(file)
    found = fault(json.loads(arguments[0]), points)
    if found is not None:
        sys.stderr.write(f"The sandbox is not started: {found}\n")
        return _REFUSED
    command = arguments[1:]
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is wanted
    except OSError as error:
        sys.stderr.write(f"The sandbox can't start {command[0]}: {error.strerror}\n")
        return 127


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
