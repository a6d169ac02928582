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


@dataclass(frozen=True, slots=True, kw_only=True)
class FullProject:
    """A project that is over its quota of storage.

    Attributes:
        project: Its name.
        ends: Why who still has one of its files open for writing is ended, in words: the project is far over its
            quota. ``None``: such files may be finished.
    """

    project: str
    ends: str | None = None


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

    def settle_full(self, full: Sequence[FullProject]) -> None:
        """Lets running sandboxes only read the files of the projects in ``full``, and write those of all others.

        A sandbox in which a file of such a project is open for writing can write until that is closed, or until a
        call in which the project's ``ends`` says why it is not waited for. Other projects that a dataset is shared
        with are held as well.

        Can be repeated, and says what is true now, whatever was said before.
        """
        ...
