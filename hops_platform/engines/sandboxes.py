"""What running and new sandboxes of projects see of other projects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleDataset:
    """A dataset that another project shares.

    Attributes:
        id: Of the share.
        project: Who owns it.
        dataset: Its name.
        writes: Whether it may be changed.
    """

    id: UUID
    project: str
    dataset: str
    writes: bool


class Sandboxes(Protocol):
    """Notebook servers and Spark sessions of projects."""

    def probe(self) -> str:
        """What it is, in few words, as far as it says.

        Raises:
            PlatformError: It does not work.
        """
        ...

    def settle(self, project: str, visible: Sequence[VisibleDataset]) -> None:
        """Lets sandboxes of ``project`` see, of other projects, what stands in ``visible`` and nothing else.

        What is new is seen at once where the system can do that, else from a sandbox's next start on. What is not in
        the list, or is no longer to be written, is taken away before this returns, from running sandboxes as well:
        processes that hold it open are ended.

        Can be repeated, and says what is true now, whatever was said before.
        """
        ...
