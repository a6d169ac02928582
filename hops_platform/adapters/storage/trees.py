"""What an HDFS and a bucket have in common: a tree of files that is reached over the network.

The ports of files are kept once, on top of this (``stored_files``, ``stored_trash``, ``stored_archives``); a product
gives the few steps below. A path here is the names that lead from the root of all projects to something, and it is
only ever made of a :class:`~hops_platform.engines.places.Place`, or of the platform's own names: they begin with
``.hops``, which no place has. Whoever makes a URL or a key of it escapes each name for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol
from uuid import UUID

from hops_platform.engines.files import Entry, EntryKind
from hops_platform.engines.places import OWN_PREFIX, Place
from hops_platform.errors import ConflictError, InvalidRequestError, NotFoundError

Path = tuple[str, ...]
OWN = OWN_PREFIX
"""The folder of the platform's own, beside the projects."""
PIECE = 1024 * 1024
PAGE = 1000
MUCH_ENTRIES = 200
"""What is more than that is not gone through in a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What lies somewhere in a tree.

    Attributes:
        name: Its name in its folder.
        kind: What it is.
        size: Bytes of a file.
        modified: When it was last written.
        version: Another text for each content, as far as the product can tell.
        owner: Whose it is, where the product knows owners.
    """

    name: str
    kind: EntryKind
    size: int
    modified: datetime
    version: str
    owner: str = ""

    @property
    def entry(self) -> Entry:
        """In the words of the port."""
        size = self.size if self.kind is EntryKind.FILE else None
        return Entry(name=self.name, kind=self.kind, size=size, modified=self.modified)


class Draft(Protocol):
    """Something that is being made, which nobody sees."""

    @property
    def path(self) -> Path:
        """Where it is made."""
        ...

    def appear(self) -> None:
        """Lets it be seen at its target, all at once.

        Raises:
            ConflictError: There is something at the target already.
            NotFoundError: The folder of the target is gone.
        """
        ...


class Tree(Protocol):
    """Files and folders of all projects on a product. Must be thread-safe.

    All calls raise :class:`~hops_platform.errors.NotFoundError` for what is not there,
    :class:`~hops_platform.errors.StorageFullError` where no room is left, and
    :class:`~hops_platform.errors.EngineUnavailableError` or :class:`~hops_platform.errors.EngineRefusedError`.
    """

    name: str
    """What the product is called."""

    def stat(self, path: Path) -> Node:
        """What lies at ``path``."""
        ...

    def page(self, path: Path, *, after: str | None) -> tuple[Sequence[Node], str | None]:
        """Some of a folder's nodes behind a mark, in a fixed order, and the mark behind them; ``None`` at the end."""
        ...

    def mark_of(self, node: Node) -> str:
        """The mark behind a node."""
        ...

    def open_file(self, path: Path, node: Node) -> BinaryIO:
        """The bytes of a file, which are asked for as they are read."""
        ...

    def make_folder(self, path: Path) -> None:
        """Makes a folder, and those that lead there; does nothing where it is."""
        ...

    def draft(self, target: Path, *, replaces: bool = False) -> AbstractContextManager[Draft]:
        """A place to make what goes to ``target``; at the end of the context nothing is left of what did not appear.

        Args:
            target: Where it goes; its folder is there.
            replaces: Whether a file that is there is replaced.
        """
        ...

    def put(
        self, path: Path, pieces: Iterable[bytes], *, size: int | None = None, ready: Callable[[], None] | None = None
    ) -> None:
        """Writes a file in a draft, whole or not at all.

        Args:
            path: Where.
            pieces: Its bytes, which are sent as they come.
            size: How many there are, where that is known.
            ready: Called when all are sent and before the file is there; what it raises ends the call.
        """
        ...

    def copy_file(self, source: Path, node: Node, target: Path, *, look: Callable[[int], None]) -> None:
        """Copies a file into a draft; ``look`` is told how many bytes each step took."""
        ...

    def rename(self, source: Path, target: Path) -> None:
        """Moves a file or a folder; never over something.

        Raises:
            ConflictError: There is something.
        """
        ...

    def moves_slowly(self, path: Path, *, adopted: bool) -> bool:
        """Whether to move what is at ``path`` takes more than a moment; absent things do not.

        Args:
            path: What.
            adopted: Whether it comes into a dataset from elsewhere (:meth:`adopt`).
        """
        ...

    def remove(self, path: Path) -> None:
        """Removes a file, or a folder with all that is in it; does nothing if there is none."""
        ...

    def size_of(self, path: Path) -> int:
        """Bytes of all files below ``path``; 0 where nothing is."""
        ...

    def close(self) -> None:
        """Hangs up."""
        ...

    def welcome(self, path: Path, dataset: Path) -> frozenset[str]:
        """Gives what is about to be moved into a dataset the rights that hold there, where the product knows any.

        Before: whoever only reads there could write it until the end of :meth:`adopt`, and for good without that.

        Returns:
            What :meth:`adopt` is told then.
        """
        ...

    def adopt(self, path: Path, dataset: Path, *, known: frozenset[str] = frozenset()) -> None:
        """Gives what was moved into a dataset those of its rights that :meth:`welcome` could not know yet."""
        ...

    def sweep(self, *, before: datetime) -> None:
        """Removes or completes what was begun before a moment and never ended."""
        ...


def path_of(place: Place) -> Path:
    """The path of a place."""
    return (place.project, place.dataset, *place.parts)


def dataset_of(place: Place) -> Path:
    """The path of a place's dataset."""
    return (place.project, place.dataset)


def own(*names: str) -> Path:
    """The path of something of the platform's own."""
    return (OWN, *names)


def trash_of(project: str, item: UUID | None = None) -> Path:
    """Where a project's trash lies, or one thing in it."""
    return own("trash", project) if item is None else own("trash", project, item.hex)


def all_nodes(tree: Tree, path: Path, *, after: str | None = None) -> Iterator[Node]:
    """All nodes of a folder behind a mark, a page after the other."""
    while True:
        nodes, after = tree.page(path, after=after)
        yield from nodes
        if after is None:
            return


def find(tree: Tree, path: Path) -> Node | None:
    """What lies at ``path``, or ``None``."""
    try:
        return tree.stat(path)
    except NotFoundError:
        return None


def folder_at(tree: Tree, path: Path) -> Node:
    """The folder at ``path``.

    Raises:
        NotFoundError: There is none.
    """
    node = tree.stat(path)
    if node.kind is not EntryKind.FOLDER:
        raise absent(path)
    return node


def shown(path: Path) -> str:
    """A path for people: without the project, and nothing of the platform's own."""
    return "/".join(path[1:]) if path and path[0] != OWN else "this"


def absent(path: Path) -> NotFoundError:
    """Nothing lies there."""
    return NotFoundError(f"There is no '{shown(path)}'.", remedy="Read the folder again.")


def taken(path: Path) -> ConflictError:
    """Something lies there."""
    return ConflictError(f"There is something at '{shown(path)}' already.", remedy="Choose another name.")


def no_file(name: str) -> InvalidRequestError:
    """It can't be read."""
    return InvalidRequestError(f"{name!r} is no file.", remedy="Choose a file.")


def into_itself(source: Path, target: Path) -> bool:
    """Whether something would be put into itself."""
    return target[: len(source)] == source and len(target) > len(source)
