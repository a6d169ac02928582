"""Files of the platform's own that nobody else may read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Replaces ``path`` in one step by a file that this user alone can read; its folder is made (0700).

    Raises:
        OSError: The disk is full, or the folder is not writable; what was there is there still.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A name that neither another process nor code that may write here can have put something at.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
