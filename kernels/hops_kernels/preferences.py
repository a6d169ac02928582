"""What a person wants of their kernels, in a file of their own home."""

from __future__ import annotations

import json
import os
import tempfile
from enum import StrEnum
from pathlib import Path

FILE = Path(".config", "hops", "kernel.json")
MAX_BYTES = 64 * 1024


class Reattach(StrEnum):
    """What a new kernel does when a session of its notebook is alive that an earlier kernel left."""

    ASK = "ask"
    ALWAYS = "always"
    NEVER = "never"


def read_reattach(home: Path) -> Reattach:
    """What stands in the file of ``home``; ``ask`` where there is none that can be read."""
    try:
        with (home / FILE).open("rb") as file:
            content = json.loads(file.read(MAX_BYTES))
        return Reattach(content["reattach"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return Reattach.ASK


def keep_reattach(home: Path, wish: Reattach) -> None:
    """Writes ``wish`` into the file of ``home``, whole or not at all.

    Raises:
        OSError: The disk refuses.
    """
    path = home / FILE
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".kernel.", dir=path.parent)  # mkstemp makes it 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"reattach": str(wish)}, file)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
