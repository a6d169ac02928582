"""How much one copy may take, wherever it goes from and to."""

from __future__ import annotations

from dataclasses import dataclass

from hops_platform.engines.files import Copied
from hops_platform.engines.leave import Leave
from hops_platform.errors import TooLargeError

MOST_DEPTH = 32
"""Folders in one another."""


@dataclass(kw_only=True)
class BoundedCopy:
    """One copy, and what it may still take.

    Attributes:
        most_entries: The most files and folders.
        most_bytes: The most bytes.
        leave: Looked at from time to time.
        entries: Files and folders so far.
        size: Bytes so far.
        left_out: What is neither, and was passed over.
    """

    most_entries: int
    most_bytes: int
    leave: Leave
    entries: int = 0
    size: int = 0
    left_out: int = 0

    def check(self, depth: int = 0) -> None:
        """Looks whether it may go on, at so many folders in one another.

        Raises:
            PlatformError: There is no leave for it any more, or no room.
            TooLargeError: It is more than may be copied at once.
        """
        self.leave.check_at_times()
        if self.entries > self.most_entries or self.size > self.most_bytes or depth > MOST_DEPTH:
            raise TooLargeError(
                f"This is more than can be copied at once: {self.most_entries} files and folders, "
                f"{self.most_bytes // 2**20} MiB and {MOST_DEPTH} folders in one another are the most.",
                remedy="Copy parts of it, or copy it in a notebook.",
            )
        self.leave.take(self.size)

    @property
    def copied(self) -> Copied:
        """What was copied."""
        return Copied(entries=self.entries, size=self.size, left_out=self.left_out)
