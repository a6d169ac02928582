"""Files of projects in a bucket of S3: keys ``<prefix>/Projects/<project>/<dataset>/…``.

A bucket has no folders and no renames. So:

- A folder is an empty object whose key ends with ``/``; where others wrote without it, a folder is what has something
  in it.
- To move something is to copy all of it and then to remove it. What is moved, and what is made in several steps, is
  hidden meanwhile: first the target, until all is there, then the source. What is being done is written down
  first (:mod:`~hops_platform.adapters.storage.s3_moves`); what a process left half done is hidden by its successor,
  which undoes it or brings it to its end (:meth:`S3Tree.sweep`).
- So nobody who comes through the platform sees half of anything, as long as one control plane uses the bucket. Whoever
  has a key of their own sees the objects come and go one by one.
- The order of a folder is that of keys: a folder comes where its name with ``/`` behind it would.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import BinaryIO

from hops_platform.adapters.storage.range_reader import RangeReader
from hops_platform.adapters.storage.s3_bucket import MOST_KEY_BYTES, Bucket, Found
from hops_platform.adapters.storage.s3_moves import Move, Moves
from hops_platform.adapters.storage.trees import (
    MUCH_ENTRIES,
    OWN,
    PIECE,
    Draft,
    Node,
    Path,
    absent,
    find,
    folder_at,
    into_itself,
    no_file,
    own,
    taken,
)
from hops_platform.engines.files import EntryKind
from hops_platform.errors import ConflictError, InvalidRequestError, NotFoundError

_LAST = "\U0010ffff"
"""Behind every key of a folder."""
_REMOVED_AT_ONCE = 1000
_MUCH_BYTES = 256 * 2**20
"""What is more than that is not copied in a moment."""
_WAY_OUT_BYTES = 128
"""So much longer can a key become on its way to the trash, and with its project out of the way: whoever filled a key
to its end would have made what nobody deletes."""


class S3Tree:
    """See :class:`~hops_platform.adapters.storage.trees.Tree`.

    Args:
        bucket: The bucket.
        root: The folders that all keys begin with.
    """

    name = "S3"

    def __init__(self, bucket: Bucket, *, root: Path) -> None:
        self._bucket = bucket
        self._root = root
        self._moves = Moves(bucket, folder=self._folder(own("moves")), is_there=self._is_there)

    def stat(self, path: Path) -> Node:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        self._check_shown(path)
        try:
            return _file(path[-1], self._bucket.look(self._key(path)))
        except NotFoundError:
            pass
        found, _ = self._bucket.page(self._folder(path), after=None, apart=True, most=1)
        if not found:
            raise absent(path)
        return _folder(path[-1], found[0].modified)

    def page(self, path: Path, *, after: str | None) -> tuple[Sequence[Node], str | None]:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        self._check_shown(path)
        folder = self._folder(path)
        start = None if after is None else f"{folder}{after}{_LAST if after.endswith('/') else ''}"
        found, more = self._bucket.page(folder, after=start, apart=False)
        if not found and after is None:
            raise absent(path)
        hidden = self._moves.hidden()
        nodes = []
        for one in found:
            name = one.key.removeprefix(folder)
            if name.strip("/") and (*path, name.removesuffix("/")) not in hidden:
                nodes.append(_folder(name[:-1], one.modified) if name.endswith("/") else _file(name, one))
        return nodes, found[-1].key.removeprefix(folder) if more and found else None

    def mark_of(self, node: Node) -> str:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        return f"{node.name}/" if node.kind is EntryKind.FOLDER else node.name

    def open_file(self, path: Path, node: Node) -> BinaryIO:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        if node.kind is not EntryKind.FILE:
            raise no_file(node.name)
        key = self._key(path)
        reader = RangeReader(node.size, lambda start: self._bucket.receive(key, offset=start, tag=node.version))
        return io.BufferedReader(reader, PIECE)

    def make_folder(self, path: Path) -> None:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        self._check_room(self._folder(path), path)
        self._moves.check_stays(path)
        for depth in range(1, len(path) + 1):
            self._mark(path[:depth])

    @contextmanager
    def draft(self, target: Path, *, replaces: bool = False) -> Iterator[Draft]:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`.

        What replaces a file is one object, which takes its place in one step; all else is made at its target, hidden.
        """
        folder_at(self, target[:-1])
        with self._moves.replacing(target) if replaces else nullcontext():
            found = find(self, target)
            if found is not None and not (replaces and found.kind is EntryKind.FILE):
                raise taken(target)
            if found is not None:
                yield _Draft(target, lambda: None)
                return
        move = self._moves.begin(None, target)
        try:
            yield _Draft(target, lambda: self._moves.end(move))
        finally:
            if move.id in self._moves.known():
                self._moves.settle(move, self._undo)

    def put(
        self, path: Path, pieces: Iterable[bytes], *, size: int | None = None, ready: Callable[[], None] | None = None
    ) -> None:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        self._check_room(self._key(path), path)
        replaces = not self._moves.is_hidden(path)
        try:
            self._bucket.put_pieces(self._key(path), pieces, size=size, replaces=replaces, ready=ready)
        except ConflictError as error:
            raise taken(path) from error

    def copy_file(self, source: Path, node: Node, target: Path, *, look: Callable[[int], None]) -> None:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`; the service copies by itself."""
        self._check_room(self._key(target), target)
        look(node.size)
        found = Found(key=self._key(source), size=node.size, modified=node.modified, tag=node.version)
        self._bucket.copy(found, self._key(target))

    def rename(self, source: Path, target: Path) -> None:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        if into_itself(source, target):
            raise InvalidRequestError("A folder can't be put into itself.", remedy="Choose another folder.")
        self.stat(source)
        move = self._moves.begin(source, target)
        try:
            self._copy_all(source, target)
            moved = self._moves.copied(move)
        except BaseException:
            self._moves.settle(move, self._undo)
            raise
        # From here on it is moved, whatever comes.
        self._moves.settle(moved, self._finish)

    def moves_slowly(self, path: Path, *, adopted: bool) -> bool:  # noqa: ARG002 - it is copied in any case
        """See :class:`~hops_platform.adapters.storage.trees.Tree`: object by object."""
        found = list(islice(self._objects(path), MUCH_ENTRIES + 1))
        return len(found) > MUCH_ENTRIES or sum(one.size for one in found) > _MUCH_BYTES

    def remove(self, path: Path) -> None:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        keys: list[str] = []
        for found in self._objects(path):
            keys.append(found.key)
            if len(keys) == _REMOVED_AT_ONCE:
                self._bucket.remove(keys)
                keys.clear()
        self._bucket.remove(keys)

    def size_of(self, path: Path) -> int:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        return sum(found.size for found in self._objects(path))

    def close(self) -> None:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        self._bucket.close()

    def welcome(self, path: Path, dataset: Path) -> frozenset[str]:  # noqa: ARG002
        """See :class:`~hops_platform.adapters.storage.trees.Tree`; a bucket knows no project-users."""
        return frozenset()

    def adopt(self, path: Path, dataset: Path, *, known: frozenset[str] = frozenset()) -> None:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`; a bucket knows no project-users."""

    def sweep(self, *, before: datetime) -> None:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        for move in self._moves.take_left():
            self._moves.settle(move, self._finish if move.copied else self._undo)
        self._bucket.abort_old("/".join((*self._root, "")), before=before)

    def _key(self, path: Path) -> str:
        key = "/".join((*self._root, *path))
        if len(key.encode()) >= MOST_KEY_BYTES:
            raise _too_long(MOST_KEY_BYTES)
        return key

    @staticmethod
    def _check_room(key: str, path: Path) -> None:
        """Checks that what is written at ``path``, or below it, can be moved out of the way later."""
        most = MOST_KEY_BYTES - (0 if path[:1] == (OWN,) else _WAY_OUT_BYTES)
        if len(key.encode()) > most:
            raise _too_long(most)

    def _folder(self, path: Path) -> str:
        return f"{self._key(path)}/"

    def _mark(self, path: Path) -> None:
        try:
            self._bucket.look(self._folder(path))
        except NotFoundError:
            self._bucket.put(self._folder(path), b"")

    def _objects(self, path: Path) -> Iterator[Found]:
        with suppress(NotFoundError):
            yield self._bucket.look(self._key(path))
        yield from self._bucket.all_below(self._folder(path))

    def _copy_all(self, source: Path, target: Path) -> None:
        copied = 0
        for found in self._objects(source):
            key = self._key(target) + found.key.removeprefix(self._key(source))
            self._check_room(key, target)
            self._copy(found, key)
            copied += 1
        if not copied:
            raise absent(source)

    def _copy(self, found: Found, key: str) -> None:
        if found.key.endswith("/"):
            # A folder; services that keep real ones copy none.
            self._bucket.put(key, b"")
        else:
            self._bucket.copy(found, key)

    def _is_there(self, path: Path) -> bool:
        return next(self._objects(path), None) is not None

    def _check_shown(self, path: Path) -> None:
        if self._moves.is_hidden(path):
            raise absent(path)

    def _finish(self, move: Move) -> None:
        if move.source is not None:
            # A folder does not go with the last thing that was in it.
            if len(move.source) > 1:
                self._mark(move.source[:-1])
            self.remove(move.source)
        self._moves.end(move)

    def _undo(self, move: Move) -> None:
        with suppress(NotFoundError):
            if self._moves.written(move).copied:
                # Only that answer was lost. A successor would remove the source, too.
                self._moves.note(move)
        self.remove(move.target)
        self._moves.end(move)


@dataclass(frozen=True)
class _Draft:
    """See :class:`~hops_platform.adapters.storage.trees.Draft`."""

    path: Path
    appear: Callable[[], None]


def _too_long(most: int) -> InvalidRequestError:
    return InvalidRequestError(
        f"The path is too long for the site's storage: {most} bytes are the most, with what leads to the dataset.",
        remedy="Choose shorter names, or fewer folders in one another.",
    )


def _file(name: str, found: Found) -> Node:
    return Node(name=name, kind=EntryKind.FILE, size=found.size, modified=found.modified, version=found.tag)


def _folder(name: str, modified: datetime) -> Node:
    return Node(name=name, kind=EntryKind.FOLDER, size=0, modified=modified, version="")
