"""A control group with a limit of memory, in which the kernel's OOM killer acts on nothing else of the machine."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

_PLACES = (  # of the first version, and of the second, also where both are mounted
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.swappiness"),
    (Path("/sys/fs/cgroup"), "memory.max", "memory.swap.max"),
    (Path("/sys/fs/cgroup/unified"), "memory.max", "memory.swap.max"),
)
_GONE_S = 20.0


@contextlib.contextmanager
def memory_group(limit_mib: int) -> Iterator[Path]:
    """Its folder; processes join it by their id in ``cgroup.procs``. Skips where none can be made."""
    group = _made(limit_mib)
    if group is None:
        pytest.skip("no control group with a limit of memory can be made here, which needs root and its own group")
    try:
        yield group
    finally:
        deadline = time.monotonic() + _GONE_S
        while True:
            try:
                group.rmdir()
                break
            except OSError:
                assert time.monotonic() < deadline, (group / "cgroup.procs").read_text()
                time.sleep(0.1)


def _made(limit_mib: int) -> Path | None:
    for place, limit, swap in _PLACES:
        group = place / f"hopslab-test-{os.getpid()}-{uuid4().hex[:8]}"
        if not place.is_dir():
            continue
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            # A folder of no control group would take any file.
            if (group / limit).exists():
                (group / limit).write_text(str(limit_mib * 2**20))
                with contextlib.suppress(OSError):
                    (group / swap).write_text("0")
                return group
        except OSError:
            pass
        group.rmdir()
    return None
