"""The trash on a tree: ``.hops/trash/<project>/<id>/{about.json,item}``, as on the local disk.

What is said of a thing is written before the thing is moved: without its item a folder counts for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice
from uuid import UUID

from hops_platform.adapters.storage.trash_notes import ABOUT, ITEM, as_text, from_text
from hops_platform.adapters.storage.trees import (
    Path,
    Tree,
    all_nodes,
    find,
    own,
    path_of,
    trash_of,
)
from hops_platform.database import new_id, now
from hops_platform.engines.files import TrashItem
from hops_platform.engines.places import Place
from hops_platform.errors import ConflictError, NotFoundError, PlatformError

_MOST_LISTED = 200_000
_MOST_SAID = 64 * 1024


class StoredTrash:
    """What was deleted in projects.

    Args:
        tree: Where it lies.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def put(self, place: Place, *, by: str, item: UUID | None = None, description: str = "") -> TrashItem:
        """Moves something to the trash."""
        node = self._tree.stat(path_of(place))
        told = TrashItem(
            id=item or new_id(),
            dataset=place.dataset,
            path=place.path,
            kind=node.kind,
            description=description,
            deleted_by=by,
            deleted_at=now(),
        )
        folder = trash_of(place.project, told.id)
        self._tree.make_folder(folder)
        # It may be there from a call that was cut off before the thing was moved.
        self._tree.remove((*folder, ABOUT))
        self._tree.put((*folder, ABOUT), iter([as_text(told).encode()]))
        self._tree.rename(path_of(place), (*folder, ITEM))
        return told

    def take(self, project: str, item: UUID, target: Path, dataset: Path) -> None:
        """Moves something out of the trash; there is a folder for it.

        Raises:
            ConflictError: There is something.
        """
        folder = trash_of(project, item)
        if target == dataset:
            # It comes back closed. What lies in it is named already, and its own list is a gate's.
            self._tree.rename((*folder, ITEM), target)
        else:
            known = self._tree.welcome((*folder, ITEM), dataset)
            self._tree.rename((*folder, ITEM), target)
            self._tree.adopt(target, dataset, known=known)
        # Without its item it counts for nothing, and is swept.
        with suppress(PlatformError):
            self._tree.remove(folder)

    def holds(self, project: str, item: UUID) -> bool:
        """Whether it is in the trash."""
        return find(self._tree, (*trash_of(project, item), ITEM)) is not None

    def find(self, project: str, item: UUID) -> TrashItem:
        """What is known of it.

        Raises:
            NotFoundError: It is not in the trash.
        """
        found = self._read(project, item)
        if found is None:
            raise NotFoundError(
                "There is no such thing in the trash.", remedy="Read the trash again; somebody may have restored it."
            )
        return found

    def list(self, project: str, *, limit: int, before: UUID | None) -> Sequence[TrashItem]:
        """What is in the trash, the latest first."""
        names: list[str] = []
        with suppress(NotFoundError):
            for node in all_nodes(self._tree, trash_of(project)):
                if len(names) >= _MOST_LISTED:
                    raise ConflictError(
                        f"There are more than {_MOST_LISTED:,} entries here; no more can be listed.",
                        remedy="Empty the trash, or restore things by their ids.",
                    )
                if before is None or node.name < before.hex:
                    names.append(node.name)
        read = (self._read(project, UUID(name)) for name in sorted(names, reverse=True))
        return list(islice((item for item in read if item is not None), limit))

    def empty(self, project: str) -> None:
        """Gives up all that is in the trash of a project, in one step."""
        given_up = own("given-up")
        self._tree.make_folder(given_up)
        with suppress(NotFoundError):
            self._tree.rename(trash_of(project), (*given_up, f"{project}-{new_id().hex}"))

    def sweep(self, *, before: datetime) -> None:
        """Removes what was given up, and what was begun before a moment and holds nothing."""
        for path in self._folders(own("given-up")):
            self._tree.remove(path)
        for project in self._folders(own("trash")):
            for path in self._folders(project):
                if find(self._tree, (*path, ITEM)) is not None:
                    continue
                begun = find(self._tree, (*path, ABOUT)) or find(self._tree, path)
                if begun is not None and begun.modified < before:
                    self._tree.remove(path)

    def _folders(self, path: Path) -> Sequence[Path]:
        try:
            return [(*path, node.name) for node in all_nodes(self._tree, path)]
        except NotFoundError:
            return []

    def _read(self, project: str, item: UUID) -> TrashItem | None:
        folder = trash_of(project, item)
        try:
            self._tree.stat((*folder, ITEM))
            about = self._tree.stat((*folder, ABOUT))
            with self._tree.open_file((*folder, ABOUT), about) as file:
                return from_text(item, file.read(_MOST_SAID).decode())
        except NotFoundError:
            return None
