"""Where something is made that appears in a dataset when it is whole."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from hops_contract.layout import Home
from hops_contract.wiping import wipe_folder
from hops_platform.adapters.storage.beneath import make_own, open_beneath


@contextmanager
def draft_folder(home: Home, project: str) -> Iterator[int]:
    """A folder out of tenants' reach on the same disk; it is swept like an upload that was left behind."""
    folder = home.uploads(project) / f"copy-{secrets.token_hex(16)}"
    make_own(folder, below=home.projects)
    try:
        with open_beneath(folder, ()) as draft:
            yield draft
    finally:
        wipe_folder(folder)
