"""What running and new sandboxes of projects see of other projects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
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


class Ending(StrEnum):
    """How it came that a dataset is no longer shared."""

    REVOKED = "revoked"
    """A Data Owner of the project that owns it ended the share."""
    GIVEN_BACK = "given-back"
    """A Data Owner of the project that had it gave it back."""
    WITHDRAWN = "withdrawn"
    """It was published, and withdrawn from those who had added it."""
    DATASET_DELETED = "dataset-deleted"
    PROJECT_DELETED = "project-deleted"
    """The project that owns it was deleted; it is shared again when that is restored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedShare:
    """A dataset that another project shares no longer.

    Attributes:
        project: Who owns it.
        dataset: Its name.
        ending: How that came.
        at: When.
    """

    project: str
    dataset: str
    ending: Ending
    at: datetime


class Sandboxes(Protocol):
    """Notebook servers and Spark sessions of projects."""

    def probe(self) -> str:
        """What it is, in few words, as far as it says.

        Raises:
            PlatformError: It does not work.
        """
        ...

    def settle(self, project: str, visible: Sequence[VisibleDataset], ended: Sequence[EndedShare] = ()) -> None:
        """Lets sandboxes of ``project`` see, of other projects, what stands in ``visible`` and nothing else.

        Where something is taken away a text says so; of what stands in ``ended`` it says how and when that came.

        What is new is seen at once where the system can do that, else from a sandbox's next start on. What is not in
        the list, or is no longer to be written, is taken away before this returns, from running sandboxes as well:
        processes that hold it open are ended.

        Can be repeated, and says what is true now, whatever was said before.
        """
        ...
