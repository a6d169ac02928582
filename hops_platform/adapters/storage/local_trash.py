"""The trash on the local disk: ``HOPS_HOME/projects/.trash/<project>/<id>/{about.json,item}``.

It lies on the disk that the projects lie on, so that moving there is one step, and where no sandbox shows it. What
is said of a thing is written before the thing is moved: without its item a folder counts for nothing, and is swept.
So whoever is killed in between leaves either the file where it was or the whole thing in the trash.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from uuid import UUID

from hops_contract.layout import Home
from hops_contract.wiping import wipe_folder
from hops_platform.adapters.storage.beneath import bounded, entry_of, make_own, open_beneath, rename_new
from hops_platform.adapters.storage.trash_notes import ABOUT, ITEM, as_text, from_text
from hops_platform.database import new_id, now
from hops_platform.engines.files import TrashItem
from hops_platform.engines.places import Place
from hops_platform.errors import NotFoundError

PLATFORM = "hops"
"""By whom something was moved to the trash that nobody has deleted."""


class LocalTrash:
    """What was deleted in projects.

    Args:
        home: The platform's home.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._given_up = home.projects / ".given-up"

    def put_in_the_way(self, place: Place, *, at: int, by: str = PLATFORM, item: UUID | None = None) -> None:
        """Moves what is no folder, where a dataset's folder belongs, to the trash: as a thing in the dataset.

        Raises:
            OSError: It can't be moved.
        """
        with suppress(FileNotFoundError):
            self.put(place, at=at, by=by, item=item, path=place.dataset)

    def put(
        self,
        place: Place,
        *,
        at: int,
        by: str,
        item: UUID | None = None,
        description: str = "",
        path: str | None = None,
    ) -> TrashItem:
        """Moves what lies in the folder ``at`` to the trash; ``path`` is what is said of where it was.

        Raises:
            OSError: It is not there, or can't be moved.
        """
        entry = entry_of(place.name, at=at)
        told = TrashItem(
            id=item or new_id(),
            dataset=place.dataset,
            path=place.path if path is None else path,
            kind=entry.kind,
            description=description,
            deleted_by=by,
            deleted_at=now(),
        )
        folder = self._folder(place.project, told.id)
        make_own(folder, below=self._home.projects)
        try:
            (folder / ABOUT).write_text(as_text(told))
            with open_beneath(folder, ()) as kept:
                rename_new(place.name, ITEM, source_at=at, target_at=kept)
        except BaseException:
            if not os.path.lexists(folder / ITEM):
                wipe_folder(folder)
            raise
        return told

    def take(self, project: str, item: UUID, *, name: str, at: int) -> None:
        """Moves something out of the trash, into the folder ``at``.

        Raises:
            OSError: There is something already, or it can't be moved.
        """
        folder = self._folder(project, item)
        with open_beneath(folder, ()) as kept:
            rename_new(ITEM, name, source_at=kept, target_at=at)
        wipe_folder(folder)

    def holds(self, project: str, item: UUID) -> bool:
        """Whether it is in the trash."""
        return os.path.lexists(self._folder(project, item) / ITEM)

    def find(self, project: str, item: UUID) -> TrashItem:
        """What is known of it.

        Raises:
            NotFoundError: It is not in the trash.
        """
        found = self._read(self._folder(project, item))
        if found is None:
            raise NotFoundError(
                "There is no such thing in the trash.", remedy="Read the trash again; somebody may have restored it."
            )
        return found

    def list(self, project: str, *, limit: int, before: UUID | None) -> Sequence[TrashItem]:
        """What is in the trash, the latest first."""
        # Only those of the page are looked at: for each it takes longer than to read a thousand names.
        names = sorted(self._names(project, before), reverse=True)
        read = (self._read(self._home.trash(project) / name) for name in names)
        return list(islice((item for item in read if item is not None), limit))

    def empty(self, project: str) -> None:
        """Gives up all that is in the trash of ``project``, in one step."""
        make_own(self._given_up, below=self._home.projects)
        with suppress(FileNotFoundError):
            self._home.trash(project).rename(self._given_up / f"{project}-{secrets.token_hex(8)}")

    def sweep(self, *, before: datetime) -> None:
        """Removes what was given up, and folders of the trash that were begun before a moment and hold nothing."""
        for folder in _folders(self._given_up):
            wipe_folder(folder)
        for project in _folders(self._home.projects / ".trash"):
            for folder in _folders(project):
                with suppress(FileNotFoundError):
                    if folder.stat().st_mtime < before.timestamp() and not os.path.lexists(folder / ITEM):
                        wipe_folder(folder)

    def _folder(self, project: str, item: UUID) -> Path:
        return self._home.trash(project) / item.hex

    def _names(self, project: str, before: UUID | None) -> Iterator[str]:
        with suppress(FileNotFoundError), os.scandir(self._home.trash(project)) as found:
            for entry in bounded(found, remedy="Empty the trash, or restore things by their ids."):
                if before is None or entry.name < before.hex:
                    yield entry.name

    @staticmethod
    def _read(folder: Path) -> TrashItem | None:
        if not os.path.lexists(folder / ITEM):
            return None
        try:
            about = (folder / ABOUT).read_text()
        except FileNotFoundError:
            return None
        return from_text(UUID(folder.name), about)


def _folders(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []
